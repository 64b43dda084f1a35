"""A wall clock that a test steps under real processes, by libfaketime; their monotonic clock stays the machine's."""

import time
from pathlib import Path

import pytest

_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
_LIBRARY = "libfaketimeMT.so.1"


class WallClock:
    """The wall clock of the programs that are started with its environment.

    Args:
        file: where it is kept how far ahead of the machine's clock it is.

    Raises:
        pytest.skip.Exception: libfaketime is not installed.
    """

    def __init__(self, file: Path) -> None:
        self.environ = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            # A monotonic clock that is stepped with the other one is not what a machine does.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self._file = file
        self.put_ahead(0)

    def put_ahead(self, seconds: float) -> None:
        """Step it to this far ahead of the machine's clock; negative: behind."""
        self._ahead = seconds
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{seconds:+g}")
        draft.replace(self._file)

    def now(self) -> float:
        """Return what it shows, in seconds since the epoch."""
        return time.time() + self._ahead


def _library() -> Path:
    found = [path for place in _PLACES for path in Path("/").glob(f"{place[1:]}/{_LIBRARY}")]
    if not found:
        pytest.skip("needs faketime; install with apt-get install faketime")
    return found[0]
