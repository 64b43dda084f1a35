"""The documentation, or how to build it."""

from schedulezero.web.microsites.site import Microsite, Visit
from schedulezero.web.routes import Reply


async def _unbuilt(visit: Visit) -> Reply:
    return visit.render("docs/unbuilt.html", here="docs")


SITE = Microsite(
    name="docs", pages={"/docs": _unbuilt, "/docs/": _unbuilt, "/docs-content/": _unbuilt}, label="Docs", order=90
)
