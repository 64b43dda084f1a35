"""One execution: everything that is known of it."""

from schedulezero.protocol.commands import ExecutionCancel, ExecutionGet, ExecutionLogs, ExecutionRetry
from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import ExecutionDetail
from schedulezero.web.api.executions import LogsQuery
from schedulezero.web.http import query
from schedulezero.web.microsites.acting import back_of, told
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.wording import path_to
from schedulezero.web.routes import Reply

_LATE_MS = 1_000
"""What explanations call late, too."""


async def show(visit: Visit) -> Reply:
    id_ = visit.path["execution_id"]
    after = query.read(visit.query, LogsQuery).after
    execution = await visit.scheduler.call(ExecutionGet(execution_id=id_))
    logs = await visit.scheduler.call(ExecutionLogs(execution_id=id_, after=after))
    return visit.render(
        "executions/single.html",
        here="executions",
        execution=execution,
        is_final=execution.status in FINAL,
        logs=logs,
        after=after,
        question=_question(execution),
    )


def _question(execution: ExecutionDetail) -> str | None:
    """Return what there is to ask of the instant that it is for; nothing where it began in time."""
    if execution.schedule_id is None or execution.scheduled_for is None:
        return None
    if execution.status is Status.SKIPPED:
        return "Why was it skipped?"
    if execution.status in (Status.PENDING, Status.RETRYING):
        return "What does it wait for?"
    is_late = execution.lateness_ms is not None and execution.lateness_ms > _LATE_MS
    return "Why was it late?" if is_late else None


async def cancel(visit: Visit) -> Reply:
    id_ = visit.path["execution_id"]
    asked = visit.scheduler.call(ExecutionCancel(execution_id=id_))
    page = back_of(visit, path_to("executions", id_))
    return await told(asked, page, lambda record: _cancelled(record.status))


async def retry(visit: Visit) -> Reply:
    id_ = visit.path["execution_id"]
    asked = visit.scheduler.call(ExecutionRetry(execution_id=id_))
    return await told(
        asked,
        back_of(visit, path_to("executions", id_)),
        lambda _: f"This runs the job of {id_} again.",
        to=lambda run: back_of(visit, path_to("executions", run.execution_id)),
    )


def _cancelled(status: str) -> str:
    return (
        "Cancelled." if status == "cancelled" else f"Its handler has been asked to stop it; it is {status} until then."
    )
