"""From due instants to executions: each decision becomes a row, in the step that moves its schedule on."""

from collections.abc import Callable
from itertools import islice

from msgspec.structs import replace

from schedulezero.protocol.events import ExecutionCreated, ExecutionFinished, ScheduleUpdated
from schedulezero.protocol.states import Reason, Status
from schedulezero.scheduler.core import admission, lifecycle
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.memory import Memory
from schedulezero.scheduler.core.model import SECOND, AdvanceSchedule, Execution, Schedule
from schedulezero.scheduler.core.policies import Decision, FireTimes, decide, decide_held, decide_last, due_at

_Decide = Callable[[Schedule, FireTimes, int], list[Decision]]
_MOST_AT_ONCE = 100
"""Schedules: some 2 ms of decisions, so that the writer is not kept from beginning."""


class Planner:
    """Decides what schedules have due. `ids` names the executions."""

    def __init__(self, memory: Memory, ids: IdSource) -> None:
        self._memory = memory
        self._ids = ids

    def fire_due(self, draft: Draft, now: int) -> None:
        """Decide the active schedules that have an instant due by `now`, of very many the first.

        The others are due still, and decided while those are at the disk: none waits for the last to be decided.
        """
        memory = self._memory
        if memory.pause is not None:
            return
        for schedule in islice(memory.agenda.take_due(now), _MOST_AT_ONCE):
            self._fire(draft, schedule, now)

    def settle(self, draft: Draft, schedule: Schedule, now: int) -> Schedule:
        """Account for every instant up to `now`, because what the schedule is comes to an end.

        What a pause or a quarantine has held back is skipped, the rest is decided as ever, whatever is left of its
        jitter. The fire times of a trigger that fails cannot be told, so they are not accounted for.

        Returns:
            The schedule moved on, not yet written.
        """
        held = self._held_back(schedule)
        try:
            fires = self._memory.agenda.fires(schedule)
            if held is None:
                decisions = self._decide(schedule, fires, now, decide_last)
            else:
                decisions = decide_held(schedule, fires, now, held)
        except Exception as error:
            return quarantined(schedule, error)
        return self._carry_out(draft, schedule, decisions, now)

    def aim(self, schedule: Schedule) -> Schedule:
        """Return the schedule with its next instant found, or quarantined where its trigger fails."""
        try:
            return self._aimed(schedule)
        except Exception as error:
            return quarantined(schedule, error)

    def _held_back(self, schedule: Schedule) -> Reason | None:
        """Return for which reason nothing of a schedule is decided now, if that is so."""
        if schedule.error is not None:
            return Reason.QUARANTINED
        return Reason.PAUSED if schedule.pause is not None or self._memory.pause is not None else None

    def _aimed(self, schedule: Schedule) -> Schedule:
        fires = self._memory.agenda.fires(schedule)
        following = fires.next(schedule.decided_through)
        max_runs = schedule.request.max_runs
        if following is None or (max_runs is not None and schedule.runs >= max_runs):
            return replace(schedule, state="finished", next_fire=None, due_at=None)
        due = due_at(schedule.id, schedule.generation, fires, schedule.request.jitter_seconds, following)
        return replace(schedule, next_fire=following, due_at=due)

    def _fire(self, draft: Draft, schedule: Schedule, now: int) -> None:
        advanced = schedule
        try:
            fires = self._memory.agenda.fires(schedule)
            advanced = self._carry_out(draft, schedule, self._decide(schedule, fires, now, decide), now)
            advanced = self._aimed(advanced)
        except Exception as error:
            # Whatever a trigger raises touches its own schedule alone, and is shown there.
            advanced = quarantined(advanced, error)
            draft.publish(ScheduleUpdated, advanced)
        advanced = replace(advanced, version=schedule.version + 1)
        draft.write(AdvanceSchedule(schedule=advanced, version_before=schedule.version))
        self._memory.agenda.keep(advanced)

    def _decide(self, schedule: Schedule, fires: FireTimes, now: int, what_is_left: _Decide) -> list[Decision]:
        """Account first for what the last pause of everything has covered: it ended without a look at each schedule."""
        past = self._memory.past_pauses
        if schedule.pauses_seen == past.count:
            return what_is_left(schedule, fires, now)
        covered = decide_held(schedule, fires, past.ended, Reason.PAUSED)
        left = replace(schedule, decided_through=covered[-1].last) if covered else schedule
        return [*covered, *what_is_left(left, fires, now)]

    def _carry_out(self, draft: Draft, schedule: Schedule, decisions: list[Decision], now: int) -> Schedule:
        for decision in decisions:
            if schedule.request.max_runs is not None and schedule.runs >= schedule.request.max_runs:
                break
            schedule = self._record(draft, schedule, decision, now)
        return replace(schedule, pauses_seen=self._memory.past_pauses.count)

    def _record(self, draft: Draft, schedule: Schedule, decision: Decision, now: int) -> Schedule:
        skip = decision.skip or self._reason_to_skip(draft, schedule, decision, now)
        if skip is None:
            self._run(draft, schedule, decision, now)
            ran = decision.fire_time
            return replace(schedule, decided_through=decision.last, last_fire=ran, runs=schedule.runs + 1)
        self._skip(draft, schedule, decision, skip, now)
        return replace(schedule, decided_through=decision.last)

    def _reason_to_skip(self, draft: Draft, schedule: Schedule, decision: Decision, now: int) -> Reason | None:
        request, unfinished = schedule.request, self._memory.unfinished[schedule.id]
        if request.expires_after_seconds == 0 and not self._memory.live_instances_of(request.handler_id):
            return Reason.NO_HANDLER
        if decision.serial or not unfinished:
            return None
        if request.overlap == "skip" or (request.overlap == "queue_one" and unfinished > 1):
            return Reason.OVERLAP
        if request.overlap == "cancel_running":
            lifecycle.cancel_all_of(self._memory, draft, schedule.id, now)
        return None

    def _run(self, draft: Draft, schedule: Schedule, decision: Decision, now: int) -> None:
        execution = self._execution(schedule, decision, now)
        self._memory.last_skips.drop(schedule.id)
        self._memory.admit(execution)
        draft.insert(execution)
        draft.publish(ExecutionCreated, execution)

    def _skip(self, draft: Draft, schedule: Schedule, decision: Decision, reason: Reason, now: int) -> None:
        last = self._memory.last_skips.get(schedule.id)
        if last is not None and last.reason is reason:
            row = extended(last, decision, now)
            draft.update(last, row)
        else:
            decided = self._execution(schedule, decision, now)
            row = replace(decided, status=Status.SKIPPED, reason=reason, completed_at=now)
            draft.insert(row)
            draft.publish(ExecutionFinished, row)
        self._memory.last_skips.put(schedule.id, row)

    def _execution(self, schedule: Schedule, decision: Decision, now: int) -> Execution:
        request = schedule.request
        spec = admission.method_spec(self._memory, request.handler_id, request.method_name)
        several = decision.count > 1
        return Execution(
            id=self._ids.next(now),
            shard=schedule.shard,
            handler_id=request.handler_id,
            method_name=request.method_name,
            params=bytes(request.job_params).decode(),
            status=Status.PENDING,
            priority=request.priority,
            created_at=now,
            ready_at=now,
            retry=admission.retry_of((request.retry, spec.retry if spec else None)),
            schedule_id=schedule.id,
            generation=schedule.generation,
            fire_time=decision.fire_time,
            timeout_seconds=admission.timeout_of(request, spec),
            expires_at=expiry(request.expires_after_seconds, now),
            tags=request.tags,
            serial=decision.serial or request.overlap in ("queue_one", "queue_all", "cancel_running"),
            covers_from=decision.first if several else None,
            covers_to=decision.last if several else None,
            covers_count=decision.count if several else None,
            count_exact=decision.exact,
            notify=request.notify,
        )


def expiry(expires_after_seconds: float | None, now: int) -> int | None:
    """Return when an execution that is decided now stops waiting for a handler, if ever."""
    return None if expires_after_seconds is None else now + round(expires_after_seconds * SECOND)


def quarantined(schedule: Schedule, error: Exception) -> Schedule:
    """Return the schedule set aside because of what its trigger raised."""
    text = f"{type(error).__name__}: {error}"
    return replace(schedule, state="quarantined", error=text, next_fire=None, due_at=None)


def extended(row: Execution, decision: Decision, now: int) -> Execution:
    """Return a skipped row that accounts for the instants of `decision` too, which follow its own."""
    return replace(
        row,
        covers_from=row.covers_from if row.covers_from is not None else row.fire_time,
        covers_to=decision.last,
        covers_count=(row.covers_count or 1) + decision.count,
        count_exact=row.count_exact and decision.exact,
        completed_at=now,
    )
