"""The figures over all executions, kept up to date by every commit, so that they are read without counting rows.

They are kept for each hour and each day of `created_at`, and over all time. Durations are counted in buckets that
grow by an eighth of an octave (9 %), from which percentiles are estimated.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

from schedulezero.protocol.states import FINAL, Status
from schedulezero.scheduler.core.model import SECOND, Change, Execution, InsertExecution, UpdateExecution

HOUR = 3600 * SECOND
"""Microseconds."""
ALWAYS, HOURLY, DAILY = 0, 1, 24
"""The spans of time that are counted: their hours, and 0 for all time. A span's periods are numbered from the epoch."""
_PARTS_OF_AN_OCTAVE = 8


class Ended(NamedTuple):
    """What is counted of an execution."""

    handler_id: str
    schedule_id: str | None
    created_at: int
    status: str
    started_at: int | None
    completed_at: int | None


class Tally:
    """What executions add to the figures, or, when they are removed, take away."""

    def __init__(self) -> None:
        self.counts: defaultdict[tuple[int, int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        """Total, successes and errors by span, period, handler and schedule (empty for none)."""
        self.durations: defaultdict[tuple[int, int, int], list[int]] = defaultdict(lambda: [0, 0])
        """Number and sum in microseconds by span, period and bucket."""

    def add_changes(self, changes: list[Change]) -> None:
        for change in changes:
            match change:
                case InsertExecution(execution=execution):
                    row = _counted(execution)
                    self.add_total(row, 1)
                    self.add_end(row, 1)
                case UpdateExecution(execution=execution) if change.status_before not in FINAL:
                    if execution.status in FINAL:
                        self.add_end(_counted(execution), 1)

    def add_total(self, row: Ended, by: int) -> None:
        for counts in self._counts_of(row):
            counts[0] += by

    def add_end(self, row: Ended, by: int) -> None:
        """Count an execution as ended, if it is."""
        if row.status not in FINAL:
            return
        column = 1 if row.status == Status.SUCCESS else 2 if row.status in (Status.ERROR, Status.TIMEOUT) else None
        if column is not None:
            for counts in self._counts_of(row):
                counts[column] += by
        if row.started_at is not None and row.completed_at is not None:
            self._add_duration(row, max(0, row.completed_at - row.started_at), by)

    def _add_duration(self, row: Ended, duration: int, by: int) -> None:
        bucket = bucket_of(duration)
        for period in periods(row.created_at):
            durations = self.durations[*period, bucket]
            durations[0] += by
            durations[1] += by * duration

    def _counts_of(self, row: Ended) -> Iterator[list[int]]:
        schedule_id = row.schedule_id or ""
        for period in periods(row.created_at):
            yield self.counts[*period, row.handler_id, schedule_id]


def periods(instant: int) -> tuple[tuple[int, int], ...]:
    """Return span and number of each period that `instant` (microseconds) lies in."""
    hour = instant // HOUR
    return (ALWAYS, 0), (HOURLY, hour), (DAILY, hour // DAILY)


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


_fields_of = attrgetter(*Ended._fields)


def _counted(execution: Execution) -> Ended:
    return Ended._make(_fields_of(execution))
