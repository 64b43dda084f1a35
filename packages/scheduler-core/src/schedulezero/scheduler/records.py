"""Rows as users see them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Literal

from msgspec import Raw, structs

from schedulezero.protocol.states import Status
from schedulezero.protocol.values import (
    AttemptRecord,
    Covers,
    ExecutionDetail,
    ExecutionRecord,
    ScheduleRecord,
)
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.model import Attempt, Execution, Schedule
from schedulezero.scheduler.core.policies import FireTimes
from schedulezero.scheduler.core.triggers import compile_trigger

_MILLISECOND = 1000
_NULL = Raw(b"null")

_at = lru_cache(maxsize=1024)(to_datetime)
"""One instant is told of many executions, and several times of each."""


def execution_record(row: Execution) -> ExecutionRecord:
    """Return an execution as its record. Made three times in the life of each, so no dictionary is made on the way."""
    return ExecutionRecord(
        execution_id=row.id,
        schedule_id=row.schedule_id,
        handler_id=row.handler_id,
        instance_id=row.instance_id,
        method_name=row.method_name,
        job_params=Raw(row.params.encode()),
        status=row.status,
        reason=row.reason,
        scheduled_for=_optional(row.fire_time),
        created_at=_at(row.created_at),
        started_at=_optional(row.started_at),
        completed_at=_optional(row.completed_at),
        duration_ms=_span_ms(row.started_at, row.completed_at),
        lateness_ms=_span_ms(row.fire_time, row.started_at),
        attempt_number=row.attempt,
        max_attempts=row.retry.max_attempts,
        result=_NULL if row.result is None else Raw(row.result.encode()),
        error=row.error,
        covers=_covers(row),
        tags=row.tags,
        retry_of=row.retry_of,
        priority=row.priority,
        ready_at=_at(row.ready_at),
    )


def execution_detail(row: Execution, attempts: Sequence[Attempt]) -> ExecutionDetail:
    """Return an execution with its attempts: the row tells the one that runs or has succeeded, the others are stored.

    The attempts may have been read later than the row, and that one may be among them.
    """
    told = [_attempt_record(attempt) for attempt in attempts]
    if row.claim not in {attempt.claim for attempt in attempts}:
        told += _told_by_row(row)
    return ExecutionDetail(**structs.asdict(execution_record(row)), attempts=tuple(told))


def schedule_record(row: Schedule, last_status: Status | None) -> ScheduleRecord:
    """Return a schedule as its record; the status of its last execution is the database's to know."""
    request = row.request
    return ScheduleRecord(
        id=row.id,
        handler_id=request.handler_id,
        method_name=request.method_name,
        job_params=request.job_params,
        trigger_config=request.trigger_config,
        trigger=_description(row),
        args=(request.handler_id, request.method_name, request.job_params),
        state=row.state,
        paused=row.pause is not None,
        pause=row.pause,
        error=row.error,
        next_fire_time=_optional(row.next_fire),
        last_fire_time=_optional(row.last_fire),
        last_status=last_status,
        runs=row.runs,
        version=row.version,
        created_at=to_datetime(row.created_at),
        updated_at=to_datetime(row.updated_at),
        name=request.name,
        description=request.description,
        owner=request.owner,
        runbook_url=request.runbook_url,
        tags=request.tags,
        priority=request.priority,
        timeout_seconds=request.timeout_seconds,
        retry=request.retry,
        expires_after_seconds=request.expires_after_seconds,
        overlap=request.overlap,
        catch_up=request.catch_up,
        misfire_grace_seconds=request.misfire_grace_seconds,
        max_catch_up=request.max_catch_up,
        jitter_seconds=request.jitter_seconds,
        max_runs=request.max_runs,
        start_at=request.start_at,
        end_at=request.end_at,
        notify=request.notify,
    )


def _covers(row: Execution) -> Covers | None:
    if row.covers_from is None or row.covers_to is None or row.covers_count is None:
        return None
    first, last = _at(row.covers_from), _at(row.covers_to)
    return Covers(from_=first, to=last, count=row.covers_count, exact=row.count_exact)


def _attempt_record(row: Attempt) -> AttemptRecord:
    return AttemptRecord(
        attempt_number=row.attempt,
        instance_id=row.instance_id,
        started_at=_optional(row.started_at),
        completed_at=to_datetime(row.completed_at),
        status=row.status,
        error=row.error,
    )


def _told_by_row(row: Execution) -> Iterator[AttemptRecord]:
    match row.status:
        case Status.RUNNING:
            yield _last_attempt(row, "running")
        case Status.SUCCESS:
            yield _last_attempt(row, "success")


def _last_attempt(row: Execution, status: Literal["running", "success"]) -> AttemptRecord:
    return AttemptRecord(
        attempt_number=row.attempt,
        instance_id=row.instance_id,
        started_at=_optional(row.started_at),
        completed_at=_optional(row.completed_at),
        status=status,
        error=None,
    )


def _description(row: Schedule) -> str:
    """Say what the trigger is; of one that cannot be made any more, such as one of a zone that is gone, its kind."""
    config = row.request.trigger_config
    try:
        return FireTimes(compile_trigger(config), row.request).description
    except Exception:
        # Its schedule is quarantined and shows why. Others are not to suffer by it.
        return str(config.__struct_config__.tag)


def _optional(instant: int | None) -> datetime | None:
    return None if instant is None else _at(instant)


def _span_ms(first: int | None, last: int | None) -> float | None:
    return None if first is None or last is None else (last - first) / _MILLISECOND
