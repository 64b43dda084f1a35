"""The cleaner: what is kept is what the settings say, a few batches at a time."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schedulezero.protocol.commands import ExecutionFilter
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RetryPolicy
from schedulezero.runtime.settings import DatabaseSettings
from schedulezero.scheduler.cleaner import Cleaner
from schedulezero.scheduler.core.model import (
    SECOND,
    Execution,
    IdempotencyKey,
    InsertExecution,
    KeepSpell,
    RememberKey,
    Spell,
)
from schedulezero.scheduler.store import Store

DAY = 24 * 3600 * SECOND
NOW = 1_800_000_000 * SECOND


CLEANED = ("executions", "idempotency_keys", "spells")


class Writer:
    """Runs what is asked of the writer at once, and notes how many rows each of it has removed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.removed: list[int] = []

    async def run(self, task: Callable[[], Any]) -> Any:
        before = row_count(self._store)
        result = task()
        self.removed.append(before - row_count(self._store))
        return result


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'cleaned.db'}", owner="test")
    yield store
    store.close()


def insert(store: Store, count: int, status: Status, *, days: float) -> None:
    """Store executions that ended so many days ago."""
    at = NOW - round(days * DAY)
    rows = [
        Execution(
            id=f"{status}-{days}-{number:06}",
            shard=0,
            handler_id="h",
            method_name="m",
            params="{}",
            status=status,
            priority=5,
            created_at=at,
            ready_at=at,
            retry=RetryPolicy(),
            completed_at=None if status is Status.PENDING else at,
        )
        for number in range(count)
    ]
    store.writer.commit([[InsertExecution(execution=row)] for row in rows])


def clean(store: Store, writer: Writer | None = None, **settings: int) -> int:
    """Let the cleaner go on until it is done; return how many rounds that took."""
    pipeline: Any = SimpleNamespace(committer=writer or Writer(store), memory=None)
    clock: Any = SimpleNamespace(now=lambda: NOW)
    cleaner = Cleaner(pipeline, store, clock, DatabaseSettings(**settings))

    async def rounds() -> int:
        count = 1
        await cleaner.run_once()
        while cleaner.interval < 1:
            await cleaner.run_once()
            count += 1
        return count

    return asyncio.run(rounds())


def left(store: Store) -> dict[str, int]:
    rows = store.reader.execution_page(ExecutionFilter(), limit=100_000).rows
    kinds = [row.id.rsplit("-", 1)[0] for row in rows]
    return {kind: kinds.count(kind) for kind in kinds}


def test_what_is_too_old_goes_and_failures_stay_longer(store: Store) -> None:
    for days in (10.0, 40.0, 100.0):
        for status in (Status.SUCCESS, Status.ERROR, Status.PENDING):
            insert(store, 3, status, days=days)

    clean(store, keep_days=30, keep_failed_days=90)

    assert left(store) == {
        "pending-10.0": 3,
        "error-10.0": 3,
        "success-10.0": 3,
        "pending-40.0": 3,
        "error-40.0": 3,
        "pending-100.0": 3,
    }


def test_the_oldest_go_beyond_the_number_that_is_kept_and_what_waits_stays(store: Store) -> None:
    insert(store, 20, Status.PENDING, days=3)
    insert(store, 500, Status.SUCCESS, days=2)
    insert(store, 300, Status.ERROR, days=1)

    clean(store, keep_executions=400)

    assert left(store) == {"pending-3": 20, "success-2": 80, "error-1": 300}


def test_much_is_removed_in_several_rounds_and_the_file_shrinks(store: Store, tmp_path: Path) -> None:
    insert(store, 12_000, Status.SUCCESS, days=50)
    pages = page_count(tmp_path)

    rounds = clean(store, keep_days=30)

    assert rounds >= 3
    assert left(store) == {}
    assert page_count(tmp_path) < pages / 4


def test_whatever_is_removed_goes_a_few_hundred_at_a_time_with_the_writer_free_between(store: Store) -> None:
    insert(store, 1_000, Status.SUCCESS, days=50)
    keys = [
        IdempotencyKey(caller="c", key=str(number), digest="d", execution_ids=(), created_at=NOW - 2 * DAY)
        for number in range(6_000)
    ]
    store.writer.commit([[RememberKey(key=key) for key in keys]])
    old = [Spell(kind="handler_offline", subject=str(number), began=1, ended=2 + number) for number in range(1_000)]
    store.writer.commit([[KeepSpell(spell=spell) for spell in old]])
    writer = Writer(store)

    rounds = clean(store, writer, keep_days=30)

    assert row_count(store) == 0
    assert max(writer.removed) <= 250
    assert rounds >= 2


def test_keys_are_forgotten_after_a_day_also_where_everything_else_is_kept(store: Store) -> None:
    for days in (0.9, 1.1):
        key = IdempotencyKey(
            caller="c", key=str(days), digest="d", execution_ids=(), created_at=NOW - round(days * DAY)
        )
        store.writer.commit([[RememberKey(key=key)]])

    clean(store, keep_days=0, keep_failed_days=0, keep_executions=0)

    assert store.reader.idempotency_key("c", "0.9") is not None
    assert store.reader.idempotency_key("c", "1.1") is None


def test_without_limits_everything_is_kept(store: Store) -> None:
    insert(store, 3, Status.SUCCESS, days=5_000)

    assert clean(store, keep_days=0, keep_failed_days=0, keep_executions=0) == 1

    assert left(store) == {"success-5000": 3}


def test_the_figures_of_hours_that_are_over_are_carried_over(store: Store, tmp_path: Path) -> None:
    insert(store, 3, Status.SUCCESS, days=1)
    insert(store, 2, Status.ERROR, days=0)

    assert clean(store) == 1

    with sqlite3.connect(tmp_path / "cleaned.db") as connection:
        fresh = connection.execute("SELECT total, error FROM execution_counts WHERE span = -1").fetchall()
    connection.close()
    assert fresh == [(2, 2)]


def page_count(directory: Path) -> int:
    with sqlite3.connect(directory / "cleaned.db") as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.close()
    return int(pages)


def row_count(store: Store) -> int:
    with store.history.read() as past:
        counts = [past._connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in CLEANED]
    return sum(map(int, counts))
