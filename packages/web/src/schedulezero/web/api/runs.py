"""Runs: one now, or many at once."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from schedulezero.protocol.answers import BatchAccepted, RunAccepted
from schedulezero.protocol.commands import Command, ExecutionRetry, Name, RunBatch, RunNow, ScheduleRun, WaitSeconds
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.validation import check_params
from schedulezero.protocol.values import Input, RunRequest
from schedulezero.web.api.fields import IDEMPOTENCY_HEADERS, idempotency_key
from schedulezero.web.routes import Call, Nothing, Reply, Route

MAX_BATCH_BYTES = 8 * 1024 * 1024

_PATIENCE_SECONDS = 10.0


class RunNowRequest(RunRequest, kw_only=True):
    """A job to run now; with `wait_seconds` the answer waits for its end, at most so long."""

    wait_seconds: WaitSeconds = 0
    idempotency_key: Name | None = None


class BatchRequest(Input, kw_only=True):
    """Jobs to run now: all of them, or none."""

    runs: Annotated[tuple[RunRequest, ...], Meta(min_length=1, max_length=1000)]
    idempotency_key: Name | None = None


class _Told(Struct):
    status: str


async def run_now(call: Call[RunNowRequest, Nothing]) -> Reply:
    check_params(call.body.job_params)
    command = RunNow(
        run=_job(call.body),
        wait_seconds=call.body.wait_seconds,
        idempotency_key=idempotency_key(call.headers, call.body.idempotency_key),
    )
    return await run_by(call, command)


async def run_batch(call: Call[BatchRequest, Nothing]) -> Reply:
    for index, run in enumerate(call.body.runs):
        _check_one(index, run)
    key = idempotency_key(call.headers, call.body.idempotency_key)
    return await call.ask(RunBatch(runs=call.body.runs, idempotency_key=key), status=202)


async def run_by(call: Call[Any, Any], command: RunNow | ScheduleRun | ExecutionRetry) -> Reply:
    """Ask for a run; return 200 when it has ended, 202 while it has not."""
    wait = 0 if isinstance(command, ExecutionRetry) else command.wait_seconds
    asked: Command[RunAccepted] = command
    answer = await call.scheduler.call_raw(asked, timeout=_PATIENCE_SECONDS + wait)
    told = msgspec.json.decode(answer, type=_Told)
    return Reply(body=bytes(answer), status=202 if told.status == "accepted" else 200)


def _job(request: RunNowRequest) -> RunRequest:
    """The scheduler knows no `wait_seconds` within a job."""
    return RunRequest(**{name: getattr(request, name) for name in RunRequest.__struct_fields__})


def _check_one(index: int, run: RunRequest) -> None:
    try:
        check_params(run.job_params)
    except ScheduleZeroError as error:
        raise error.under(f"runs[{index}]") from None


_ERRORS = (Code.HANDLER_NOT_FOUND, Code.METHOD_NOT_FOUND, Code.IDEMPOTENCY_CONFLICT, Code.TOO_MANY_PENDING)

ROUTES = (
    Route(
        method="POST",
        path="/api/run_now",
        summary="Run a job now; 200 when it ended within `wait_seconds`.",
        serve=run_now,
        body=RunNowRequest,
        headers=IDEMPOTENCY_HEADERS,
        answers={202: RunAccepted, 200: RunAccepted},
        asks=(RunNow,),
        errors=_ERRORS,
    ),
    Route(
        method="POST",
        path="/api/run_now/batch",
        summary="Run up to 1000 jobs: all are accepted, or none.",
        serve=run_batch,
        body=BatchRequest,
        headers=IDEMPOTENCY_HEADERS,
        answers={202: BatchAccepted},
        asks=(RunBatch,),
        errors=_ERRORS,
        max_body_bytes=MAX_BATCH_BYTES,
    ),
)
