"""Moments, and how long the registry has been listening between them."""

from dataclasses import dataclass
from typing import Self

from schedulezero.runtime.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant, told twice: `wall` in microseconds since the epoch for people, `monotonic` in seconds for spans."""

    wall: int
    monotonic: float

    @classmethod
    def of(cls, clock: Clock) -> Self:
        """Return the present moment of `clock`."""
        return cls(wall=clock.now(), monotonic=clock.monotonic())


class Listening:
    """Counts the seconds in which others could be heard.

    Args:
        longest_pause: seconds between two moments beyond which the pause was ours (a suspended machine, a stopped
            process) and says nothing about others.
    """

    def __init__(self, longest_pause: float) -> None:
        self._longest_pause = longest_pause
        self._latest: float | None = None
        self._deaf = 0.0

    def until(self, now: Moment) -> float:
        """Return the seconds of listening up to `now`, from an arbitrary start. Ask often."""
        pause = 0.0 if self._latest is None else now.monotonic - self._latest
        if pause > self._longest_pause:
            self._deaf += pause
        self._latest = now.monotonic
        return now.monotonic - self._deaf
