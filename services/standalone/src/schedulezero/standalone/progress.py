"""How far something is, on standard error: a bar on a terminal, elsewhere a line for each thing that is done."""

import sys
from typing import Self

_WIDTH = 30


class Bar:
    """Shows one thing after another; what is shown stays when it is done."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live and self._shown:
            sys.stderr.write("\n")

    def show(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done; there may be more than were counted at first."""
        if self._live:
            self._draw(what, done, max(total, done))
        elif done >= total:
            sys.stderr.write(f"{what}: {done:,}\n")

    def _draw(self, what: str, done: int, total: int) -> None:
        if self._shown not in ("", what):
            sys.stderr.write("\n")
        self._shown = what
        full = _WIDTH * done // max(total, 1)
        sys.stderr.write(f"\r[{'#' * full}{'.' * (_WIDTH - full)}] {what}: {done:,} of {total:,}")
        sys.stderr.flush()
