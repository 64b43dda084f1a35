"""Triggers made of triggers: `or` fires when any of them does, `and` when all of them do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schedulezero.scheduler.core.triggers.instants import LATEST
from schedulezero.scheduler.core.triggers.mismatch import Mismatch
from schedulezero.scheduler.core.triggers.trigger import WALK_LIMIT, SearchedTrigger, Trigger

# Questions to its parts that one search of an `and` may ask: about 0.1 s of crons, forward or backward.
_FORWARD_LIMIT = 4_000
_BACKWARD_LIMIT = 500


def _describe(word: str, triggers: Sequence[Trigger]) -> str:
    return f"{word}[{', '.join(trigger.description for trigger in triggers)}]"


def _of_each(triggers: Sequence[Trigger], instant: int) -> Iterator[Mismatch]:
    """Yield why each of those that do not fire does not."""
    for index, trigger in enumerate(triggers):
        mismatch = trigger.why_not(instant)
        if mismatch is not None:
            yield mismatch.under(f"triggers[{index}]")


class AnyOf(SearchedTrigger):
    """Fires at the instants of all `triggers`, once at one that several share."""

    __slots__ = ("_triggers", "description")

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._triggers = tuple(triggers)
        self.description = _describe("or", self._triggers)

    def next(self, after: int) -> int | None:
        return min((fire for trigger in self._triggers if (fire := trigger.next(after)) is not None), default=None)

    def latest(self, after: int, until: int) -> int | None:
        found = (trigger.latest(after, until) for trigger in self._triggers)
        return max((fire for fire in found if fire is not None), default=None)

    def newest(self, after: int, until: int, n: int) -> list[int]:
        merged = {fire for trigger in self._triggers for fire in trigger.newest(after, until, n)}
        return sorted(merged)[max(0, len(merged) - n) :]

    def remarks(self, fire: int) -> list[str]:
        firing = (trigger for trigger in self._triggers if trigger.next(fire - 1) == fire)
        return [remark for trigger in firing for remark in trigger.remarks(fire)]

    def why_not(self, instant: int) -> Mismatch | None:
        parts = tuple(_of_each(self._triggers, instant))
        return None if len(parts) < len(self._triggers) else Mismatch(field="triggers", rule="no_part", parts=parts)


@dataclass(slots=True)
class _Budget:
    """The questions that a search may still ask."""

    left: int


class AllOf(SearchedTrigger):
    """Fires at the instants that all `triggers` share.

    They need not share any, so every search is bounded; one that finds nothing within its bound says that there is
    none.
    """

    __slots__ = ("_none_after", "_triggers", "description")

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._triggers = tuple(triggers)
        self.description = _describe("and", self._triggers)
        # A search that found nothing is dear, and an `or` above would repeat it at each of its fires.
        self._none_after = LATEST

    def next(self, after: int) -> int | None:
        if after >= self._none_after:
            return None
        fire = self._meeting(after, LATEST, _Budget(_FORWARD_LIMIT))
        if fire is None:
            self._none_after = min(self._none_after, after)
        return fire

    def upcoming(self, after: int, n: int) -> list[int]:
        budget, found = _Budget(_FORWARD_LIMIT), list[int]()
        while len(found) < n and (fire := self._meeting(after, LATEST, budget)) is not None:
            found.append(fire)
            after = fire
        return found

    def latest(self, after: int, until: int) -> int | None:
        for _ in range(0, _BACKWARD_LIMIT, len(self._triggers)):
            fires = [trigger.latest(after, until) for trigger in self._triggers]
            earliest = min((fire for fire in fires if fire is not None), default=None)
            if earliest is None or None in fires:
                return None
            if fires.count(earliest) == len(fires):
                return earliest
            until = earliest
        return None

    def count(self, after: int, until: int, limit: int = WALK_LIMIT) -> tuple[int, bool]:
        budget, counted = _Budget(limit), 0
        while (fire := self._meeting(after, until, budget)) is not None:
            counted += 1
            after = fire
        return counted, budget.left > 0

    def remarks(self, fire: int) -> list[str]:
        return [remark for trigger in self._triggers for remark in trigger.remarks(fire)]

    def why_not(self, instant: int) -> Mismatch | None:
        return next(_of_each(self._triggers, instant), None)

    def _meeting(self, after: int, until: int, budget: _Budget) -> int | None:
        """Return the first shared instant in `(after, until]`: all are asked for a fire not before the furthest that
        one of them has named, until they agree.
        """
        while budget.left > 0:
            fires = [trigger.next(after) for trigger in self._triggers]
            budget.left -= len(fires)
            furthest = max((fire for fire in fires if fire is not None), default=None)
            if furthest is None or furthest > until or None in fires:
                return None
            if fires.count(furthest) == len(fires):
                return furthest
            after = furthest - 1
        return None
