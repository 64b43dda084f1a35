"""How many executions there are of a kind, by the figures that :mod:`.tallies` keeps, without counting rows."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, func, select

from schedulezero.protocol.commands import ExecutionFilter
from schedulezero.protocol.states import Status
from schedulezero.scheduler.store.tables import UNFINISHED, execution_counts, executions
from schedulezero.scheduler.store.tallies import ALWAYS, FRESH

_c = execution_counts.c
_KEPT: dict[frozenset[Status], Column[int]] = {
    frozenset(): _c.total,
    frozenset({Status.SUCCESS}): _c.success,
    frozenset({Status.ERROR, Status.TIMEOUT}): _c.error,
}
"""What is kept of the executions in any status of these; of all, if there are none."""


def count_executions(connection: Connection) -> int:
    """Return how many executions are stored."""
    return _kept(connection, _c.total, ExecutionFilter()) + _running(connection, ExecutionFilter())


def matching(connection: Connection, filter_: ExecutionFilter) -> int | None:
    """Return how many executions match, None where the figures do not tell."""
    kept = _KEPT.get(frozenset(filter_.status))
    of = ExecutionFilter(handler_id=filter_.handler_id, schedule_id=filter_.schedule_id, status=filter_.status)
    if kept is None or filter_ != of:
        return None
    return _kept(connection, kept, filter_) + (0 if filter_.status else _running(connection, filter_))


def _kept(connection: Connection, numbers: Column[int], filter_: ExecutionFilter) -> int:
    where = (_c.span.in_((ALWAYS, FRESH)), *_of(execution_counts.c, filter_))
    return int(connection.scalar(select(func.sum(numbers)).where(*where)) or 0)


def _running(connection: Connection, filter_: ExecutionFilter) -> int:
    """Count what is not in the figures yet."""
    columns = executions.c
    running = select(func.count()).select_from(executions).where(UNFINISHED, columns.status == Status.RUNNING)
    return connection.scalar(running.where(*_of(columns, filter_))) or 0


def _of(columns: Any, filter_: ExecutionFilter) -> list[ColumnElement[bool]]:
    names = (("handler_id", filter_.handler_id), ("schedule_id", filter_.schedule_id))
    return [columns[name] == value for name, value in names if value is not None]
