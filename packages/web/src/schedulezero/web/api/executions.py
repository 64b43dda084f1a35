"""Executions: find, cancel, retry, read their logs; figures over all of them."""

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import asdict

from schedulezero.protocol.answers import BulkDone, Cleared, ExecutionPage, ExecutionStats, LogPage, RunAccepted
from schedulezero.protocol.commands import (
    ExecutionBulk,
    ExecutionCancel,
    ExecutionClear,
    ExecutionErrors,
    ExecutionFilter,
    ExecutionGet,
    ExecutionList,
    ExecutionLogs,
    ExecutionRetry,
    ExecutionStatistics,
    Limit,
)
from schedulezero.protocol.errors import Code
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import ExecutionDetail, ExecutionRecord, Input
from schedulezero.web.api.fields import Instant
from schedulezero.web.api.runs import run_by
from schedulezero.web.routes import Call, Nothing, Reply, Route


class ExecutionQuery(Input):
    """Which executions; `since` and `until` are on `created_at`, `q` is searched in ids and method names."""

    handler_id: str | None = None
    method_name: str | None = None
    schedule_id: str | None = None
    status: tuple[Status, ...] = ()
    tag: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    q: str | None = None
    limit: Limit = 100
    cursor: str | None = None
    include_total: bool = False

    def command(self) -> ExecutionList:
        """Return what the scheduler is asked for it."""
        fields = asdict(self)
        chosen = ExecutionFilter(**{name: fields.pop(name) for name in ExecutionFilter.__struct_fields__})
        return ExecutionList(filter=chosen, **fields)


class ErrorsQuery(Input):
    """Which part of the failures."""

    limit: Limit = 100
    cursor: str | None = None


class StatsQuery(Input):
    """Since when; all that is stored when left out."""

    since: Instant | None = None


class LogsQuery(Input):
    """Lines after this number."""

    after: Annotated[int, Meta(ge=0)] = 0


class BulkRequest(Input, kw_only=True):
    """What to do to which executions."""

    action: Literal["cancel", "retry"]
    filter: ExecutionFilter


class ClearRequest(Input, kw_only=True):
    """Remove what ended before this instant."""

    before: Instant


async def list_all(call: Call[None, ExecutionQuery]) -> Reply:
    return await call.ask(call.query.command())


async def show(call: Call[None, Nothing]) -> Reply:
    return await call.ask(ExecutionGet(execution_id=call.path["execution_id"]))


async def cancel(call: Call[Nothing, Nothing]) -> Reply:
    return await call.ask(ExecutionCancel(execution_id=call.path["execution_id"]))


async def retry(call: Call[Nothing, Nothing]) -> Reply:
    return await run_by(call, ExecutionRetry(execution_id=call.path["execution_id"]))


async def logs(call: Call[None, LogsQuery]) -> Reply:
    return await call.ask(ExecutionLogs(execution_id=call.path["execution_id"], after=call.query.after))


async def bulk(call: Call[BulkRequest, Nothing]) -> Reply:
    return await call.ask(ExecutionBulk(action=call.body.action, filter=call.body.filter))


async def stats(call: Call[None, StatsQuery]) -> Reply:
    return await call.ask(ExecutionStatistics(since=call.query.since))


async def errors(call: Call[None, ErrorsQuery]) -> Reply:
    return await call.ask(ExecutionErrors(**asdict(call.query)))


async def clear(call: Call[ClearRequest, Nothing]) -> Reply:
    return await call.ask(ExecutionClear(before=call.body.before))


_ONE = "/api/executions/{execution_id}"
_UNKNOWN = (Code.EXECUTION_NOT_FOUND,)

ROUTES = (
    Route(
        method="GET",
        path="/api/executions",
        summary="List executions, newest first.",
        serve=list_all,
        query=ExecutionQuery,
        answers={200: ExecutionPage},
        asks=(ExecutionList,),
    ),
    Route(
        method="GET",
        path="/api/executions/stats",
        summary="Show figures over the executions.",
        serve=stats,
        query=StatsQuery,
        answers={200: ExecutionStats},
        asks=(ExecutionStatistics,),
    ),
    Route(
        method="GET",
        path="/api/executions/errors",
        summary="List the newest failures.",
        serve=errors,
        query=ErrorsQuery,
        answers={200: ExecutionPage},
        asks=(ExecutionErrors,),
    ),
    Route(
        method="POST",
        path="/api/executions/bulk",
        summary="Cancel or retry every execution that a filter finds.",
        serve=bulk,
        body=BulkRequest,
        answers={200: BulkDone},
        asks=(ExecutionBulk,),
        errors=(Code.TOO_MANY_PENDING,),
    ),
    Route(
        method="POST",
        path="/api/executions/clear",
        summary="Remove the executions that ended before an instant.",
        serve=clear,
        body=ClearRequest,
        answers={200: Cleared},
        asks=(ExecutionClear,),
    ),
    Route(
        method="GET",
        path=_ONE,
        summary="Show an execution with each of its attempts.",
        serve=show,
        answers={200: ExecutionDetail},
        asks=(ExecutionGet,),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/cancel",
        summary="Cancel an execution that has not ended.",
        serve=cancel,
        body=Nothing,
        answers={200: ExecutionRecord},
        asks=(ExecutionCancel,),
        errors=(*_UNKNOWN, Code.CONFLICT),
    ),
    Route(
        method="POST",
        path=f"{_ONE}/retry",
        summary="Run the job of an ended execution again, as a new execution.",
        serve=retry,
        body=Nothing,
        answers={202: RunAccepted, 200: RunAccepted},
        asks=(ExecutionRetry,),
        errors=(*_UNKNOWN, Code.CONFLICT, Code.TOO_MANY_PENDING),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/logs",
        summary="Read what an execution has logged, and its progress.",
        serve=logs,
        query=LogsQuery,
        answers={200: LogPage},
        asks=(ExecutionLogs,),
        errors=_UNKNOWN,
    ),
)
