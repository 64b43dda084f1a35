"""What a compiled trigger answers, and the searches that stand on its `next` alone."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from schedulezero.scheduler.core.triggers.instants import SECOND
from schedulezero.scheduler.core.triggers.mismatch import Mismatch

WALK_LIMIT = 10_000
"""Steps that a walk over fires may take before it gives up on an exact answer."""

_FIRST_WINDOW = 64 * SECOND


class Trigger(Protocol):
    """The fires of one anchored configuration, as a function of time alone.

    A trigger keeps no position: every question names the instants it is about, in microseconds since 1970, UTC.
    It may be asked from several threads.
    """

    @property
    def description(self) -> str:
        """Short words for a list: `interval[1:00:00]`."""

    def next(self, after: int) -> int | None:
        """Return the first fire strictly later than `after`."""

    def upcoming(self, after: int, n: int) -> list[int]:
        """Return the first `n` fires later than `after`, or what there is."""

    def latest(self, after: int, until: int) -> int | None:
        """Return the newest fire in `(after, until]`, found from `until` backwards."""

    def newest(self, after: int, until: int, n: int) -> list[int]:
        """Return the newest `n` fires in `(after, until]`, oldest first."""

    def count(self, after: int, until: int, limit: int = WALK_LIMIT) -> tuple[int, bool]:
        """Return the number of fires in `(after, until]` and whether it is exact, or `limit` steps did not suffice."""

    def remarks(self, fire: int) -> list[str]:
        """Say which local times that do not exist, or occur twice, the fire at `fire` stands for."""

    def why_not(self, instant: int) -> Mismatch | None:
        """Return why it does not fire at an instant; None where it does."""


class SearchedTrigger(ABC):
    """A trigger that has no closed form: everything is found by asking for the next fire."""

    __slots__ = ()

    @abstractmethod
    def next(self, after: int) -> int | None:
        """Return the first fire strictly later than `after`."""

    def upcoming(self, after: int, n: int) -> list[int]:
        return list(islice(self._fires(after), n))

    def latest(self, after: int, until: int) -> int | None:
        """Look into windows that end at `until` and double, then halve the one that has a fire."""
        window = _FIRST_WINDOW
        while after < until:
            low = max(after, until - window)
            fire = self.next(low)
            if fire is not None and fire <= until:
                return self._last(fire, until)
            if low == after:
                return None
            window *= 2
        return None

    def newest(self, after: int, until: int, n: int) -> list[int]:
        found: list[int] = []
        while len(found) < n and (fire := self.latest(after, until)) is not None:
            found.append(fire)
            until = fire - 1
        return found[::-1]

    def count(self, after: int, until: int, limit: int = WALK_LIMIT) -> tuple[int, bool]:
        counted = 0
        for fire in self._fires(after):
            if fire > until:
                break
            if counted == limit:
                return limit, False
            counted += 1
        return counted, True

    def _fires(self, after: int) -> Iterator[int]:
        fire = self.next(after)
        while fire is not None:
            yield fire
            fire = self.next(fire)

    def _last(self, fire: int, high: int) -> int:
        """Return the last fire up to `high`, given one. Past `high` there is known to be none that counts."""
        while (following := self.next(fire)) is not None and following <= high:
            middle = (following + high) // 2
            later = self.next(middle)
            if later is not None and later <= high:
                fire = later
            else:
                fire, high = following, middle
        return fire
