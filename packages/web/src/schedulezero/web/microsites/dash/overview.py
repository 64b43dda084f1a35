"""What the dashboard shows, asked of the services all at once; what one of them cannot tell is said in its place."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schedulezero.protocol.answers import ExecutionStats
from schedulezero.protocol.commands import ExecutionList, ExecutionStatistics, ScheduleList
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.states import HandlerStatus, Status
from schedulezero.protocol.values import ExecutionRecord, HandlerRecord, ScheduleRecord
from schedulezero.web.backend import PROBE_SECONDS, Backend, Condition
from schedulezero.web.microsites.dash.strip import Strip
from schedulezero.web.microsites.wording import spoken, summary

_NEWEST = 56
_LINES = 12
_SOONEST = 8
_MOST_SCHEDULES = 1000
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An execution in a line: `says` is its result, its error or the reason why it did not run."""

    record: ExecutionRecord
    says: str

    @property
    def at(self) -> datetime:
        """The newest of its instants."""
        return self.record.completed_at or self.record.started_at or self.record.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is shown; a part is None while the service that knows it is away."""

    condition: Condition
    handlers: Sequence[HandlerRecord] | None
    schedules: Sequence[ScheduleRecord] | None
    schedules_total: int
    newest: Sequence[ExecutionRecord] | None
    stats: ExecutionStats | None

    @property
    def lines(self) -> Sequence[Line]:
        """The newest executions, in words."""
        return [Line(record=record, says=summary(record)) for record in (self.newest or ())[:_LINES]]

    @property
    def strip(self) -> Strip:
        """The newest executions, drawn."""
        return Strip.of(self.newest or ())

    @property
    def connected(self) -> int:
        return sum(handler.status is HandlerStatus.CONNECTED for handler in self.handlers or ())

    @property
    def paused(self) -> int:
        return sum(schedule.paused for schedule in self.schedules or ())

    @property
    def soonest(self) -> Sequence[ScheduleRecord]:
        """The schedules that fire next, then those that will not fire."""
        return sorted(self.schedules or (), key=lambda schedule: schedule.next_fire_time or _NEVER)[:_SOONEST]

    @property
    def headline(self) -> Line | None:
        """The newest execution that had something to say in words."""
        succeeded = (record for record in self.newest or () if record.status is Status.SUCCESS)
        lines = (Line(record=record, says=spoken(record.result)) for record in succeeded)
        return next((line for line in lines if line.says), None)


async def look(backend: Backend) -> Overview:
    """Ask for everything; answers within about a second, whatever is away."""
    scheduler = backend.scheduler
    condition, handlers, schedules, executions, stats = await asyncio.gather(
        backend.condition(),
        _known(backend.handlers(timeout=PROBE_SECONDS)),
        _known(scheduler.call(ScheduleList(limit=_MOST_SCHEDULES, include_total=True), timeout=PROBE_SECONDS)),
        _known(scheduler.call(ExecutionList(limit=_NEWEST), timeout=PROBE_SECONDS)),
        _known(scheduler.call(ExecutionStatistics(), timeout=PROBE_SECONDS)),
    )
    return Overview(
        condition=condition,
        handlers=handlers,
        schedules=schedules.schedules if schedules else None,
        schedules_total=schedules.total or 0 if schedules else 0,
        newest=executions.records if executions else None,
        stats=stats,
    )


async def _known[T](asked: Awaitable[T]) -> T | None:
    """The condition says already who is away and why."""
    try:
        return await asked
    except ScheduleZeroError:
        return None
