"""How much memory a step keeps while it waits for its commit, about."""

from schedulezero.protocol.values import Failure
from schedulezero.scheduler.core.model import (
    AppendLog,
    Change,
    InsertAttempt,
    InsertExecution,
    InsertSchedule,
    ReviseSchedule,
    Step,
    UpdateExecution,
)

_ROW = 1_000
"""What a change weighs besides the texts of its user."""


def weight_of(step: Step) -> int:
    """Return the bytes that a step's changes hold, texts counted by their characters."""
    return sum(map(_weigh, step.changes))


def _weigh(change: Change) -> int:
    match change:
        case InsertExecution(execution=row) | UpdateExecution(execution=row):
            return _ROW + len(row.params) + len(row.result or "") + _weigh_failure(row.error)
        case AppendLog(entry=entry):
            return _ROW + len(entry.event) + len(entry.fields)
        case InsertAttempt(attempt=attempt):
            return _ROW + _weigh_failure(attempt.error)
        case InsertSchedule(schedule=schedule) | ReviseSchedule(schedule=schedule):
            return _ROW + len(bytes(schedule.request.job_params))
    return _ROW


def _weigh_failure(failure: Failure | None) -> int:
    return 0 if failure is None else len(failure.message) + len(failure.traceback or "")
