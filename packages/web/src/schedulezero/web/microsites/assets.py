"""The assets of the microsites: read once, addressed by their content so that browsers may keep them for ever."""

import hashlib
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Self

from schedulezero.web.microsites.site import Microsite
from schedulezero.web.routes import Reply

_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Every asset, by its name: `dash/refresh.js`."""

    by_name: Mapping[str, Reply]
    tags: Mapping[str, str]

    @classmethod
    def of(cls, sites: Iterable[Microsite]) -> Self:
        """Read the assets of `sites`."""
        found = {f"{site.name}/{file.name}": file for site in sites for file in _files(site)}
        contents = {name: file.read_bytes() for name, file in found.items()}
        return cls(
            by_name={name: _reply(name, content) for name, content in contents.items()},
            tags={name: hashlib.sha256(content).hexdigest()[:12] for name, content in contents.items()},
        )

    def url(self, name: str) -> str:
        """Return where an asset is served.

        Raises:
            KeyError: there is no such asset; no page refers to one that is absent.
        """
        return f"/assets/{name}?v={self.tags[name]}"


def _files(site: Microsite) -> Iterator[Traversable]:
    folder = files("schedulezero.web.microsites") / site.name / "assets"
    return iter(sorted(folder.iterdir(), key=lambda file: file.name)) if folder.is_dir() else iter(())


def _reply(name: str, content: bytes) -> Reply:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Reply(body=content, content_type=f"{media_type}; charset=utf-8", headers=_KEPT)
