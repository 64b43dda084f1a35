"""Schedules: create, find, change, delete; pause, resume, run."""

import re
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from schedulezero.protocol.answers import Done, Explanation, RunAccepted, ScheduleCreated, SchedulePage
from schedulezero.protocol.commands import (
    Command,
    Limit,
    Name,
    ScheduleCreate,
    ScheduleDelete,
    ScheduleExplain,
    ScheduleGet,
    ScheduleList,
    SchedulePatch,
    SchedulePause,
    ScheduleResume,
    ScheduleRun,
    ScheduleUpdate,
    WaitSeconds,
    WrittenTime,
)
from schedulezero.protocol.errors import Code
from schedulezero.protocol.validation import check_params
from schedulezero.protocol.values import Input, ScheduleRecord, ScheduleRequest
from schedulezero.web.api.fields import IDEMPOTENCY_HEADERS, Reason, idempotency_key
from schedulezero.web.api.runs import run_by
from schedulezero.web.routes import Call, Nothing, Reply, Route

_TAG = re.compile(r'(?:W/)?"?(\d{1,18})"?')
_NO_VERSION = -1
"""What is expected by a tag that we never gave, so that it matches nothing."""


class ScheduleQuery(Input):
    """Which schedules; `q` is searched in ids, names and descriptions."""

    handler_id: str | None = None
    tag: str | None = None
    paused: bool | None = None
    q: str | None = None
    limit: Limit = 100
    cursor: str | None = None
    include_total: bool = False


class ScheduleRunRequest(Input):
    """How to run a schedule's job now; `job_params`, where given, stand in place of the schedule's."""

    job_params: dict[str, Any] | None = None
    wait_seconds: WaitSeconds = 0
    idempotency_key: Name | None = None


class ExplainQuery(Input):
    """Which instant: an ISO 8601 time, without an offset in the schedule's zone."""

    at: WrittenTime


class _Created(Struct):
    created: bool


class _Versioned(Struct):
    version: int


async def create(call: Call[ScheduleRequest, Nothing]) -> Reply:
    check_params(call.body.job_params)
    answer = await call.scheduler.call_raw(ScheduleCreate(schedule=call.body))
    return Reply(body=bytes(answer), status=201 if msgspec.json.decode(answer, type=_Created).created else 200)


async def list_all(call: Call[None, ScheduleQuery]) -> Reply:
    return await call.ask(ScheduleList(**asdict(call.query)))


async def show(call: Call[None, Nothing]) -> Reply:
    return await _record(call, ScheduleGet(schedule_id=call.path["schedule_id"]))


async def change(call: Call[SchedulePatch, Nothing]) -> Reply:
    expected = _expected_version(call.headers.get("If-Match"))
    command = ScheduleUpdate(schedule_id=call.path["schedule_id"], patch=call.body, if_version=expected)
    return await _record(call, command)


async def delete(call: Call[None, Nothing]) -> Reply:
    return await call.ask(ScheduleDelete(schedule_id=call.path["schedule_id"]))


async def pause(call: Call[Reason, Nothing]) -> Reply:
    return await _record(call, SchedulePause(schedule_id=call.path["schedule_id"], reason=call.body.reason))


async def resume(call: Call[Reason, Nothing]) -> Reply:
    return await _record(call, ScheduleResume(schedule_id=call.path["schedule_id"], reason=call.body.reason))


async def run(call: Call[ScheduleRunRequest, Nothing]) -> Reply:
    command = ScheduleRun(
        schedule_id=call.path["schedule_id"],
        job_params=call.body.job_params,
        wait_seconds=call.body.wait_seconds,
        idempotency_key=idempotency_key(call.headers, call.body.idempotency_key),
    )
    return await run_by(call, command)


async def explain(call: Call[None, ExplainQuery]) -> Reply:
    return await call.ask(ScheduleExplain(schedule_id=call.path["schedule_id"], at=call.query.at))


async def _record(call: Call[Any, Any], command: Command[ScheduleRecord]) -> Reply:
    answer = await call.scheduler.call_raw(command)
    return Reply(body=bytes(answer), headers={"ETag": f'"{msgspec.json.decode(answer, type=_Versioned).version}"'})


def _expected_version(tag: str | None) -> int | None:
    if tag is None or tag.strip() == "*":
        return None
    known = _TAG.fullmatch(tag.strip())
    return int(known[1]) if known else _NO_VERSION


_ONE = "/api/schedules/{schedule_id}"
_UNKNOWN = (Code.SCHEDULE_NOT_FOUND,)
_UNFIT_JOB = (Code.HANDLER_NOT_FOUND, Code.METHOD_NOT_FOUND)

ROUTES = (
    Route(
        method="POST",
        path="/api/schedule",
        summary="Schedule a job; 200 where `if_exists` kept the schedule that was there.",
        serve=create,
        body=ScheduleRequest,
        answers={201: ScheduleCreated, 200: ScheduleCreated},
        asks=(ScheduleCreate,),
        errors=(*_UNFIT_JOB, Code.SCHEDULE_EXISTS),
    ),
    Route(
        method="GET",
        path="/api/schedules",
        summary="List schedules, by id.",
        serve=list_all,
        query=ScheduleQuery,
        answers={200: SchedulePage},
        asks=(ScheduleList,),
    ),
    Route(
        method="GET",
        path=_ONE,
        summary="Show a schedule; the ETag is its version.",
        serve=show,
        answers={200: ScheduleRecord},
        asks=(ScheduleGet,),
        errors=_UNKNOWN,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        summary="Change the fields that are named.",
        serve=change,
        body=SchedulePatch,
        headers={"If-Match": "Change it only if this is still its version (the ETag)."},
        answers={200: ScheduleRecord},
        asks=(ScheduleUpdate,),
        errors=(*_UNKNOWN, *_UNFIT_JOB, Code.CONFLICT),
    ),
    Route(
        method="DELETE",
        path=_ONE,
        summary="Delete a schedule; its executions stay.",
        serve=delete,
        answers={200: Done},
        asks=(ScheduleDelete,),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/pause",
        summary="Fire no more until resumed.",
        serve=pause,
        body=Reason,
        answers={200: ScheduleRecord},
        asks=(SchedulePause,),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/resume",
        summary="Fire again.",
        serve=resume,
        body=Reason,
        answers={200: ScheduleRecord},
        asks=(ScheduleResume,),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/run",
        summary="Run the schedule's job now; 200 when it ended within `wait_seconds`.",
        serve=run,
        body=ScheduleRunRequest,
        headers=IDEMPOTENCY_HEADERS,
        answers={202: RunAccepted, 200: RunAccepted},
        asks=(ScheduleRun,),
        errors=(*_UNKNOWN, *_UNFIT_JOB, Code.IDEMPOTENCY_CONFLICT, Code.TOO_MANY_PENDING),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/explain",
        summary="Explain why it did, did not, or will run at an instant.",
        serve=explain,
        query=ExplainQuery,
        answers={200: Explanation},
        asks=(ScheduleExplain,),
        errors=_UNKNOWN,
    ),
)
