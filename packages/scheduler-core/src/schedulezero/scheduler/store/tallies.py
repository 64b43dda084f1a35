"""The figures over all executions, kept up to date by every commit, so that they are read without counting rows.

They are kept for each minute, ten minutes, hour and day of `created_at`, and over all time, by handler and schedule,
so that the time since any instant is put together of few of them. Durations are counted in buckets that grow by an
eighth of an octave (9 %), from which percentiles are estimated.

A commit writes as little of that as may be, because a scheduled run shares its row with no other run of the commit:

- What runs is not counted until it has stopped. There are no more of these than slots, so they are counted from the
  rows, by an index, when somebody asks. A run that finds a free slot is so counted once, at its end. What waits is
  counted: there may be a million of it, in very few rows of the figures.
- A commit counts a minute only (:data:`FRESH`). When that is over, its figures are carried over to those of the
  spans that it lies in, see :mod:`.figures`. Whoever reads adds what is not carried over yet, so the figures are
  exact at any moment, and no more rows are read than schedules had runs since that was done last.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from schedulezero.protocol.states import FINAL, Status
from schedulezero.scheduler.core.model import SECOND, Change, InsertExecution, UpdateExecution

MINUTE = 60 * SECOND
"""Microseconds."""
ALWAYS, HOURLY, DAILY, MINUTELY, TEN_MINUTELY = 0, 1, 24, 60, 6
"""The spans of time that are counted, as the numbers by which they are stored."""
MINUTES = {MINUTELY: 1, TEN_MINUTELY: 10, HOURLY: 60, DAILY: 1440}
"""How long the periods of a span are, from the shortest on. They are numbered from the epoch."""
FRESH = -1
"""What was counted of a minute and is not carried over yet to the spans that it lies in."""
_PARTS_OF_AN_OCTAVE = 8
_COLUMNS = {Status.SUCCESS: 1, Status.ERROR: 2, Status.TIMEOUT: 2}


class Counted(Protocol):
    """An execution, as far as it is counted."""

    @property
    def handler_id(self) -> str: ...
    @property
    def schedule_id(self) -> str | None: ...
    @property
    def created_at(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def started_at(self) -> int | None: ...
    @property
    def completed_at(self) -> int | None: ...


class CountedRow(NamedTuple):
    """The columns of an execution that are counted."""

    handler_id: str
    schedule_id: str | None
    created_at: int
    status: str
    started_at: int | None
    completed_at: int | None


class Tally:
    """What executions add to the figures, or, when they are removed, take away."""

    def __init__(self) -> None:
        self.counts: defaultdict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        """Total, successes and errors by minute, handler and schedule (empty for none)."""
        self.durations: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        """Number and sum in microseconds by minute and bucket."""

    def add_changes(self, changes: Iterable[Change]) -> None:
        for change in changes:
            match change:
                case InsertExecution(execution=row):
                    self.add(row, 1)
                case UpdateExecution(execution=row, status_before=before) if before not in FINAL:
                    self._add(row, is_counted(row.status) - is_counted(before), 1)

    def add(self, row: Counted, by: int) -> None:
        """Count an execution as it is stored, `by` times."""
        self._add(row, by * is_counted(row.status), by)

    def _add(self, row: Counted, total: int, by: int) -> None:
        minute, status = row.created_at // MINUTE, row.status
        column = _COLUMNS.get(status)  # type: ignore[call-overload]
        if total or column:
            counts = self.counts[minute, row.handler_id, row.schedule_id or ""]
            counts[0] += total
            if column:
                counts[column] += by
        if status in FINAL and row.started_at is not None and row.completed_at is not None:
            self._add_duration(minute, max(0, row.completed_at - row.started_at), by)

    def _add_duration(self, minute: int, duration: int, by: int) -> None:
        durations = self.durations[minute, bucket_of(duration)]
        durations[0] += by
        durations[1] += by * duration


def is_counted(status: str) -> bool:
    """Whether an execution is in the figures; others have to be counted from the rows."""
    return status != Status.RUNNING


def periods(minute: int) -> tuple[tuple[int, int], ...]:
    """Return span and number of each period that a minute lies in."""
    return (ALWAYS, 0), *((span, minute // length) for span, length in MINUTES.items())


def bucket_of(duration: int) -> int:
    """Return the bucket of a duration in microseconds; 0 holds what is shorter than one."""
    return 1 + math.floor(_PARTS_OF_AN_OCTAVE * math.log2(duration)) if duration >= 1 else 0


def percentile(buckets: dict[int, int], share: float) -> float | None:
    """Estimate the duration in microseconds that `share` (0 to 1) of the counted ones do not exceed.

    Within a bucket the logarithms are taken as evenly spread.
    """
    rank = share * sum(buckets.values())
    below = 0
    for bucket, count in sorted(buckets.items()):
        if count > 0 and below + count >= rank:
            return _duration_at(bucket, (rank - below) / count)
        below += count
    return None


def _duration_at(bucket: int, part: float) -> float:
    return 2 ** ((bucket - 1 + part) / _PARTS_OF_AN_OCTAVE) if bucket else 0.0
