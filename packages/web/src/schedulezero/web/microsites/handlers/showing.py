"""The handlers, and one of them with its methods."""

from schedulezero.web.microsites.site import Visit
from schedulezero.web.routes import Reply


async def every(visit: Visit) -> Reply:
    handlers = await visit.gateway.backend.handlers()
    return visit.render("handlers/list.html", here="handlers", handlers=sorted(handlers, key=lambda one: one.id))


async def single(visit: Visit) -> Reply:
    handler = await visit.gateway.backend.handler(visit.path["handler_id"])
    return visit.render("handlers/single.html", here="handlers", handler=handler)
