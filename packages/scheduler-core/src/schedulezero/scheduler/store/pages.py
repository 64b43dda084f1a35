"""Lists in pages: which rows match a filter, and where the next page begins."""

import re
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
from schedulezero.scheduler.store import totals
from schedulezero.scheduler.store.dialects import has_part, is_like
from schedulezero.scheduler.store.rows import EXECUTIONS, SCHEDULES
from schedulezero.scheduler.store.tables import UNFINISHED, UNSUCCESSFUL, executions, schedules
from schedulezero.scheduler.store.walks import (
    MOST_COUNTED,
    MOST_LOOKED_AT,
    Condition,
    Position,
    Walk,
    are_few,
    end_of_stretch,
)

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""A page ends early where its records would be more than this as JSON; one record is always in it."""
_RECORD_BYTES = 1_000
"""A record without its user data, roughly."""

_UNFINISHED = frozenset({Status.PENDING, Status.RUNNING, Status.RETRYING})
_UNSUCCESSFUL = frozenset({Status.ERROR, Status.TIMEOUT, Status.CANCELLED, Status.SKIPPED})
_ID_CHARACTERS = frozenset("0123456789abcdefABCDEF-")
"""Of UUIDs: a text with others is in no id of an execution."""
_EXECUTION_CURSOR = msgspec.json.Decoder(tuple[Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], str])
_SCHEDULE_CURSOR = msgspec.json.Decoder(str)


class Page[R](NamedTuple):
    """Some rows of a list; `total` is of the whole list, None where it was not asked for or not counted."""

    rows: list[R]
    next_cursor: str | None
    total: int | None


def execution_page(
    connection: Connection,
    filter_: ExecutionFilter,
    limit: int,
    cursor: str | None,
    include_total: bool,
    *,
    replayed: bool = True,
) -> Page[Execution]:
    """Read the executions that match, newest first, as far as one page looks.

    There may be fewer of them than `limit`, or none, and more behind the next cursor. `total` is None where counting
    would take a look at too many.

    Raises:
        ScheduleZeroError: `invalid_value` for a cursor that is not ours, or a time without a zone.
    """
    walk = _walk(connection, filter_, replayed=replayed)
    after = None if cursor is None else Position(*read_cursor(cursor, _EXECUTION_CURSOR))
    rest = walk.narrowed(before=after)
    end = _end_of_page(connection, rest, limit)
    newest = select(*EXECUTIONS.columns).where(*rest.narrowed(until=end).conditions)
    newest = newest.order_by(executions.c.created_at.desc(), executions.c.id.desc())
    rows, more = _cut(connection, newest, limit, _size_of_execution)
    read = EXECUTIONS.read_all(rows)
    stopped_at = Position(read[-1].created_at, read[-1].id) if more else end
    next_cursor = None if stopped_at is None else write_cursor(stopped_at)
    return Page(read, next_cursor, _count_executions(connection, filter_, walk) if include_total else None)


def schedule_page(connection: Connection, query: ScheduleList) -> Page[Schedule]:
    """Read the schedules that match, by id."""
    conditions = list(_schedule_conditions(query))
    after = [] if query.cursor is None else [schedules.c.id > read_cursor(query.cursor, _SCHEDULE_CURSOR)]
    by_id = select(*SCHEDULES.columns).where(*conditions, *after).order_by(schedules.c.id)
    rows, more = _cut(connection, by_id, query.limit, _size_of_schedule)
    read = SCHEDULES.read_all(rows)
    next_cursor = write_cursor(read[-1].id) if more else None
    return Page(read, next_cursor, _count(connection, schedules.c.id, conditions) if query.include_total else None)


def _end_of_page(connection: Connection, walk: Walk, limit: int) -> Position | None:
    """Return how far one page looks, None where it may look to the end: then it is full before, or there is no more."""
    if walk.is_exact:
        return None
    length = max(MOST_LOOKED_AT, limit) if walk.among else limit
    return end_of_stretch(connection, walk, length + 1)


def _walk(connection: Connection, filter_: ExecutionFilter, *, replayed: bool) -> Walk:
    """Choose the index that fits: of the schedule, of the handler, of the statuses, else of all executions."""
    if not _may_match(filter_):
        return Walk((false(),))
    among = (*_looked_for(filter_), *(() if replayed else (not_replayed(),)))
    walk = _by_index(connection, filter_, frozenset(filter_.status), among)
    since = None if filter_.since is None else Position(instant("since", filter_.since))
    until = None if filter_.until is None else Position(instant("until", filter_.until))
    return walk.narrowed(before=until, until=since)


def _may_match(filter_: ExecutionFilter) -> bool:
    return may_be_stored(filter_.handler_id, filter_.method_name, filter_.schedule_id, filter_.tag, filter_.q)


def _by_index(
    connection: Connection, filter_: ExecutionFilter, statuses: frozenset[Status], among: tuple[Condition, ...]
) -> Walk:
    columns, is_one = executions.c, _one_of(statuses)
    if filter_.schedule_id is not None:
        mine = () if filter_.handler_id is None else (_looked_at(columns.handler_id) == filter_.handler_id,)
        return Walk((columns.schedule_id == filter_.schedule_id,), (*mine, *is_one, *among))
    if filter_.handler_id is not None:
        return Walk((columns.handler_id == filter_.handler_id,), (*is_one, *among))
    if statuses and statuses <= _UNSUCCESSFUL:
        ways = tuple((UNSUCCESSFUL, columns.status == status) for status in sorted(statuses))
        return Walk(tuple(status_in(statuses)), among, ways)
    if statuses and statuses <= _UNFINISHED and are_few(connection, tuple(status_in(statuses)), MOST_LOOKED_AT):
        return Walk((*status_in(statuses), *among))
    return Walk((), (*is_one, *among))


def _looked_for(filter_: ExecutionFilter) -> Iterator[Condition]:
    """Yield what no index knows."""
    columns = executions.c
    if filter_.method_name is not None:
        yield columns.method_name == filter_.method_name
    if filter_.tag is not None:
        yield _is_tagged(columns.tags, filter_.tag)
    if filter_.q:
        searched = (columns.schedule_id, columns.handler_id, columns.method_name)
        yield _holds(filter_.q, *searched, *((columns.id,) if _ID_CHARACTERS.issuperset(filter_.q) else ()))


def _one_of(statuses: frozenset[Status]) -> tuple[Condition, ...]:
    return (_looked_at(executions.c.status).in_(sorted(statuses)),) if statuses else ()


def _looked_at(column: Column[str]) -> ColumnElement[str]:
    """Return what no index is chosen for: the one that is walked along is another."""
    return column.concat("")


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
        yield _holds(query.q, *searched)


def _holds(text: str, *columns: Column[Any]) -> ColumnElement[bool]:
    """One of the columns has the text in it, in any case."""
    pattern = "%".join(("", re.sub("[/%_]", r"/\g<0>", text), ""))
    return or_(*(is_like(column, literal(pattern)) for column in columns))


def _is_tagged(tags: Column[str], tag: str) -> ColumnElement[bool]:
    return false() if "," in tag else has_part(tags, literal(f",{tag},"))


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


def _count_executions(connection: Connection, filter_: ExecutionFilter, walk: Walk) -> int | None:
    """Return how many match, by the figures where they tell it."""
    if not _may_match(filter_):
        return 0
    if (kept := totals.matching(connection, filter_)) is not None:
        return kept
    if walk.among and end_of_stretch(connection, walk, MOST_COUNTED) is not None:
        return None
    return _count(connection, executions.c.id, list(walk.conditions))


def _count(connection: Connection, id_: Column[str], conditions: list[Condition]) -> int:
    return connection.scalar(select(func.count(id_)).where(*conditions)) or 0
