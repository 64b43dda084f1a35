"""The last things that happened, for whoever reads a failure."""

from collections import deque
from collections.abc import Callable

import msgspec

_KEPT = 40


class Trace:
    """Remembers the last forty happenings; a text is made of them only when somebody reads it.

    Args:
        now: virtual time in microseconds, since any start.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._last: deque[tuple[int, str, tuple[object, ...]]] = deque(maxlen=_KEPT)
        self._start = now()

    def note(self, what: str, *values: object) -> None:
        """Remember a happening; `values` are put into `what` by `str.format`."""
        self._last.append((self._now() - self._start, what, values))

    def __str__(self) -> str:
        return "\n".join(
            f"  {at / 1e6:12.6f} s  {what.format(*map(_shown, values))}" for at, what, values in self._last
        )


def _shown(value: object) -> object:
    """Return what is shown of a value; of messages and rows, what differs from the defaults."""
    if not isinstance(value, msgspec.Struct):
        return value
    return f"{type(value).__name__} {msgspec.json.encode(value).decode()}"
