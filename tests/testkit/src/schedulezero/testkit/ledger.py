"""The check of a schedule's ledger: every due instant is accounted for, once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

Record = Mapping[str, Any]


def ledger_faults(records: Iterable[Record], due: Sequence[datetime]) -> list[str]:
    """Return what is wrong with the execution records of one schedule, in words; empty when nothing is.

    Args:
        records: all of them, as the API gives them; runs by hand and replays among them are left out.
        due: the instants that were due, in order.
    """
    rows = [record for record in records if record["scheduled_for"] is not None and record["retry_of"] is None]
    spans = [_span(row) for row in rows]
    times = Counter(instant for span in spans for instant in _within(due, span))
    return [
        *(f"{instant.isoformat()} has no row" for instant in due if not times[instant]),
        *(f"{instant.isoformat()} has {count} rows" for instant, count in times.items() if count > 1),
        *(fault for row, span in zip(rows, spans, strict=True) for fault in _row_faults(row, span, due)),
    ]


def every(seconds: float, *, first: datetime, through: datetime) -> list[datetime]:
    """Return the instants of an interval, from `first` to at most `through`."""
    step = timedelta(seconds=seconds)
    return [first + number * step for number in range(max((through - first) // step + 1, 0))]


def instant(text: str) -> datetime:
    """Return a time of the API."""
    return datetime.fromisoformat(text)


def _span(row: Record) -> tuple[datetime, datetime]:
    covers = row["covers"]
    ends = (row["scheduled_for"], row["scheduled_for"]) if covers is None else (covers["from"], covers["to"])
    return instant(ends[0]), instant(ends[1])


def _within(due: Sequence[datetime], span: tuple[datetime, datetime]) -> list[datetime]:
    first, last = span
    return [moment for moment in due if first <= moment <= last]


def _row_faults(row: Record, span: tuple[datetime, datetime], due: Sequence[datetime]) -> list[str]:
    id_, covers, covered = row["execution_id"], row["covers"], len(_within(due, span))
    faults = [f"{id_} accounts for {end.isoformat()}, which was not due" for end in sorted(set(span) - set(due))]
    if covers is not None and covers["exact"] and covers["count"] != covered:
        faults.append(f"{id_} covers {covered} instants and says {covers['count']}")
    return faults
