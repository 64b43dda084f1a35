"""What the boundaries of many histories have met: (command, policy, state, boundary)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, get_args

from schedulezero.protocol.commands import (
    ExecutionCancel,
    ExecutionRetry,
    HandlerPause,
    HandlerResume,
    RunBatch,
    RunNow,
    ScheduleCreate,
    ScheduleDelete,
    SchedulePause,
    ScheduleResume,
    ScheduleRun,
    ScheduleUpdate,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.states import TRANSITIONS, Reason
from schedulezero.protocol.values import CatchUp, Overlap, ScheduleRequest
from schedulezero.scheduler.core import inputs, model
from schedulezero.scheduler.core.memory import Memory

from .fates import Fate
from .scheduler import Fed

_CHANGING = (
    *(RunNow, RunBatch, ScheduleRun, ExecutionCancel, ExecutionRetry),
    *(ScheduleCreate, ScheduleUpdate, ScheduleDelete, SchedulePause, ScheduleResume),
    *(SystemPause, SystemResume, HandlerPause, HandlerResume),
)
COMMANDS = frozenset(str(command.__struct_config__.tag) for command in _CHANGING)
"""Every command that changes something."""
EVENTS = frozenset({"tick", "heard", "told", "lost"})
"""Everything else that changes something. (A link that opens sends again what was lost; that is no change.)"""
POLICIES = frozenset(f"{overlap}/{catch_up}" for overlap in get_args(Overlap) for catch_up in get_args(CatchUp))
STATES = frozenset(
    {
        *(f"{before} to {after}" for (before, _), after in TRANSITIONS.items()),
        *(f"schedule {what}" for what in ("created", "revised", "advanced", "deleted")),
        *(f"new skipped, {reason}" for reason in Reason if reason not in (Reason.EXPIRED, Reason.QUARANTINED)),
        *("new pending", "new running", "asked to stop", "skips extended", "paused", "resumed", "key", "attempt"),
    }
)
WANTED = COMMANDS | EVENTS | POLICIES | STATES
_NAMES: dict[type, str] = {
    inputs.Tick: "tick",
    inputs.Heard: "heard",
    inputs.Linked: "linked",
    inputs.InstanceTold: "told",
    inputs.LinkLost: "lost",
    inputs.DirectoryRead: "read",
    inputs.Refilled: "read",
    inputs.LineRead: "read",
    inputs.Upcoming: "read",
    inputs.Loaded: "loaded",
}


Combination = tuple[str, str, str]
"""Command, policy and state."""


class Met(NamedTuple):
    """One combination that was met."""

    command: str
    policy: str
    state: str
    boundary: Fate | None


class Survey:
    """Counts what boundaries have met."""

    def __init__(self) -> None:
        self.counts: Counter[Met] = Counter()

    def meet(self, batch: Sequence[Fed], memory: Memory, fate: Fate | None) -> None:
        for fed in batch:
            for change in fed.step.changes:
                self.counts[Met(_name(fed.event), _policy(change, memory), _state(change), fate)] += 1

    def met(self, fate: Fate | None) -> set[str]:
        """Return which of what is wanted has met this fate, or has gone well."""
        return {name for one in self.counts if one.boundary is fate for name in one[:3]} & WANTED

    def combinations(self, fate: Fate | None) -> set[Combination]:
        """Return what has met this fate together, or has gone well."""
        return {(one.command, one.policy, one.state) for one in self.counts if one.boundary is fate}

    def __str__(self) -> str:
        return "\n".join(f"{count:7}  {_in_columns(one)}" for one, count in self._sorted())

    def _sorted(self) -> Iterator[tuple[Met, int]]:
        yield from sorted(self.counts.items())


def _in_columns(met: Met) -> str:
    return f"{met.command:18} {met.policy:22} {met.state:22} {met.boundary or 'all goes well'}"


def _name(event: inputs.Input) -> str:
    if isinstance(event, inputs.Asked):
        return str(event.command.__struct_config__.tag)
    return _NAMES[type(event)]


def _policy(change: model.Change, memory: Memory) -> str:
    match change:
        case model.InsertSchedule() | model.ReviseSchedule() | model.AdvanceSchedule():
            return _policies_of(change.schedule.request)
        case model.InsertExecution() | model.UpdateExecution() if change.execution.generation is not None:
            schedule = memory.agenda.get(str(change.execution.schedule_id))
            return _policies_of(schedule.request) if schedule is not None else "of a deleted one"
        case _:
            return "-"


def _policies_of(request: ScheduleRequest) -> str:
    return f"{request.overlap}/{request.catch_up}"


def _state(change: model.Change) -> str:
    match change:
        case model.InsertExecution(execution=row):
            return f"new {row.status}" + (f", {row.reason}" if row.reason else "")
        case model.UpdateExecution(execution=row) if row.status is not change.status_before:
            return f"{change.status_before} to {row.status}"
        case model.UpdateExecution(execution=row):
            return "asked to stop" if row.cancel_requested else "skips extended"
        case model.SetPause():
            return "resumed" if change.pause is None else "paused"
        case _:
            return _OTHER[type(change)]


_OTHER: dict[type[model.Change], str] = {
    model.InsertSchedule: "schedule created",
    model.ReviseSchedule: "schedule revised",
    model.AdvanceSchedule: "schedule advanced",
    model.DeleteSchedule: "schedule deleted",
    model.InsertAttempt: "attempt",
    model.RememberKey: "key",
    model.RememberHandler: "handler",
    model.AppendLog: "log",
    model.InsertNotification: "notification",
    model.KeepSpell: "spell",
}
