"""A question that is being answered, and its answer."""

from functools import cached_property
from typing import Any

from schedulezero.protocol.answers import Decision
from schedulezero.protocol.frozen import Frozen
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.explain.facts import Facts
from schedulezero.scheduler.core.explain.words import Words
from schedulezero.scheduler.core.model import Execution, Schedule, Spell
from schedulezero.scheduler.core.policies import FireTimes
from schedulezero.scheduler.core.triggers import Mismatch, compile_trigger

Evidence = dict[str, Any]


class Verdict(Frozen):
    """An answer, but for the question that it answers."""

    decision: Decision
    text: str
    evidence: Evidence
    reason: str | None = None
    execution_id: str | None = None


class Case:
    """The facts, the instant, the present, and what follows from them for several of the answers."""

    def __init__(self, *, facts: Facts, at: int, now: int) -> None:
        self.facts, self.at, self.now = facts, at, now
        self.words = Words(facts.zone)

    @cached_property
    def fires(self) -> FireTimes | None:
        """The fire times of the schedule; None where there is none, or its trigger cannot be read."""
        schedule = self.facts.schedule
        if schedule is None:
            return None
        try:
            fires = FireTimes(compile_trigger(schedule.request.trigger_config), schedule.request)
            fires.next(self.at - 1)
        except Exception:
            # Whatever it raises is why the schedule is quarantined, and is told there.
            return None
        return fires

    @cached_property
    def mismatch(self) -> Mismatch | None:
        """Why the instant is no fire time of the schedule as it is; None where it is, or that is not known."""
        return self.fires.why_not(self.at) if self.fires is not None else None

    def is_as_it_was(self, schedule: Schedule, row: Execution | None = None) -> bool:
        """Whether the schedule already had its present fire times at the instant."""
        same = row is None or row.generation == schedule.generation
        return same and (self.at >= since(schedule) or self.at > schedule.decided_through)


def since(schedule: Schedule) -> int:
    """Return since when a schedule has its present fire times."""
    return schedule.times_since if schedule.times_since is not None else schedule.created_at


def interval(began: int | None, ended: int | None) -> Evidence:
    """Return a time as evidence: from, to; null where it has no end, or its beginning is not known."""
    return {
        "from": to_datetime(began) if began is not None else None,
        "to": to_datetime(ended) if ended is not None else None,
    }


def of_spells(spells: tuple[Spell, ...]) -> list[Evidence]:
    return [interval(spell.began, spell.ended) for spell in spells]


def seconds(microseconds: int) -> float:
    return microseconds / 1_000_000
