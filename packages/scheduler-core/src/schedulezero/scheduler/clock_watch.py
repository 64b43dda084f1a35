"""Sees what else has happened to time: the process stood still, or the wall clock was put ahead or back."""

from schedulezero.runtime.clock import Clock
from schedulezero.scheduler.core.inputs import TimeLeapt
from schedulezero.scheduler.core.model import SECOND

_STEP = 1 * SECOND
"""What a wall clock gains or loses at least between two looks where it was stepped; slewing never comes near it."""
_STAND = 5 * SECOND
"""How long nobody has looked at least where the process stood still; it looks every second."""
_READING_SECONDS = 0.1


class ClockWatch:
    """Compares, at each look, the wall clock with the monotonic one.

    Args:
        clock: both.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = (clock.now(), clock.monotonic())

    def begin(self) -> None:
        """Forget what was before: nobody has looked."""
        self._last = (self._clock.now(), self._clock.monotonic())

    def look(self) -> TimeLeapt | None:
        """Return how time has leapt since the last look, None where it went on as it should."""
        before, now, monotonic = self._clock.monotonic(), self._clock.now(), self._clock.monotonic()
        if monotonic - before > _READING_SECONDS:
            # We stood still between the two readings, so that they do not tell the same moment.
            return None
        (wall_before, monotonic_before), self._last = self._last, (now, monotonic)
        elapsed = round((monotonic - monotonic_before) * SECOND)
        stepped, stood = now - wall_before - elapsed, elapsed
        if stood < _STAND and abs(stepped) < _STEP:
            return None
        return TimeLeapt(
            stood=stood if stood >= _STAND else 0,
            stepped=stepped if abs(stepped) >= _STEP else 0,
        )
