"""The documentation within the common layout, and its pages by themselves; until they are built, how to build them."""

from asyncio import to_thread
from pathlib import Path
from urllib.parse import quote

from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.runtime.settings import WebSettings
from schedulezero.web.microsites.docs.content import Content
from schedulezero.web.microsites.site import Microsite, Visit, folder_of
from schedulezero.web.routes import Reply

_CONTENT = "/docs-content/"


async def _show(visit: Visit) -> Reply:
    """One of its pages, in a frame within the layout."""
    content, name = _content(visit), visit.rest
    if not content.is_built:
        return _unbuilt(visit)
    if not await to_thread(content.has, name):
        raise _unknown(name)
    return visit.render("docs/frame.html", here="docs", address=_CONTENT + quote(name))


async def _serve(visit: Visit) -> Reply:
    """A file of the documentation."""
    content, name = _content(visit), visit.rest
    found = await to_thread(content.read, name)
    if found is not None:
        return found
    if await to_thread(content.has, f"{name}/"):
        return _moved(f"{name}/")
    if _is_page(name) and not content.is_built:
        return _unbuilt(visit)
    raise _unknown(name)


async def _enter(_visit: Visit) -> Reply:
    return _moved("")


def content_at(named: str) -> Content:
    """Return the documentation in the directory `named`; where that is the usual one and nothing is built there, what
    was installed with the gateway."""
    content = Content(root=Path(named))
    is_usual = named == WebSettings().docs_path
    return content if content.is_built or not is_usual else Content(root=folder_of("docs") / "site")


def _content(visit: Visit) -> Content:
    return content_at(visit.gateway.settings.web.docs_path)


def _is_page(name: str) -> bool:
    return not name or name.endswith("/")


def _unknown(name: str) -> ScheduleZeroError:
    return ScheduleZeroError.of(Code.NOT_FOUND, f"The documentation has no {name}; it begins at {_CONTENT}.")


def _moved(name: str) -> Reply:
    return Reply(body=b"", status=302, content_type="text/plain", headers={"Location": _CONTENT + quote(name)})


def _unbuilt(visit: Visit) -> Reply:
    return visit.render("docs/unbuilt.html", here="docs")


SITE = Microsite(
    name="docs",
    pages={"/docs": _show, "/docs/*": _show, "/docs-content": _enter, f"{_CONTENT}*": _serve},
    label="Docs",
    order=90,
)
