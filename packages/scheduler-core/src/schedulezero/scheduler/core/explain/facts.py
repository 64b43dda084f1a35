"""What an explanation stands on, as the shell has found it."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, NamedTuple, Self

from schedulezero.protocol.frozen import Frozen
from schedulezero.scheduler.core.memory import Memory
from schedulezero.scheduler.core.model import Attempt, Execution, Schedule, Spell, SpellKind
from schedulezero.scheduler.core.triggers import Zone


class Presence(Frozen):
    """The instances of a handler as they are now.

    Attributes:
        online: how many are connected.
        ready: how many of those take new work of the method in question.
        refusing: how many of those that take new work do not offer the method.
        running: how many executions the ready ones have.
        capacity: how many they can have.
    """

    online: int = 0
    ready: int = 0
    refusing: int = 0
    running: int = 0
    capacity: int = 0


Cause = Literal[
    "scheduler_down",
    "scheduler_behind",
    "jitter",
    "paused",
    "everything_paused",
    "handler_paused",
    "no_handler",
    "no_method",
    "no_slot",
    "overlap",
    "retry",
    "quarantined",
]


class Hindrance(Frozen):
    """What an instant, or its execution, had to wait for, or what stands against it.

    Attributes:
        cause: what it is.
        began: since when, in microseconds; None where that is not known.
        ended: until when; None while it lasts.
        actor: who brought it about.
        note: why.
        execution_id: the execution that is in the way.
    """

    cause: Cause
    began: int | None = None
    ended: int | None = None
    actor: str | None = None
    note: str | None = None
    execution_id: str | None = None

    @classmethod
    def of(cls, cause: Cause, spell: Spell) -> Self:
        return cls(cause=cause, began=spell.began, ended=spell.ended, actor=spell.actor, note=spell.note)


class Down(NamedTuple):
    """When the scheduler was down; `why` where it was not ended and started."""

    began: int
    ended: int
    why: str | None


class Facts(Frozen):
    """What is known around an instant of a schedule.

    Attributes:
        schedule_id: the schedule.
        zone: its time zone.
        schedule: its row; None where it is deleted.
        row: the row of the ledger that is at the instant, or whose range reaches over it.
        earlier: the last row of the ledger up to the instant.
        later: the first row after it.
        attempts: those of `row` that did not succeed.
        other: an execution of the schedule that stood in the way of `row`.
        spells: what held around the instant and since, by kind, each in order.
        seen: whether the handler has ever registered.
        presence: its instances now; None where that is not known.
    """

    schedule_id: str
    zone: Zone
    schedule: Schedule | None = None
    row: Execution | None = None
    earlier: Execution | None = None
    later: Execution | None = None
    attempts: tuple[Attempt, ...] = ()
    other: Execution | None = None
    spells: Mapping[SpellKind, tuple[Spell, ...]] = {}
    seen: bool = True
    presence: Presence | None = None

    @property
    def handler_id(self) -> str:
        """The handler of the row, else of the schedule; empty where neither is there."""
        if self.row is not None:
            return self.row.handler_id
        return self.schedule.request.handler_id if self.schedule is not None else ""

    @property
    def method_name(self) -> str:
        if self.row is not None:
            return self.row.method_name
        return self.schedule.request.method_name if self.schedule is not None else ""

    def at(self, kind: SpellKind, instant: int) -> Spell | None:
        """Return the spell of a kind through an instant."""
        return next((spell for spell in self.during(kind, instant, instant)), None)

    def during(self, kind: SpellKind, first: int, last: int) -> tuple[Spell, ...]:
        """Return the spells of a kind that have something in common with `first` to `last`."""
        spells = self.spells.get(kind, ())
        return tuple(s for s in spells if s.began <= last and (s.ended is None or s.ended >= first))

    def lasting(self, kind: SpellKind) -> Spell | None:
        """Return the spell of a kind that has not ended."""
        return next((spell for spell in self.spells.get(kind, ()) if spell.ended is None), None)

    def down(self, first: int, last: int) -> tuple[Down, ...]:
        """Return from when to when the scheduler was down, as far as it has to do with `first` to `last`."""
        ups = pairwise(self.spells.get("scheduler_up", ()))
        gaps = (Down(up.ended, following.began, following.note) for up, following in ups if up.ended is not None)
        return tuple(gap for gap in gaps if gap.began < gap.ended and gap.began <= last and gap.ended >= first)


def accounting_row(earlier: Execution | None, later: Execution | None, at: int) -> Execution | None:
    """Return which of the two rows around an instant is at it, or reaches over it.

    A range that was skipped begins at its row's instant, one that a run stands for ends there.
    """
    for row in (earlier, later):
        if row is not None and row.fire_time is not None:
            first = row.covers_from if row.covers_from is not None else row.fire_time
            last = row.covers_to if row.covers_to is not None else row.fire_time
            if first <= at <= last:
                return row
    return None


def presence_of(memory: Memory, handler_id: str, method_name: str) -> Presence:
    """Return how a handler is there for a method, as the machine knows it."""
    live = memory.live_instances_of(handler_id)
    taking = [one for one in live if one.takes_work]
    offering = [one for one in taking if method_name in one.methods]
    return Presence(
        online=len(live),
        ready=len(offering),
        refusing=len(taking) - len(offering),
        running=sum(len(one.running) for one in offering),
        capacity=sum(one.info.capacity for one in offering),
    )
