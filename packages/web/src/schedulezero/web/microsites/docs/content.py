"""The built documentation: its files by name, read as they are at the moment, and never one outside their folder."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import Path

from schedulezero.web.routes import Reply

# The table of Python itself, so that every machine names the same types.
_TYPES = MimeTypes()
_TEXTUAL = re.compile(r"text/.+|application/(javascript|json|xml)|.+\+xml")
# The theme names these files by their content.
_NAMED_BY_CONTENT = re.compile(r"\.[0-9a-f]{8}\.min\.(css|js)$")
_KEPT, _ASKED_AGAIN = "public, max-age=31536000, immutable", "no-cache"

_SCRIPT = re.compile(rb"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL | re.IGNORECASE)
_NOT_INLINE = re.compile(rb"\bsrc=|application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The documentation that is built in the folder `root`, if it is."""

    root: Path

    @property
    def is_built(self) -> bool:
        return (self.root / "index.html").is_file()

    def read(self, name: str) -> Reply | None:
        """Return the file `name` as it is served; of a folder, `concepts/`, its page. None where there is none."""
        file = self._file(f"{name}index.html" if name.endswith("/") or not name else name)
        try:
            return None if file is None else _reply(file.name, file.read_bytes())
        except OSError:  # a folder, nothing, or a name that no file can have
            return None

    def has(self, name: str) -> bool:
        """Whether there is something to read under this name."""
        return self.read(name) is not None

    def _file(self, name: str) -> Path | None:
        if "\0" in name:
            return None
        root = self.root.resolve()
        file = (root / name).resolve()
        return file if file.is_relative_to(root) else None


def content_security_policy(html: bytes = b"") -> str:
    """Return the policy of a file: what the theme needs, and of inline scripts only those that `html` has."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *_hashes(html))),
            # The theme styles elements one by one, and so do diagrams.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )


def _hashes(html: bytes) -> Iterator[str]:
    """Source expressions of the inline scripts, https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    scripts = (found["code"] for found in _SCRIPT.finditer(html) if not _NOT_INLINE.search(found["attributes"]))
    for script in dict.fromkeys(scripts):
        yield f"'sha256-{b64encode(hashlib.sha256(script).digest()).decode()}'"


def _reply(name: str, body: bytes) -> Reply:
    content_type = _content_type(name)
    html = body if content_type.startswith("text/html") else b""
    return Reply(
        body=body,
        content_type=content_type,
        headers={
            "Cache-Control": _KEPT if _NAMED_BY_CONTENT.search(name) else _ASKED_AGAIN,
            "Content-Security-Policy": content_security_policy(html),
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
        },
    )


def _content_type(name: str) -> str:
    media_type, encoding = _TYPES.guess_type(name)
    if encoding is not None or media_type is None:
        return "application/octet-stream"
    return f"{media_type}; charset=utf-8" if _TEXTUAL.fullmatch(media_type) else media_type
