"""Reads the figures that :mod:`.tallies` keeps."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, TextClause, and_, func, select

from schedulezero.protocol.answers import ExecutionStats, GroupStats
from schedulezero.protocol.states import Status
from schedulezero.scheduler.store.pages import instant, status_in
from schedulezero.scheduler.store.tables import execution_counts, execution_durations, executions
from schedulezero.scheduler.store.tallies import (
    ALWAYS,
    DAILY,
    FRESH,
    MINUTE,
    MINUTES,
    CountedRow,
    Tally,
    percentile,
)

_Which = Callable[[Any], ColumnElement[bool]]
_Counts = defaultdict[tuple[str, str], list[int]]
_Durations = defaultdict[int, list[int]]
_NOTHING = GroupStats(total_executions=0, success_count=0, error_count=0, success_rate=0.0)
_e = executions.c


class _Sums:
    """Total, successes and errors by handler and schedule (empty for none); number and sum of durations by bucket."""

    def __init__(self) -> None:
        self.counts: _Counts = defaultdict(lambda: [0, 0, 0])
        self.durations: _Durations = defaultdict(lambda: [0, 0])


def statistics(connection: Connection, since: datetime | None) -> ExecutionStats:
    """Return the figures of the executions created at or after `since`, of all without it.

    The rows up to a full minute are counted one by one. The minutes up to ten, the tens up to an hour, the hours up
    to a day and the days are read from what is kept, with what is fresh of them. Each bound is the next or the last
    one, whichever leaves less to read; what lies between the last one and the begin is taken away. What runs is
    counted by itself.

    Raises:
        ScheduleZeroError: `invalid_value` for a time without a zone.
    """
    sums = _Sums()
    if since is None:
        _add_kept(connection, sums, lambda kept: kept.span.in_((ALWAYS, FRESH)))
        _add_running(connection, sums)
    else:
        _add_since(connection, sums, instant("since", since))
    return _answer(sums, since)


def _add_since(connection: Connection, sums: _Sums, begin: int) -> None:
    newest = connection.scalar(select(func.max(_e.created_at))) or begin
    nearest = _nearest(begin, MINUTE, newest)
    _add_rows(connection, sums, begin, nearest)
    at = minute = nearest // MINUTE
    for (span, length), (_, longer) in pairwise(MINUTES.items()):
        end = _nearest(at, longer, newest // MINUTE)
        _add_between(connection, sums, span, at // length, end // length)
        at = end
    _add_kept(connection, sums, lambda kept: and_(kept.span == DAILY, kept.period >= at // MINUTES[DAILY]))
    _add_kept(connection, sums, lambda kept: and_(kept.span == FRESH, kept.period >= minute))
    _add_running(connection, sums, _e.created_at >= begin)


def _nearest(at: int, length: int, newest: int) -> int:
    """Return the multiple of `length` next to `at` that has less to read on the way; there is none behind `newest`."""
    before = at // length * length
    after = -(-at // length) * length
    return after if min(after, newest) - at <= at - before else before


def _add_rows(connection: Connection, sums: _Sums, begin: int, end: int) -> None:
    """Add the rows of the time from `begin` until `end`; take them away where the end comes first."""
    by = 1 if begin <= end else -1
    first, last = sorted((begin, end))
    tally = Tally()
    columns = (_e[name] for name in CountedRow._fields)
    for row in connection.execute(select(*columns).where(_e.created_at.between(first, last - 1))):
        tally.add(CountedRow(*row), by)
    for (_, handler_id, schedule_id), numbers in tally.counts.items():
        _add(sums.counts[handler_id, schedule_id], numbers)
    for (_, bucket), numbers in tally.durations.items():
        _add(sums.durations[bucket], numbers)


def _add_between(connection: Connection, sums: _Sums, span: int, begin: int, end: int) -> None:
    """Add the periods of a span from `begin` until `end`; take them away where the end comes first."""
    by = 1 if begin <= end else -1
    first, last = sorted((begin, end))
    if first < last:
        _add_kept(connection, sums, lambda kept: and_(kept.span == span, kept.period.between(first, last - 1)), by)


def _add_kept(connection: Connection, sums: _Sums, which: _Which, by: int = 1) -> None:
    for handler_id, schedule_id, *numbers in connection.execute(_summed(execution_counts, 2, which)):
        _add(sums.counts[handler_id, schedule_id], numbers, by)
    for bucket, *numbers in connection.execute(_summed(execution_durations, 1, which)):
        _add(sums.durations[bucket], numbers, by)


def _add_running(connection: Connection, sums: _Sums, *when: ColumnElement[bool]) -> None:
    """Add what is not in the figures yet."""
    running = select(_e.handler_id, _e.schedule_id, func.count()).where(*_runs(), *when)
    for handler_id, schedule_id, count in connection.execute(running.group_by(_e.handler_id, _e.schedule_id)):
        _add(sums.counts[handler_id, schedule_id or ""], (count,))


def _runs() -> Iterable[ColumnElement[bool] | TextClause]:
    return status_in(frozenset({Status.RUNNING}))


def _summed(table: Table, keys: int, which: _Which) -> Select[Any]:
    """Sum the numbers of a table over the periods that are meant, by the `keys` columns that follow the period."""
    _, _, *columns = table.columns
    summed = [func.sum(column) for column in columns[keys:]]
    return select(*columns[:keys], *summed).where(which(table.c)).group_by(*columns[:keys])


def _add(to: list[int], numbers: Iterable[Any], by: int = 1) -> None:
    for index, number in enumerate(numbers):
        to[index] += by * int(number)


def _answer(sums: _Sums, since: datetime | None) -> ExecutionStats:
    # What was removed may be fresh, while what it takes away from is not.
    counts = {key: row for key, row in sums.counts.items() if row[0]}
    everything = _grouped(("", row) for row in counts.values()).get("", _NOTHING)
    buckets = {bucket: count for bucket, (count, _) in sums.durations.items()}
    measured = sum(buckets.values())
    return ExecutionStats(
        total_executions=everything.total_executions,
        success_count=everything.success_count,
        error_count=everything.error_count,
        success_rate=everything.success_rate,
        avg_duration_ms=sum(row[1] for row in sums.durations.values()) / measured / 1000 if measured else None,
        p50_duration_ms=_milliseconds(percentile(buckets, 0.50)),
        p95_duration_ms=_milliseconds(percentile(buckets, 0.95)),
        p99_duration_ms=_milliseconds(percentile(buckets, 0.99)),
        by_handler=_grouped((handler_id, row) for (handler_id, _), row in counts.items()),
        by_schedule=_grouped((schedule_id, row) for (_, schedule_id), row in counts.items() if schedule_id),
        since=since,
    )


def _grouped(rows: Iterable[tuple[str, list[int]]]) -> dict[str, GroupStats]:
    sums: dict[str, list[int]] = {}
    for name, row in rows:
        _add(sums.setdefault(name, [0, 0, 0]), row)
    return {name: _group(*numbers) for name, numbers in sorted(sums.items())}


def _group(total: int, success: int, error: int) -> GroupStats:
    """The rate is of those that were run to an end: what was cancelled, skipped or is unfinished is neither."""
    ended = success + error
    rate = success / ended if ended else 0.0
    return GroupStats(total_executions=total, success_count=success, error_count=error, success_rate=rate)


def _milliseconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
