"""Figures by the minute and by ten of them: all that are kept are counted anew, from the executions."""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_MINUTE = 60 * 1_000_000
_SPANS = {60: 1, 6: 10, 1: 60, 24: 1440, 0: 10**9}
"""How many minutes the periods of each have: all time has more than there are."""
_AT_ONCE = 10 * _MINUTE
_OF_ONE_TIME = (60, 6)
"""The spans whose periods are over when so much has been looked at."""

_durations = sa.table("execution_durations", *map(sa.column, ("span", "period", "bucket", "count", "microseconds")))
_Sums = defaultdict[tuple[int, int, int], list[int]]


def upgrade() -> None:
    op.execute("DELETE FROM execution_counts")
    op.execute("DELETE FROM execution_durations")
    _count()
    _measure()


def _count() -> None:
    """Count all but what runs, which is in no figures."""
    by = "DIV" if op.get_bind().dialect.name in ("mysql", "mariadb") else "/"
    spans = " UNION ALL ".join(f"SELECT {span} AS span, {minutes} AS minutes" for span, minutes in _SPANS.items())
    counted = (
        f"SELECT created_at {by} {_MINUTE} AS minute, handler_id, COALESCE(schedule_id, '') AS schedule_id,"
        " COUNT(*) AS total, SUM(CASE WHEN status = 'success' THEN 1 ELSE 0 END) AS success,"
        " SUM(CASE WHEN status IN ('error', 'timeout') THEN 1 ELSE 0 END) AS error"
        " FROM executions WHERE status <> 'running' GROUP BY 1, 2, 3"
    )
    op.execute(
        "INSERT INTO execution_counts (span, period, handler_id, schedule_id, total, success, error)"
        f" SELECT span, minute {by} minutes, handler_id, schedule_id, SUM(total), SUM(success), SUM(error)"
        f" FROM ({counted}) AS counted CROSS JOIN ({spans}) AS spans GROUP BY 1, 2, 3, 4"
    )


def _measure() -> None:
    """Put the durations into their buckets, the executions of ten minutes at a time."""
    connection = op.get_bind()
    first = sa.text("SELECT MIN(created_at) FROM executions WHERE created_at >= :at")
    some = sa.text(
        "SELECT created_at, completed_at - started_at FROM executions WHERE created_at >= :at AND created_at < :end"
        " AND status NOT IN ('pending', 'running', 'retrying') AND started_at IS NOT NULL AND completed_at IS NOT NULL"
    )
    sums, at = _no_sums(), 0
    while (found := connection.scalar(first, {"at": at})) is not None:
        begin = found - found % _AT_ONCE
        at = begin + _AT_ONCE
        _add(sums, connection.execute(some, {"at": begin, "end": at}))
        _write({key: sums.pop(key) for key in list(sums) if key[0] in _OF_ONE_TIME})
    _write(sums)


def _no_sums() -> _Sums:
    """Number and microseconds by span, period and bucket."""
    return defaultdict(lambda: [0, 0])


def _add(sums: _Sums, executions: Iterable[Any]) -> None:
    for created_at, duration in executions:
        minute, bucket = created_at // _MINUTE, _bucket_of(duration)
        for span, minutes in _SPANS.items():
            measured = sums[span, minute // minutes, bucket]
            measured[0] += 1
            measured[1] += max(0, duration)


def _write(sums: dict[tuple[int, int, int], list[int]]) -> None:
    names = ("span", "period", "bucket", "count", "microseconds")
    if rows := [dict(zip(names, (*key, *numbers), strict=True)) for key, numbers in sorted(sums.items())]:
        op.get_bind().execute(_durations.insert(), rows)


def _bucket_of(duration: int) -> int:
    """Buckets grow by an eighth of an octave."""
    return 1 + math.floor(8 * math.log2(duration)) if duration >= 1 else 0
