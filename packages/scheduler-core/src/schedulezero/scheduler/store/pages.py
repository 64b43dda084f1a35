"""Lists in pages: which rows match a filter, and where the next page begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    TextClause,
    and_,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)

from schedulezero.protocol.commands import ExecutionFilter, ScheduleList
from schedulezero.protocol.errors import invalid_value
from schedulezero.protocol.states import Status
from schedulezero.runtime.clock import from_datetime
from schedulezero.scheduler.core.model import Execution, Schedule
from schedulezero.scheduler.store.dialects import has_part
from schedulezero.scheduler.store.rows import EXECUTIONS, SCHEDULES
from schedulezero.scheduler.store.tables import UNFINISHED, UNSUCCESSFUL, executions, schedules

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""A page ends early where its records would be more than this as JSON; one record is always in it."""
_RECORD_BYTES = 1_000
"""A record without its user data, roughly."""

_UNFINISHED = frozenset({Status.PENDING, Status.RUNNING, Status.RETRYING})
_UNSUCCESSFUL = frozenset({Status.ERROR, Status.TIMEOUT, Status.CANCELLED, Status.SKIPPED})
Condition = ColumnElement[bool] | TextClause
_EXECUTION_CURSOR = msgspec.json.Decoder(tuple[Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], str])
_SCHEDULE_CURSOR = msgspec.json.Decoder(str)


class Page[R](NamedTuple):
    """Some rows of a list; `total` is of the whole list, None where it was not asked for."""

    rows: list[R]
    next_cursor: str | None
    total: int | None


def execution_page(
    connection: Connection,
    filter_: ExecutionFilter,
    limit: int,
    cursor: str | None,
    include_total: bool,
    more_conditions: Sequence[Condition] = (),
) -> Page[Execution]:
    """Read the executions that match, newest first."""
    conditions = [*execution_conditions(filter_), *more_conditions]
    newest = select(*EXECUTIONS.columns).order_by(executions.c.created_at.desc(), executions.c.id.desc())
    after = [] if cursor is None else [_older_than(*read_cursor(cursor, _EXECUTION_CURSOR))]
    rows, more = _cut(connection, newest.where(*conditions, *after), limit, _size_of_execution)
    read = EXECUTIONS.read_all(rows)
    next_cursor = write_cursor((read[-1].created_at, read[-1].id)) if more else None
    return Page(read, next_cursor, _count(connection, executions.c.id, conditions) if include_total else None)


def schedule_page(connection: Connection, query: ScheduleList) -> Page[Schedule]:
    """Read the schedules that match, by id."""
    conditions = list(_schedule_conditions(query))
    after = [] if query.cursor is None else [schedules.c.id > read_cursor(query.cursor, _SCHEDULE_CURSOR)]
    by_id = select(*SCHEDULES.columns).where(*conditions, *after).order_by(schedules.c.id)
    rows, more = _cut(connection, by_id, query.limit, _size_of_schedule)
    read = SCHEDULES.read_all(rows)
    next_cursor = write_cursor(read[-1].id) if more else None
    return Page(read, next_cursor, _count(connection, schedules.c.id, conditions) if query.include_total else None)


def execution_conditions(filter_: ExecutionFilter) -> Iterator[Condition]:
    """Yield what must hold of an execution; `created_at` is at or after `since` and before `until`.

    Raises:
        ScheduleZeroError: `invalid_value` for a time without a zone.
    """
    columns = executions.c
    if not may_be_stored(filter_.handler_id, filter_.method_name, filter_.schedule_id, filter_.tag, filter_.q):
        yield false()
        return
    for name in ("handler_id", "method_name", "schedule_id"):
        if (value := getattr(filter_, name)) is not None:
            yield columns[name] == value
    if filter_.status:
        yield from status_in(frozenset(filter_.status))
    if filter_.tag is not None:
        yield _is_tagged(columns.tags, filter_.tag)
    if filter_.since is not None:
        yield columns.created_at >= instant("since", filter_.since)
    if filter_.until is not None:
        yield columns.created_at < instant("until", filter_.until)
    if filter_.q:
        searched = (columns.id, columns.schedule_id, columns.handler_id, columns.method_name)
        yield or_(*(column.icontains(filter_.q, autoescape=True) for column in searched))


def status_in(statuses: frozenset[Status]) -> Iterator[Condition]:
    """Yield the condition, and the predicate of the partial index that holds all of these where there is one."""
    if statuses <= _UNFINISHED:
        yield UNFINISHED
    elif statuses <= _UNSUCCESSFUL:
        yield UNSUCCESSFUL
    yield executions.c.status.in_(sorted(statuses))


def not_replayed() -> Condition:
    """The execution was not run again."""
    replays = executions.alias()
    return ~exists().where(replays.c.retry_of.is_not(None), replays.c.retry_of == executions.c.id)


def may_be_stored(*texts: str | None) -> bool:
    """Whether a row could hold these: none holds NUL, which PostgreSQL refuses and SQLite takes for an end."""
    return all("\0" not in text for text in texts if text is not None)


def write_cursor(position: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def read_cursor[P](cursor: str, decoder: msgspec.json.Decoder[P]) -> P:
    """Return the position that a cursor stands for.

    Raises:
        ScheduleZeroError: `invalid_value` at `cursor`, where it is not one of ours.
    """
    try:
        return decoder.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise invalid_value("cursor", "this is not a next_cursor of this list; leave it out to begin anew") from None


def _schedule_conditions(query: ScheduleList) -> Iterator[Condition]:
    columns = schedules.c
    if not may_be_stored(query.handler_id, query.tag, query.q):
        yield false()
        return
    if query.handler_id is not None:
        yield columns.handler_id == query.handler_id
    if query.tag is not None:
        yield _is_tagged(columns.tags, query.tag)
    if query.paused is not None:
        yield (columns.state == "paused") == query.paused
    if query.q:
        searched = (columns.id, columns.handler_id, columns.method_name, columns.name)
        yield or_(*(column.icontains(query.q, autoescape=True) for column in searched))


def _is_tagged(tags: Column[str], tag: str) -> ColumnElement[bool]:
    return false() if "," in tag else has_part(tags, literal(f",{tag},"))


def _older_than(created_at: int, id_: str) -> ColumnElement[bool]:
    """The row is after this position; written so that every database takes `created_at` for a range of its index."""
    columns = executions.c
    return and_(columns.created_at <= created_at, or_(columns.created_at < created_at, columns.id < id_))


def instant(path: str, moment: datetime) -> int:
    try:
        return from_datetime(moment)
    except ValueError:
        raise invalid_value(path, "needs a time zone, such as a Z at its end") from None


def _cut(connection: Connection, query: Select[Any], limit: int, size_of: Any) -> tuple[list[Sequence[Any]], bool]:
    """Return the rows of one page, and whether there are more."""
    page: list[Sequence[Any]] = []
    size = 0
    with connection.execution_options(stream_results=True).execute(query.limit(limit + 1)) as result:
        for row in result:
            size += size_of(row)
            if len(page) == limit or (page and size > MAX_PAGE_BYTES):
                return page, True
            page.append(row)
    return page, False


def _size_of_execution(row: Any) -> int:
    return _RECORD_BYTES + sum(len(text.encode()) for text in (row.params, row.result, row.error) if text is not None)


def _size_of_schedule(row: Any) -> int:
    # A record shows the parameters twice.
    return _RECORD_BYTES + 2 * len(row.request.encode())


def _count(connection: Connection, id_: Column[str], conditions: list[Condition]) -> int:
    return connection.scalar(select(func.count(id_)).where(*conditions)) or 0
