"""Reads the figures that :mod:`.tallies` keeps."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from schedulezero.protocol.answers import ExecutionStats, GroupStats
from schedulezero.scheduler.store.pages import instant
from schedulezero.scheduler.store.tables import execution_counts, execution_durations, executions
from schedulezero.scheduler.store.tallies import ALWAYS, DAILY, HOUR, HOURLY, Ended, Tally, percentile

_Which = Callable[[Any], list[ColumnElement[bool]]]
_Counts = Mapping[tuple[str, str], list[int]]
_NOTHING = GroupStats(total_executions=0, success_count=0, error_count=0, success_rate=0.0)


def statistics(connection: Connection, since: datetime | None) -> ExecutionStats:
    """Return the figures of the executions created at or after `since`, of all without it.

    The begun hour is counted row by row, then the hours of the begun day and the days from what is kept.

    Raises:
        ScheduleZeroError: `invalid_value` for a time without a zone.
    """
    tally = Tally()
    if since is None:
        _add_kept(connection, tally, lambda kept: [kept.span == ALWAYS])
    else:
        _add_since(connection, tally, instant("since", since))
    counts = {key[2:]: row for key, row in tally.counts.items() if key[0] == ALWAYS}
    durations = {key[2]: row for key, row in tally.durations.items() if key[0] == ALWAYS}
    return _answer(counts, durations, since)


def _add_since(connection: Connection, tally: Tally, begin: int) -> None:
    hour = -(-begin // HOUR)
    day = -(-hour // DAILY)
    _add_rows(connection, tally, begin, hour * HOUR)
    _add_kept(connection, tally, lambda kept: [kept.span == HOURLY, kept.period.between(hour, day * DAILY - 1)])
    _add_kept(connection, tally, lambda kept: [kept.span == DAILY, kept.period >= day])


def _add_rows(connection: Connection, tally: Tally, begin: int, end: int) -> None:
    columns = executions.c
    rows = select(*(columns[name] for name in Ended._fields)).where(columns.created_at.between(begin, end - 1))
    for row in connection.execute(rows):
        ended = Ended(*row)
        tally.add_total(ended, 1)
        tally.add_end(ended, 1)


def _add_kept(connection: Connection, tally: Tally, which: _Which) -> None:
    for handler_id, schedule_id, *numbers in connection.execute(_summed(execution_counts, 2, which)):
        _add(tally.counts[ALWAYS, 0, handler_id, schedule_id], numbers)
    for bucket, *numbers in connection.execute(_summed(execution_durations, 1, which)):
        _add(tally.durations[ALWAYS, 0, bucket], numbers)


def _summed(table: Table, keys: int, which: _Which) -> Select[Any]:
    """Sum the numbers of a table over the periods that are meant, by the `keys` columns that follow the period."""
    _, _, *columns = table.columns
    summed = [func.sum(column) for column in columns[keys:]]
    return select(*columns[:keys], *summed).where(*which(table.c)).group_by(*columns[:keys])


def _add(to: list[int], numbers: Iterable[Any]) -> None:
    for index, number in enumerate(numbers):
        to[index] += int(number)


def _answer(counts: _Counts, durations: Mapping[int, list[int]], since: datetime | None) -> ExecutionStats:
    everything = _grouped(("", row) for row in counts.values()).get("", _NOTHING)
    buckets = {bucket: count for bucket, (count, _) in durations.items()}
    measured = sum(buckets.values())
    return ExecutionStats(
        total_executions=everything.total_executions,
        success_count=everything.success_count,
        error_count=everything.error_count,
        success_rate=everything.success_rate,
        avg_duration_ms=sum(row[1] for row in durations.values()) / measured / 1000 if measured else None,
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
