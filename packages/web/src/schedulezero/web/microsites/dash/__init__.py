"""The dashboard: what is there, what comes next, what has just happened."""

from schedulezero.web.microsites.dash.overview import look
from schedulezero.web.microsites.site import Microsite, Visit
from schedulezero.web.routes import Reply


async def _overview(visit: Visit) -> Reply:
    return visit.render("dash/overview.html", here="dash", host=visit.host, view=await look(visit.gateway.backend))


SITE = Microsite(name="dash", pages={"/dash": _overview}, label="Dashboard", order=10)
