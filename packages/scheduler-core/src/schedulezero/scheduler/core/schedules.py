"""Commands on schedules, and the pauses of one schedule, one handler, or everything."""

import difflib
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import asdict, replace

from schedulezero.protocol.answers import Done, ScheduleCreated
from schedulezero.protocol.commands import SchedulePatch, ScheduleUpdate
from schedulezero.protocol.errors import Code, ScheduleZeroError, invalid_value
from schedulezero.protocol.events import (
    ScheduleCreatedEvent,
    ScheduleDeleted,
    SchedulePaused,
    ScheduleResumed,
    ScheduleUpdated,
)
from schedulezero.protocol.triggers import DateTrigger
from schedulezero.protocol.values import Pause, ScheduleRequest
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import admission
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.inputs import Asked
from schedulezero.scheduler.core.memory import Memory
from schedulezero.scheduler.core.model import (
    SECOND,
    AdvanceSchedule,
    DeleteSchedule,
    InsertSchedule,
    PastPauses,
    ReviseSchedule,
    Schedule,
    SetPause,
    shard_of,
)
from schedulezero.scheduler.core.planner import Planner
from schedulezero.scheduler.core.triggers import anchor, compile_trigger

_TIMES = ("trigger_config", "start_at", "end_at")
"""The options that fire times follow from."""


class Schedules:
    """Serves the commands on schedules. Each raises ScheduleZeroError where it refuses, and has then done nothing."""

    def __init__(self, memory: Memory, planner: Planner, ids: IdSource) -> None:
        self._memory = memory
        self._planner = planner
        self._ids = ids

    def create(self, draft: Draft, asked: Asked, request: ScheduleRequest, now: int) -> None:
        existing = self._memory.agenda.get(request.schedule_id) if request.schedule_id is not None else None
        if existing is not None and request.if_exists == "keep":
            draft.answer(asked.ticket, _created(existing, created=False))
            return
        if existing is not None and request.if_exists == "error":
            message = f"schedule {existing.id} exists; set if_exists to replace or keep, or choose another id"
            raise ScheduleZeroError.of(Code.SCHEDULE_EXISTS, message, path="schedule_id")
        request = self._checked(request, now)
        if existing is not None:
            self._planner.settle(draft, existing, now)
        schedule = self._planner_aim(self._new(request, existing, asked.caller, now))
        if existing is None:
            draft.write(InsertSchedule(schedule=schedule))
        else:
            draft.write(ReviseSchedule(schedule=schedule, version_before=existing.version))
            self._memory.last_skips.drop(schedule.id)
        self._memory.agenda.keep(schedule)
        draft.publish(ScheduleCreatedEvent if existing is None else ScheduleUpdated, schedule)
        draft.answer(asked.ticket, _created(schedule, created=True))

    def update(self, draft: Draft, asked: Asked, command: ScheduleUpdate, now: int) -> None:
        schedule = self.known(asked, command.schedule_id)
        if command.if_version is not None and command.if_version != schedule.version:
            message = f"schedule {schedule.id} is at version {schedule.version}, not {command.if_version}"
            raise ScheduleZeroError.of(Code.CONFLICT, message, path="If-Match")
        request = self._patched(schedule.request, command.patch, now)
        moves_times = any(getattr(request, name) != getattr(schedule.request, name) for name in _TIMES)
        resumes = command.patch.paused is False and schedule.pause is not None
        settles = moves_times or resumes or schedule.error is not None
        revised = self._planner.settle(draft, schedule, now) if settles else schedule
        revised = replace(revised, request=request, state="active", error=None, updated_at=now)
        if moves_times or _is_given_runs(schedule, request):
            # What was not due until now does not become due afterwards.
            revised = replace(revised, times_since=now, decided_through=max(revised.decided_through, now))
        if command.patch.paused is True:
            revised = replace(revised, pause=schedule.pause or _pause(None, asked.caller, now))
        elif resumes:
            revised = replace(revised, pause=None)
        written = self._write(draft, schedule, self._planner_aim(revised), revise=True)
        draft.publish(ScheduleUpdated, written)
        draft.answer(asked.ticket, written)

    def delete(self, draft: Draft, asked: Asked, schedule_id: str, now: int) -> None:
        """Remove a schedule; what it has decided stays and is carried out."""
        schedule = self.known(asked, schedule_id)
        self._planner.settle(draft, schedule, now)
        draft.write(DeleteSchedule(schedule_id=schedule.id, shard=schedule.shard, version_before=schedule.version))
        self._memory.agenda.drop(schedule.id)
        self._memory.last_skips.drop(schedule.id)
        draft.publish(ScheduleDeleted, schedule)
        draft.answer(asked.ticket, Done())

    def pause(self, draft: Draft, asked: Asked, schedule_id: str, reason: str | None, now: int) -> None:
        schedule = self.known(asked, schedule_id)
        if schedule.pause is None:
            paused = replace(schedule, pause=_pause(reason, asked.caller, now), updated_at=now)
            schedule = self._write(draft, schedule, self._planner_aim(paused))
            draft.publish(SchedulePaused, schedule)
        draft.answer(asked.ticket, schedule)

    def resume(self, draft: Draft, asked: Asked, schedule_id: str, now: int) -> None:
        """End a pause, or try a quarantined schedule again; what the pause covered is accounted for."""
        schedule = self.known(asked, schedule_id)
        if schedule.pause is not None or schedule.state == "quarantined":
            resumed = self._planner.settle(draft, schedule, now)
            resumed = replace(resumed, pause=None, error=None, state="active", updated_at=now)
            schedule = self._write(draft, schedule, self._planner_aim(resumed))
            draft.publish(ScheduleResumed, schedule)
        draft.answer(asked.ticket, schedule)

    def pause_all(self, draft: Draft, asked: Asked, reason: str | None, now: int) -> None:
        if self._memory.pause is None:
            self._memory.pause = _pause(reason, asked.caller, now)
            draft.write(SetPause(handler_id=None, pause=self._memory.pause, past=self._memory.past_pauses))
        draft.answer(asked.ticket, Done())

    def resume_all(self, draft: Draft, asked: Asked, now: int) -> None:
        """End the pause of everything. What it covered is accounted for as each schedule comes to its turn."""
        if self._memory.pause is not None:
            past = PastPauses(count=self._memory.past_pauses.count + 1, ended=now)
            self._memory.pause, self._memory.past_pauses = None, past
            draft.write(SetPause(handler_id=None, pause=None, past=past))
            self._planner.fire_due(draft, now)
        draft.answer(asked.ticket, Done())

    def pause_handler(self, draft: Draft, asked: Asked, handler_id: str, reason: str | None, now: int) -> None:
        self._check_handler(handler_id)
        if handler_id not in self._memory.handler_pauses:
            pause = self._memory.handler_pauses[handler_id] = _pause(reason, asked.caller, now)
            draft.write(SetPause(handler_id=handler_id, pause=pause))
        draft.answer(asked.ticket, Done())

    def resume_handler(self, draft: Draft, asked: Asked, handler_id: str) -> None:
        self._check_handler(handler_id)
        if self._memory.handler_pauses.pop(handler_id, None) is not None:
            draft.write(SetPause(handler_id=handler_id, pause=None))
        draft.answer(asked.ticket, Done())

    def known(self, asked: Asked, schedule_id: str) -> Schedule:
        """Return a schedule. Raises schedule_not_found, naming the nearest."""
        schedule = self._memory.agenda.get(schedule_id)
        if schedule is None:
            known = [*asked.neighbours, *islice(self._memory.agenda.held(), 1_000)]
            nearest = difflib.get_close_matches(schedule_id, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            message = f"there is no schedule {schedule_id}{hint}"
            raise ScheduleZeroError.of(Code.SCHEDULE_NOT_FOUND, message, path="schedule_id")
        return schedule

    # -- one schedule --------------------------------------------------------------------------------------------

    def _checked(self, request: ScheduleRequest, now: int) -> ScheduleRequest:
        """Return the request with its trigger anchored, or raise what is wrong with it."""
        admission.check(self._memory, request)
        _check_span(request)
        return replace(request, trigger_config=self._anchored(request, now))

    def _anchored(self, request: ScheduleRequest, now: int) -> Any:
        try:
            config = anchor(request.trigger_config, created=now, timezone=self._memory.limits.timezone)
        except ScheduleZeroError as error:
            raise error.under("trigger_config") from None
        if isinstance(config, DateTrigger):
            _check_run_date(config, round(request.misfire_grace_seconds * SECOND), now)
        return config

    def _patched(self, request: ScheduleRequest, patch: SchedulePatch, now: int) -> ScheduleRequest:
        given = {name: value for name, value in asdict(patch).items() if value is not UNSET}
        if "job_params" in given:
            given["job_params"] = Raw(msgspec.json.encode(given["job_params"]))
        patched = replace(request, **given)
        if given.keys() & {"handler_id", "method_name", "job_params", "allow_offline"}:
            admission.check(self._memory, patched)
        _check_span(patched)
        if "trigger_config" in given:
            patched = replace(patched, trigger_config=self._anchored(patched, now))
        return patched

    def _new(self, request: ScheduleRequest, existing: Schedule | None, caller: str, now: int) -> Schedule:
        generation = self._ids.next(now)
        id_ = request.schedule_id or generation
        # A date in the past, but within the grace, is still to run.
        through = now - round(request.misfire_grace_seconds * SECOND) - 1
        return Schedule(
            id=id_,
            shard=existing.shard if existing is not None else shard_of(id_),
            generation=generation,
            version=existing.version + 1 if existing is not None else 1,
            request=replace(request, schedule_id=id_),
            state="active",
            decided_through=through if isinstance(request.trigger_config, DateTrigger) else now,
            created_at=existing.created_at if existing is not None else now,
            updated_at=now,
            pause=_pause(None, caller, now) if request.paused else None,
            times_since=now if existing is not None else None,
            pauses_seen=self._memory.past_pauses.count,
        )

    def _planner_aim(self, schedule: Schedule) -> Schedule:
        if schedule.pause is not None:
            return replace(schedule, state="paused", next_fire=None, due_at=None)
        return self._planner.aim(schedule)

    def _write(self, draft: Draft, before: Schedule, after: Schedule, *, revise: bool = False) -> Schedule:
        after = replace(after, version=before.version + 1)
        change = ReviseSchedule if revise else AdvanceSchedule
        draft.write(change(schedule=after, version_before=before.version))
        self._memory.agenda.keep(after)
        return after

    def _check_handler(self, handler_id: str) -> None:
        if handler_id not in self._memory.known:
            message = f"no handler {handler_id} has ever registered"
            raise ScheduleZeroError.of(Code.HANDLER_NOT_FOUND, message, path="handler_id")


def _created(schedule: Schedule, *, created: bool) -> ScheduleCreated:
    following = to_datetime(schedule.next_fire) if schedule.next_fire is not None else None
    return ScheduleCreated(schedule_id=schedule.id, next_fire_time=following, created=created)


def _is_given_runs(schedule: Schedule, request: ScheduleRequest) -> bool:
    """Whether a schedule that has had all its runs is to have more."""
    had_all = schedule.request.max_runs is not None and schedule.runs >= schedule.request.max_runs
    return had_all and (request.max_runs is None or schedule.runs < request.max_runs)


def _pause(reason: str | None, caller: str, now: int) -> Pause:
    return Pause(reason=reason, paused_by=caller, paused_at=to_datetime(now))


def _check_span(request: ScheduleRequest) -> None:
    for name in ("start_at", "end_at"):
        moment = getattr(request, name)
        if moment is not None and moment.tzinfo is None:
            raise invalid_value(name, f"{name} needs an offset, such as {moment.isoformat()}Z")
    if request.start_at is not None and request.end_at is not None and request.end_at < request.start_at:
        raise invalid_value("end_at", "end_at lies before start_at")


def _check_run_date(config: DateTrigger, grace: int, now: int) -> None:
    if compile_trigger(config).next(now - grace - 1) is None:
        message = f"run_date {config.run_date} lies in the past; give a later one"
        raise invalid_value("trigger_config.run_date", message)
