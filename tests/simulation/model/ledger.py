"""The account of every schedule, kept from the rows as they are written, and audited at the end."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schedulezero.protocol.values import ScheduleRequest
from schedulezero.scheduler.core.model import SECOND, Execution, Schedule

from .instants import due_instants
from .rules import Rule, Violation
from .triggers import breaks

Life = tuple[str, str]
"""A schedule's id and generation."""


@dataclass(slots=True)
class Stretch:
    """A time in which a schedule had one trigger.

    Everything due in (after, until] is to be accounted for once, what lies in (until, end] may be.
    """

    request: ScheduleRequest
    after: int
    until: int
    end: int | None

    def same_instants(self, request: ScheduleRequest) -> bool:
        mine, other = self.request, request
        return (mine.trigger_config, mine.start_at, mine.end_at) == (other.trigger_config, other.start_at, other.end_at)


class Ledger:
    """Follows the rows of all schedules."""

    def __init__(self) -> None:
        self._lives: dict[Life, list[Stretch]] = {}

    def written(self, before: Schedule | None, row: Schedule) -> None:
        """Take note of a schedule's row, which is durable now, and of the one that it replaces."""
        if before is not None and before.generation != row.generation:
            self._close(before, row.updated_at)
            before = None
        stretches = self._lives.setdefault((row.id, row.generation), [])
        if before is None or (_is_used_up(before) and not _is_used_up(row)):
            stretches.append(_begun(row))
        elif stretches[-1].same_instants(row.request):
            stretches[-1].until = stretches[-1].end = row.decided_through
        else:
            self._close(before, row.updated_at)
            stretches.append(_begun(row))

    def deleted(self, row: Schedule) -> None:
        """Take note that a schedule is removed; the rows tell how far it was decided then."""
        self._lives[row.id, row.generation][-1].end = None

    def _close(self, before: Schedule, at: int) -> None:
        """A trigger ends: what was due by then is to be decided, unless the schedule had come to its end.

        The fire times of a trigger that fails may be told or not.
        """
        last = self._lives[before.id, before.generation][-1]
        if before.state == "finished" or _is_used_up(before):
            return
        last.end = max(before.decided_through, at)
        if before.state != "quarantined" and not breaks(before.request):
            last.until = last.end

    def audit(self, executions: Iterable[Execution]) -> Iterator[Violation]:
        """Compare the rows with what was due, instant by instant."""
        rows: defaultdict[Life, list[Execution]] = defaultdict(list)
        for execution in executions:
            if execution.schedule_id is not None and execution.generation is not None:
                rows[execution.schedule_id, execution.generation].append(execution)
        for life, decided in rows.items():
            yield from _audit(life, self._lives.get(life, []), decided)
        for life in self._lives.keys() - rows.keys():
            yield from _audit(life, self._lives[life], [])


def overdue(schedules: Mapping[str, Schedule], now: int) -> Iterator[Violation]:
    """Report active schedules that have something due and not decided at a time when all is at rest."""
    for schedule in schedules.values():
        if schedule.state != "active":
            continue
        jitter = round(schedule.request.jitter_seconds * SECOND)
        late = due_instants(schedule.request, schedule.decided_through, now - jitter)
        if late:
            yield Violation(Rule.NOTHING_OVERDUE, f"schedule {schedule.id}: {late[:3]} at {now}, {schedule}")


def _is_used_up(schedule: Schedule) -> bool:
    most = schedule.request.max_runs
    return most is not None and schedule.runs >= most


def _begun(row: Schedule) -> Stretch:
    return Stretch(row.request, row.decided_through, row.decided_through, row.decided_through)


def _audit(life: Life, stretches: list[Stretch], rows: list[Execution]) -> Iterator[Violation]:
    last = max((span(row)[1] for row in rows), default=0)
    due, required = _due(stretches, last)
    told: Counter[int] = Counter()
    for row in rows:
        first, last = span(row)
        covered = due[bisect_left(due, first) : bisect_right(due, last)]
        told.update(covered)
        if not covered or covered[0] != first or covered[-1] != last:
            yield Violation(Rule.DECIDED_ONCE, f"{life} has a row for what was not due: {row}")
        if row.count_exact and not sum(one in required for one in covered) <= (row.covers_count or 1) <= len(covered):
            yield Violation(Rule.DECIDED_ONCE, f"{life}: {row} says {row.covers_count} and covers {len(covered)}")
    wrong = {instant: told[instant] for instant in due if told[instant] > 1 or instant in required - told.keys()}
    if wrong:
        yield Violation(Rule.DECIDED_ONCE, f"{life}: decisions by instant {dict(list(wrong.items())[:5])}")


def _due(stretches: list[Stretch], last: int) -> tuple[list[int], set[int]]:
    """Return what may be accounted for, in order, and what must be."""
    due: set[int] = set()
    required: set[int] = set()
    for one in stretches:
        end = max(one.until, last) if one.end is None else one.end
        instants = due_instants(one.request, one.after, end)
        due.update(instants)
        required.update(instant for instant in instants if instant <= one.until)
    return sorted(due), required


def span(row: Execution) -> tuple[int, int]:
    """Return the first and the last instant that a row of a schedule accounts for."""
    assert row.fire_time is not None
    if row.covers_from is None or row.covers_to is None:
        return row.fire_time, row.fire_time
    return row.covers_from, row.covers_to
