"""What is old is removed, with all that belongs to it, and nothing else."""

from typing import Any

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
from schedulezero.scheduler.store import Store


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
    assert store.retention.clear_executions(11, 100) == 2
    assert sorted(_ids(store)) == sorted(row.id for row in kept)
    assert store.reader.statistics().total_executions == 4


def test_the_oldest_first_and_no_more_than_the_limit(store: Store, new: Any) -> None:
    rows = [new.ended(new.execution(created_at=number), completed_at=number) for number in range(5)]
    store.writer.commit([[new.insert(row) for row in rows]])
    assert [store.retention.clear_executions(100, 2) for _ in range(4)] == [2, 2, 1, 0]
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
    assert store.retention.clear_executions(2, 10) == 1
    assert (store.reader.attempts(old.id), store.reader.logs(old.id)) == ([], [])
    assert (len(store.reader.attempts(young.id)), len(store.reader.logs(young.id))) == (1, 1)


def test_old_keys_are_forgotten(store: Store) -> None:
    for at in (1, 2, 3):
        key = IdempotencyKey(caller="c", key=str(at), digest="d", execution_ids=(), created_at=at)
        store.writer.commit([[RememberKey(key=key)]])
    assert store.retention.forget_keys(3) == 2
    assert [store.reader.idempotency_key("c", str(at)) is None for at in (1, 2, 3)] == [True, True, False]
