"""The assets of the microsites, as they are on the disk at the moment, so that what is built later appears on reload.

They are addressed by their content: under such an address a browser may keep them for ever.
"""

import hashlib
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schedulezero.web.routes import Reply

_NAME = re.compile(r"(?P<site>\w+)/(?P<rest>(?:\w[\w-]*/)*\w[\w.-]*)")
_KEPT, _ASKED_AGAIN = "public, max-age=31536000, immutable", "no-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    stamp: tuple[int, int]
    body: bytes
    tag: str


class Assets:
    """Every asset, by its name: `dash/dash.css`.

    Args:
        folders: the folder of each microsite's assets, by its name; it need not be there.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._read: dict[str, _File] = {}

    def has(self, name: str) -> bool:
        """Whether there is such an asset now."""
        return self._file(name) is not None

    def url(self, name: str) -> str:
        """Return where an asset is served.

        Raises:
            KeyError: there is no such asset; no page refers to one that is absent.
        """
        file = self._file(name)
        if file is None:
            raise KeyError(name)
        return f"/assets/{name}?v={file.tag}"

    @property
    def stylesheets(self) -> Sequence[str]:
        """Where the stylesheets of all microsites are served; those in folders below are for single pages."""
        found = ((site, file.name) for site, folder in self._folders.items() for file in sorted(folder.glob("*.css")))
        return [self.url(f"{site}/{name}") for site, name in found]

    def reply(self, name: str, version: str | None) -> Reply | None:
        """Return an asset as it is served; None where there is none.

        Args:
            name: the asset's.
            version: the content that the address speaks of; scripts import others without.
        """
        file = self._file(name)
        if file is None:
            return None
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Reply(
            body=file.body,
            content_type=f"{media_type}; charset=utf-8",
            headers={"Cache-Control": _KEPT if version == file.tag else _ASKED_AGAIN, "ETag": f'"{file.tag}"'},
        )

    def _file(self, name: str) -> _File | None:
        path = self._path(name)
        try:
            if path is None or not path.is_file():
                return None
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if name not in self._read or self._read[name].stamp != stamp:
                body = path.read_bytes()
                self._read[name] = _File(stamp=stamp, body=body, tag=hashlib.sha256(body).hexdigest()[:12])
        except OSError:  # it is just being replaced, or the name is too long for a file
            return None
        return self._read[name]

    def _path(self, name: str) -> Path | None:
        named = _NAME.fullmatch(name)
        folder = self._folders.get(named["site"]) if named else None
        return folder / named["rest"] if named and folder is not None else None
