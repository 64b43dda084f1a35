"""Whether a database holds together: every row can be read, and what is kept about the rows is true of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, func, select

from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.scheduler.core.model import SHARDS
from schedulezero.scheduler.store import rows, tables
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.migrations import require_head
from schedulezero.scheduler.store.rows import Layout
from schedulezero.scheduler.store.tallies import FRESH, CountedRow, Tally, periods
from schedulezero.scheduler.store.transactions import said_plainly

MOST_FAULTS = 100
"""The search ends when so many were found."""
Progress = Callable[[str, int, int], None]
"""Told with which table, how many rows of it so far, and of how many."""

_LAYOUTS: tuple[tuple[Table, Layout[Any]], ...] = (
    (tables.schedules, rows.SCHEDULES),
    (tables.executions, rows.EXECUTIONS),
    (tables.attempts, rows.ATTEMPTS),
    (tables.execution_logs, rows.LOGS),
    (tables.notifications, rows.NOTIFICATIONS),
    (tables.handlers, rows.HANDLERS),
    (tables.spells, rows.SPELLS),
)
_Hourly = Mapping[Any, list[int]]
_BUFFERED_ROWS = 100
_TOLD_EVERY = 1_000
_UNREADABLE = (msgspec.MsgspecError, ScheduleZeroError, ValueError, TypeError)


def check(engines: Engines, progress: Progress) -> list[str]:
    """Return what is wrong, a line each, at most :data:`MOST_FAULTS`; empty where all is well.

    What is committed at one moment is looked at; a scheduler may go on writing.

    Raises:
        CannotOpen: the schema is not that of this code.
        StoreUnavailable: the database cannot be read.
    """
    require_head(engines)
    faults: list[str] = []
    with said_plainly(engines.reader.dialect), engines.reader.begin() as connection:
        for fault in _faults(connection, progress):
            faults.append(fault)
            if len(faults) == MOST_FAULTS:
                break
    return faults


def _faults(connection: Connection, progress: Progress) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        told = connection.exec_driver_sql(f"PRAGMA integrity_check({MOST_FAULTS})").scalars()
        yield from (f"SQLite: {line}" for line in told if line != "ok")
    tally = Tally()
    for table, layout in _LAYOUTS:
        yield from _unreadable(connection, table, layout, tally, progress)
    yield from _wrong_figures(connection, tally)
    for table in (tables.attempts, tables.execution_logs):
        yield from _orphans(connection, table)
    leases = connection.scalar(select(func.count()).select_from(tables.shard_leases))
    if leases != SHARDS:
        yield f"shard_leases has {leases} rows, not {SHARDS}"


def _unreadable(
    connection: Connection, table: Table, layout: Layout[Any], tally: Tally, progress: Progress
) -> Iterator[str]:
    total = connection.scalar(select(func.count()).select_from(table)) or 0
    keys = [layout.names.index(column.name) for column in table.primary_key]
    for number, row in enumerate(_streamed(connection, select(*layout.columns)), 1):
        if number % _TOLD_EVERY == 0 or number == total:
            progress(table.name, number, total)
        try:
            layout.read(row)
        except _UNREADABLE as error:
            name = ", ".join(str(row[index]) for index in keys)
            yield f"{table.name} {name} cannot be read: {type(error).__name__}: {error}"
        if table is tables.executions:
            tally.add(CountedRow(*(row[layout.names.index(name)] for name in CountedRow._fields)), 1)


def _wrong_figures(connection: Connection, tally: Tally) -> Iterator[str]:
    tables_of_figures: tuple[tuple[Table, int, _Hourly], ...] = (
        (tables.execution_counts, 4, tally.counts),
        (tables.execution_durations, 3, tally.durations),
    )
    for table, keys, counted in tables_of_figures:
        kept = _by_period((tuple(row[:keys]), list(row[keys:])) for row in connection.execute(select(table)))
        said = _by_period(((FRESH, *key), numbers) for key, numbers in counted.items())
        for key in sorted(kept.keys() | said.keys()):
            is_, should_be = kept.get(key, []), said.get(key, [])
            if is_ != should_be and any((*is_, *should_be)):
                yield f"{table.name} {key} says {is_}, the executions say {should_be}"


def _by_period(rows: Iterable[tuple[tuple[Any, ...], list[int]]]) -> dict[tuple[Any, ...], list[int]]:
    """Add what is fresh to the periods that it is to be carried over to."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for (span, period, *names), numbers in rows:
        for place in periods(period) if span == FRESH else ((span, period),):
            key = (*place, *names)
            before = sums.get(key, [0] * len(numbers))
            sums[key] = [int(one) + int(other) for one, other in zip(before, numbers, strict=True)]
    return sums


def _orphans(connection: Connection, table: Table) -> Iterator[str]:
    owner = table.c.execution_id
    lacking = select(owner).where(owner.not_in(select(tables.executions.c.id))).distinct().limit(MOST_FAULTS)
    for id_ in connection.execute(lacking).scalars():
        yield f"{table.name} has rows of the execution {id_}, which is not there"


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    options = {"stream_results": True, "max_row_buffer": _BUFFERED_ROWS}
    with connection.execute(query, execution_options=options) as result:
        yield from result
