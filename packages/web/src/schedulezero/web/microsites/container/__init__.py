"""The frame that all microsites share: layout, navigation, style, logo; and the way in."""

from schedulezero.web.microsites.site import Microsite, Visit
from schedulezero.web.routes import Reply


async def _enter(_visit: Visit) -> Reply:
    return Reply(body=b"", status=302, content_type="text/plain", headers={"Location": "/dash"})


SITE = Microsite(name="container", pages={"/": _enter}, order=0)
