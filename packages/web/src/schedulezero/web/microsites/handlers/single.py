"""One handler: its instances, its methods, and what may be done to it."""

from schedulezero.web.microsites.site import Visit
from schedulezero.web.routes import Reply


async def show(visit: Visit) -> Reply:
    handler = await visit.gateway.backend.handler(visit.path["handler_id"])
    return visit.render("handlers/single.html", here="handlers", handler=handler)
