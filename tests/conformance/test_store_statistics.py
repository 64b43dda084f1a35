"""The figures are those of the rows, whatever was written, changed and removed before."""

import random
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from schedulezero.protocol.answers import ExecutionStats, GroupStats
from schedulezero.protocol.commands import ExecutionFilter
from schedulezero.protocol.states import FINAL, TRANSITIONS, Status
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.model import Execution, replace
from schedulezero.scheduler.store import Store
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.retention import Ages
from schedulezero.scheduler.store.tables import execution_counts, executions
from schedulezero.scheduler.store.tallies import ALWAYS, DAILY, FRESH, HOURLY, MINUTELY, TEN_MINUTELY

MINUTE = 60_000_000
HOUR = 60 * MINUTE
FAILED = (Status.ERROR, Status.TIMEOUT)
SPANS = (ALWAYS, MINUTELY, TEN_MINUTELY, HOURLY, DAILY)


def test_nothing_yet(store: Store) -> None:
    stats = store.reader.statistics()
    assert (stats.total_executions, stats.success_rate) == (0, 0.0)
    assert stats.avg_duration_ms is stats.p50_duration_ms is None
    assert stats.by_handler == stats.by_schedule == {}


def test_executions_by_handler_and_schedule(store: Store, new: Any) -> None:
    rows = [
        new.ended(new.started(new.execution(schedule_id="s"))),
        new.ended(new.started(new.execution(schedule_id="s")), Status.TIMEOUT),
        new.ended(new.execution(handler_id="mail"), Status.SKIPPED),
        new.execution(handler_id="mail"),
    ]
    store.writer.commit([[new.insert(row)] for row in rows])
    stats = store.reader.statistics()
    assert (stats.total_executions, stats.success_count, stats.error_count, stats.success_rate) == (4, 1, 1, 0.5)
    assert stats.by_handler == {"mail": _group(2, 0, 0, 0.0), "reports": _group(2, 1, 1, 0.5)}
    assert stats.by_schedule == {"s": _group(2, 1, 1, 0.5)}


def test_an_outcome_shows_with_its_commit(store: Store, new: Any) -> None:
    running = new.started(new.execution())
    store.writer.commit([[new.insert(running)]])
    assert store.reader.statistics().success_count == 0
    store.writer.commit([[new.update(running, new.ended(running))]])
    assert store.reader.statistics().success_count == 1


def test_percentiles_within_a_twentieth(store: Store, new: Any) -> None:
    durations = [millisecond * 1000 for millisecond in range(1, 1001)]
    random.Random(3).shuffle(durations)
    rows = [new.ended(new.started(new.execution()), completed_at=new.now + 1 + duration) for duration in durations]
    store.writer.commit([[new.insert(row) for row in rows]])
    stats = store.reader.statistics()
    assert stats.avg_duration_ms == pytest.approx(500.5)
    assert stats.p50_duration_ms == pytest.approx(500, rel=0.05)
    assert stats.p95_duration_ms == pytest.approx(950, rel=0.05)
    assert stats.p99_duration_ms == pytest.approx(990, rel=0.05)


def test_a_clock_that_went_back_makes_no_negative_duration(store: Store, new: Any) -> None:
    row = new.ended(new.started(new.execution(), started_at=new.now + 9), completed_at=new.now)
    store.writer.commit([[new.insert(row)]])
    stats = store.reader.statistics()
    assert stats.avg_duration_ms == stats.p99_duration_ms == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_of_the_rows(store: Store, new: Any, seed: int) -> None:
    """Random lives of executions over three days, some cleared again, are counted from the rows for comparison.

    Meanwhile some of the figures are carried over.
    """
    chance = random.Random(seed)
    start = new.now - new.now % (24 * HOUR) - 5 * HOUR
    for _ in range(4):
        store.writer.commit([_life(new, chance, start) for _ in range(60)])
        store.figures.carry_over(start + chance.randrange(72 * HOUR), 20)
    cleared = store.retention.clear_executions(Ages.all_before(start + 20 * HOUR), 10_000, most=240).removed
    assert 0 < cleared < 240
    rows = store.reader.execution_page(ExecutionFilter(), limit=1000).rows
    assert len(rows) == 240 - cleared
    assert store.retention.count_executions() == len(rows)
    begins = [None, start, start + 5 * HOUR, start + 29 * HOUR, start + 72 * HOUR]
    for begin in begins + [start + chance.randrange(72 * HOUR) for _ in range(5)]:
        since = None if begin is None else to_datetime(begin)
        counted = [row for row in rows if begin is None or row.created_at >= begin]
        assert _plain(store.reader.statistics(since)) == _counted(counted)


def test_what_runs_and_what_waits_is_in_the_total(store: Store, new: Any) -> None:
    waiting, running = new.execution(schedule_id="s"), new.started(new.execution(schedule_id="s"))
    retrying = replace(new.started(new.execution()), status=Status.RETRYING)
    store.writer.commit([[new.insert(row)] for row in (waiting, running, retrying)])
    assert store.reader.statistics().total_executions == store.retention.count_executions() == 3
    claimed = new.started(waiting)
    store.writer.commit([[new.update(waiting, claimed)]])
    for since in (None, to_datetime(new.now), to_datetime(new.now - HOUR)):
        assert store.reader.statistics(since).by_schedule == {"s": _group(2, 0, 0, 0.0)}
    assert store.reader.statistics(to_datetime(new.now + 1)).total_executions == 0
    store.writer.commit([[new.update(claimed, new.ended(claimed))], [new.update(running, new.ended(running))]])
    assert store.reader.statistics().by_schedule == {"s": _group(2, 2, 0, 1.0)}


def test_figures_are_carried_over_when_their_minute_is_over(store: Store, engines: Engines, new: Any) -> None:
    minute = new.now // MINUTE
    rows = [new.ended(new.started(new.execution(schedule_id=name))) for name in "abc"]
    store.writer.commit([[new.insert(row) for row in rows]])
    before = store.reader.statistics()
    assert store.figures.carry_over((minute + 1) * MINUTE - 1, 10) == 0
    assert [store.figures.carry_over((minute + 1) * MINUTE, 2) for _ in range(3)] == [3, 1, 0]
    assert _spans(engines) == dict.fromkeys(SPANS, 3)
    assert store.reader.statistics() == before


@pytest.mark.parametrize("seconds", [10, 50])
def test_only_the_rows_of_the_begun_minute_are_counted_one_by_one(
    store: Store, engines: Engines, new: Any, seconds: int
) -> None:
    """The others are not there any more, but were not taken out of the figures."""
    minute = new.now - new.now % HOUR + 34 * MINUTE
    moments = [minute + number * 7_000_000 for number in range(-30, 500)]
    rows = [new.ended(new.started(new.execution(created_at=at), started_at=at), completed_at=at + 9) for at in moments]
    store.writer.commit([[new.insert(row) for row in rows]])
    store.figures.carry_over(minute + HOUR, 20)
    since = minute + seconds * 1_000_000
    before = store.reader.statistics(to_datetime(since))
    assert before.total_executions == sum(at >= since for at in moments)
    with engines.writer.begin() as connection:
        at = executions.c.created_at
        connection.execute(delete(executions).where(~at.between(minute, minute + MINUTE), at < max(moments)))
    assert store.reader.statistics(to_datetime(since)) == before


def test_nothing_is_kept_of_what_is_removed(store: Store, engines: Engines, new: Any) -> None:
    rows = [new.ended(new.started(new.execution(schedule_id=name))) for name in "ab"]
    store.writer.commit([[new.insert(row) for row in rows]])
    store.figures.carry_over(new.now + HOUR, 10)
    store.retention.clear_executions(Ages.all_before(new.now + HOUR), 1)
    assert set(store.reader.statistics().by_schedule) == {"b"}
    store.figures.carry_over(new.now + HOUR, 10)
    assert _spans(engines) == dict.fromkeys(SPANS, 1)


def test_a_commit_writes_one_figure_for_each_schedule_that_has_had_a_run(
    store: Store, engines: Engines, new: Any
) -> None:
    running = [new.started(new.execution(schedule_id=name)) for name in "ab"]
    store.writer.commit([[new.insert(row) for row in running]])
    assert _spans(engines) == {}
    store.writer.commit([[new.update(row, new.ended(row)) for row in running]])
    assert _spans(engines) == {FRESH: 2}


def _spans(engines: Engines) -> dict[int, int]:
    """Return how many rows there are of each span."""
    with engines.reader.connect() as connection:
        span = execution_counts.c.span
        return {row[0]: row[1] for row in connection.execute(select(span, func.count()).group_by(span))}


def _life(new: Any, chance: random.Random, start: int) -> list[Any]:
    created_at = start + chance.randrange(72 * HOUR)
    row = new.execution(
        handler_id=chance.choice("ab"), schedule_id=chance.choice((None, "s", "t")), created_at=created_at
    )
    changes = [new.insert(row)]
    while row.status not in FINAL and chance.random() < 0.9:
        status = chance.choice([after for (before, _), after in TRANSITIONS.items() if before is row.status])
        after = replace(row, status=status, started_at=created_at + 5 if status is Status.RUNNING else row.started_at)
        if status in FINAL:
            after = replace(after, completed_at=created_at + chance.randrange(5, 10**7))
        changes.append(new.update(row, after))
        row = after
    return changes


def _counted(rows: list[Execution]) -> dict[str, Any]:
    durations = [row.completed_at - row.started_at for row in rows if row.completed_at and row.started_at]
    return {
        "all": (len(rows), *(sum(row.status in which for row in rows) for which in ((Status.SUCCESS,), FAILED))),
        "handlers": Counter(row.handler_id for row in rows),
        "schedules": Counter(row.schedule_id for row in rows if row.schedule_id),
        "average": pytest.approx(sum(durations) / len(durations) / 1000) if durations else None,
    }


def _plain(stats: ExecutionStats) -> dict[str, Any]:
    return {
        "all": (stats.total_executions, stats.success_count, stats.error_count),
        "handlers": {name: group.total_executions for name, group in stats.by_handler.items()},
        "schedules": {name: group.total_executions for name, group in stats.by_schedule.items()},
        "average": stats.avg_duration_ms,
    }


def _group(total: int, success: int, error: int, rate: float) -> GroupStats:
    return GroupStats(total_executions=total, success_count=success, error_count=error, success_rate=rate)
