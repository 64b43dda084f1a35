"""Time, as every service reads it; no other module asks the operating system.

Instants are integer microseconds since 1970-01-01T00:00:00Z, so that arithmetic is exact.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """What a component is given to tell the time by."""

    def now(self) -> int:
        """Return the wall time in microseconds since the epoch, UTC; it may be stepped, also backward."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes backward. For measuring spans only."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to.

    Args:
        start: wall time to begin at, in microseconds since the epoch.
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self._elapsed = 0

    def now(self) -> int:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed / 1_000_000

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, rounded to the microsecond.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"a clock is advanced forward, not by {seconds} s")
        self._elapsed += round(seconds * 1_000_000)


def to_datetime(instant: int) -> datetime:
    """Return the aware UTC datetime of `instant`, in microseconds since the epoch, exactly."""
    return _EPOCH + timedelta(microseconds=instant)


def from_datetime(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware datetime of any zone, exactly.

    Raises:
        ValueError: `moment` is naive, so it names no instant.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; attach one first")
    return (moment - _EPOCH) // _MICROSECOND
