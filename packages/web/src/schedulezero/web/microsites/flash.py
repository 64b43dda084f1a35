"""What a form has done, told once on the page that it leads to.

It travels in a cookie that only this server can have set, so that no link can put words into our mouth.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Literal

import msgspec

from schedulezero.web.routes import Reply

Level = Literal["success", "error"]

COOKIE = "sz_flash"
FORGOTTEN = {"Set-Cookie": f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"}

_LIFE_SECONDS = 60
_LONGEST = 1_000


class Flash(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, and what kind of news it is."""

    text: str
    level: Level = "success"


def leading_to(location: str, text: str, level: Level = "success") -> Reply:
    """Return the answer to a form that leads to a page, on which `text` is told."""
    said = msgspec.json.encode(Flash(text=text[:_LONGEST], level=level))
    cookie = f"{COOKIE}={urlsafe_b64encode(said).decode()}; Path=/; Max-Age={_LIFE_SECONDS}; HttpOnly; SameSite=Strict"
    headers = {"Location": location, "Set-Cookie": cookie}
    return Reply(body=b"", status=303, content_type="text/plain", headers=headers)


def read(cookie: str | None) -> Flash | None:
    """Return what a cookie tells; nothing where it is none of ours."""
    if not cookie:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(cookie), type=Flash)
    except (ValueError, msgspec.DecodeError):
        return None
