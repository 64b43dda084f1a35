"""What is old is removed, with all that belongs to it, and nothing else."""

from typing import Any

import pytest

from schedulezero.protocol.commands import ExecutionFilter
from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.model import (
    AppendLog,
    Attempt,
    IdempotencyKey,
    InsertAttempt,
    LogEntry,
    RememberKey,
)
from schedulezero.scheduler.store import Store, retention
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.retention import Ages


def _ids(store: Store) -> list[str]:
    return [row.id for row in store.reader.execution_page(ExecutionFilter()).rows]


def test_only_what_ended_before(store: Store, new: Any) -> None:
    ended = new.ended(new.execution(created_at=1), completed_at=10)
    skipped = new.execution(created_at=5, status=Status.SKIPPED)
    kept = [
        new.execution(created_at=1),
        new.started(new.execution(created_at=1)),
        new.ended(new.execution(created_at=1), completed_at=11),
        new.execution(created_at=11, status=Status.SKIPPED),
    ]
    store.writer.commit([[new.insert(row)] for row in (ended, skipped, *kept)])
    assert store.retention.clear_executions(Ages.all_before(11), 100) == (2, None)
    assert sorted(_ids(store)) == sorted(row.id for row in kept)
    assert store.reader.statistics().total_executions == 4


def test_the_oldest_first_and_no_more_than_the_limit(store: Store, new: Any) -> None:
    rows = [new.ended(new.execution(created_at=number), completed_at=number) for number in range(5)]
    store.writer.commit([[new.insert(row) for row in rows]])
    seen, position = [], None
    while not seen or position is not None:
        removed, position = store.retention.clear_executions(Ages.all_before(100), 2, after=position)
        seen.append(removed)
    assert seen == [2, 2, 1]
    assert store.reader.statistics().by_handler == {}


def test_attempts_and_logs_go_with_their_execution(store: Store, new: Any) -> None:
    old, young = new.ended(new.execution(), completed_at=1, created_at=1), new.execution()
    for row in (old, young):
        attempt = Attempt(
            execution_id=row.id,
            attempt=1,
            claim=1,
            instance_id=None,
            started_at=None,
            completed_at=1,
            status="error",
            error=None,
        )
        line = LogEntry(execution_id=row.id, seq=1, attempt=1, at=1, level="info", event="e", fields="{}")
        store.writer.commit([[new.insert(row), InsertAttempt(attempt=attempt), AppendLog(entry=line)]])
    assert store.retention.clear_executions(Ages.all_before(2), 10).removed == 1
    assert (store.reader.attempts(old.id), store.reader.logs(old.id)) == ([], [])
    assert (len(store.reader.attempts(young.id)), len(store.reader.logs(young.id))) == (1, 1)


def test_executions_that_have_logged_much_go_a_few_at_a_time(
    store: Store, new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_LINES", 5)
    for number, lines in enumerate((2, 3, 1, 9, 0, 0)):
        row = new.ended(new.execution(created_at=number), completed_at=number)
        log = [
            LogEntry(execution_id=row.id, seq=seq, attempt=1, at=1, level="info", event="e", fields="{}")
            for seq in range(lines)
        ]
        store.writer.commit([[new.insert(row), *(AppendLog(entry=line) for line in log)]])

    removed, position = [], None
    while not removed or position is not None:
        cleared, position = store.retention.clear_executions(Ages.all_before(100), 5, after=position)
        removed.append(cleared)

    assert removed == [2, 1, 1, 2]
    assert _ids(store) == []


def test_old_keys_are_forgotten_the_oldest_first_and_no_more_than_the_limit(store: Store) -> None:
    for at in (3, 1, 4, 2):
        key = IdempotencyKey(caller="c", key=str(at), digest="d", execution_ids=(), created_at=at)
        store.writer.commit([[RememberKey(key=key)]])

    def left() -> list[int]:
        return [at for at in (1, 2, 3, 4) if store.reader.idempotency_key("c", str(at)) is not None]

    assert (store.retention.forget_keys(4, 2), left()) == (2, [3, 4])
    assert (store.retention.forget_keys(4, 2), left()) == (1, [4])
    assert (store.retention.forget_keys(4, 2), left()) == (0, [4])


def test_failures_are_kept_longer(store: Store, new: Any) -> None:
    statuses = (Status.SUCCESS, Status.ERROR, Status.TIMEOUT, Status.CANCELLED)
    rows = [new.ended(new.execution(created_at=5), status, completed_at=5) for status in statuses]
    store.writer.commit([[new.insert(row) for row in rows]])
    assert store.retention.clear_executions(Ages(failed=5, others=6), 10).removed == 2
    assert _ids(store) == [rows[2].id, rows[1].id]
    assert store.retention.clear_executions(Ages(failed=6, others=6), 10).removed == 2


def test_what_is_spared_and_what_is_too_many_stays_and_is_passed_over(store: Store, new: Any) -> None:
    rows = [new.ended(new.execution(created_at=number), completed_at=number) for number in range(6)]
    store.writer.commit([[new.insert(row) for row in rows]])
    first = store.retention.clear_executions(Ages.all_before(9), 3, spared={rows[0].id, rows[1].id})
    assert first.removed == 1
    second = store.retention.clear_executions(Ages.all_before(9), 3, after=first.position, most=2)
    assert second == (2, None)
    assert _ids(store) == [rows[5].id, rows[1].id, rows[0].id]
    assert store.retention.count_executions() == 3


def test_free_pages_of_a_new_file_are_returned_in_small_steps(store: Store, engines: Engines, new: Any) -> None:
    if engines.file is None:
        assert store.retention.return_space(50) is False, "a server looks after its space itself"
        return
    text = '"' + "x" * 20_000 + '"'
    rows = [new.ended(new.execution(created_at=1, params=text), completed_at=1) for _ in range(100)]
    store.writer.commit([[new.insert(row) for row in rows]])
    store.retention.clear_executions(Ages.all_before(2), 1000)
    with engines.writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
    steps = 0
    while store.retention.return_space(50):
        steps += 1
    with engines.writer.connect() as connection:
        left = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
        assert connection.exec_driver_sql("PRAGMA freelist_count").scalar() == 0
    assert steps >= 5
    assert left < pages / 2
