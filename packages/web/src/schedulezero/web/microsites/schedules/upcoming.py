"""When a schedule fires next, as the scheduler will decide it: what its trigger names, within the schedule's bounds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedulezero.protocol.answers import PreviewAnswer
from schedulezero.protocol.commands import HandlerPauses, SystemHealth, TriggerPreview
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.link.calls import CommandClient
from schedulezero.protocol.values import ScheduleRecord
from schedulezero.web.backend import PROBE_SECONDS

_FIRES = 10
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """What comes, and what is to be known about it.

    Attributes:
        fire_times: the next instants; those that a pause covers are among them, since it may end before.
        remarks: what keeps them from being run, or moves them.
        warnings: what clock changes do to them.
        more: whether the trigger goes on after these.
    """

    fire_times: Sequence[datetime]
    remarks: Sequence[str]
    warnings: Sequence[str]
    more: bool


async def upcoming(scheduler: CommandClient, schedule: ScheduleRecord, now: datetime) -> Upcoming:
    """Return what comes of a schedule.

    Raises:
        ScheduleZeroError: the scheduler does not answer.
    """
    named, obstacles = await asyncio.gather(_named(scheduler, schedule, now), _obstacles(scheduler, schedule))
    bounded = [moment for moment in named.fire_times if schedule.end_at is None or moment <= schedule.end_at]
    shown = bounded[: _runs_left(schedule)] if schedule.state != "finished" else []
    return Upcoming(
        fire_times=shown,
        remarks=[*obstacles, *_remarks(schedule)] if shown else [],
        warnings=named.warnings if shown or not named.fire_times else (),
        more=len(shown) == _FIRES,
    )


async def _named(scheduler: CommandClient, schedule: ScheduleRecord, now: datetime) -> PreviewAnswer:
    """What the trigger names; why there is nothing, where the trigger itself is at fault."""
    asked = TriggerPreview(trigger_config=schedule.trigger_config, count=_FIRES, after=_after(schedule, now))
    try:
        return await scheduler.call(asked)
    except ScheduleZeroError as error:
        if error.code is not Code.INVALID_VALUE:
            raise
        faults = tuple(f"{detail.path}: {detail.message}" for detail in error.problem.details)
        return PreviewAnswer(fire_times=(), warnings=faults or (str(error),))


def _after(schedule: ScheduleRecord, now: datetime) -> datetime:
    """The next one may lie in the past: jitter, or a scheduler that is late, has it still to be decided."""
    if schedule.next_fire_time is not None:
        return schedule.next_fire_time - _INSTANT
    return now if schedule.start_at is None else max(now, schedule.start_at - _INSTANT)


def _runs_left(schedule: ScheduleRecord) -> int | None:
    return None if schedule.max_runs is None else max(0, schedule.max_runs - schedule.runs)


def _remarks(schedule: ScheduleRecord) -> list[str]:
    remarks = []
    if schedule.jitter_seconds:
        remarks.append(f"Each is moved by its jitter: up to {schedule.jitter_seconds:g} s later, never past the next.")
    left = _runs_left(schedule)
    if left is not None and left <= _FIRES:
        remarks.append(f"{left} of {schedule.max_runs} runs are left; what is skipped does not count.")
    return remarks


async def _obstacles(scheduler: CommandClient, schedule: ScheduleRecord) -> list[str]:
    health, pauses = await asyncio.gather(
        scheduler.call(SystemHealth(), timeout=PROBE_SECONDS), scheduler.call(HandlerPauses(), timeout=PROBE_SECONDS)
    )
    said = {
        "It is paused: these are skipped until it is resumed.": schedule.paused,
        "Its trigger fails: it does not fire until the trigger is changed or it is resumed.": (
            schedule.state == "quarantined"
        ),
        "Everything is paused: these are skipped until it is resumed.": health.paused is not None,
        f"The handler {schedule.handler_id} is paused: runs wait until it is resumed.": schedule.handler_id
        in pauses.handlers,
    }
    return [text for text, is_so in said.items() if is_so]
