"""What a failing SQLite means for what was to be stored."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from schedulezero.protocol.errors import Code
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RetryPolicy
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.model import Execution, InsertExecution
from schedulezero.scheduler.store import OutcomeUnknown, Store, StoreUnavailable
from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.scheduler.store.leases import Ownership
from schedulezero.scheduler.store.migrations import upgrade
from schedulezero.scheduler.store.writes import Writer

IDS = IdSource(random.Random(1))


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[Engines]:
    with open_engines(f"sqlite:///{tmp_path / 'jobs.db'}") as engines:
        upgrade(engines.writer)
        yield engines


@pytest.fixture
def ownership(engines: Engines) -> Ownership:
    ownership = Ownership(engines.writer, owner="first")
    ownership.acquire()
    return ownership


@pytest.fixture
def store(engines: Engines, ownership: Ownership) -> Store:
    return Store(engines, ownership, None)


def _insert(size: int = 2) -> InsertExecution:
    return InsertExecution(
        execution=Execution(
            id=IDS.next(5),
            shard=1,
            handler_id="h",
            method_name="m",
            params='"' + "x" * (size - 2) + '"',
            status=Status.PENDING,
            priority=5,
            created_at=5,
            ready_at=5,
            retry=RetryPolicy(),
        )
    )


def _set_up_every_writing_connection(engines: Engines, statement: str) -> None:
    engines.writer.dispose()
    event.listen(engines.writer, "connect", lambda connection, _: connection.execute(statement).close())


def test_a_file_that_somebody_else_locks(store: Store, engines: Engines) -> None:
    _set_up_every_writing_connection(engines, "PRAGMA busy_timeout=0")
    change = _insert()
    other = sqlite3.connect(str(engines.file), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked") as caught:
        store.writer.commit([[change]])
    assert (caught.value.code, caught.value.problem.retry_after) == (Code.UNAVAILABLE, 1)
    other.execute("ROLLBACK")
    other.close()
    assert store.writer.commit([[change]]) == [None]


def test_a_full_database(store: Store, engines: Engines) -> None:
    with engines.writer.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
    _set_up_every_writing_connection(engines, f"PRAGMA max_page_count={pages + 20}")
    small, large = _insert(), _insert(1_000_000)
    with pytest.raises(StoreUnavailable, match="full"):
        store.writer.commit([[small], [large]])
    assert store.reader.execution(small.execution.id) is None
    assert store.writer.commit([[small]]) == [None]


def test_a_database_that_became_read_only(store: Store, engines: Engines) -> None:
    _set_up_every_writing_connection(engines, "PRAGMA query_only=ON")
    with pytest.raises(StoreUnavailable, match="readonly"):
        store.writer.commit([[_insert()]])


def test_a_commit_that_fails_leaves_the_outcome_unknown(store: Store, engines: Engines) -> None:
    """SQLite's authorizer refuses the COMMIT itself, which is nothing that the store knows the meaning of."""

    def refuse(connection: Any, _: object) -> None:
        connection.set_authorizer(_refuse_commit)

    engines.writer.dispose()
    event.listen(engines.writer, "connect", refuse)
    change = _insert()
    with pytest.raises(OutcomeUnknown, match="not authorized") as caught:
        store.writer.commit([[change]])
    assert caught.value.code is Code.OUTCOME_UNKNOWN
    event.remove(engines.writer, "connect", refuse)
    assert store.reader.execution(change.execution.id) is None
    store.ownership.acquire()
    assert store.writer.commit([[change]]) == [None]


def _refuse_commit(action: int, argument: str | None, *_: object) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION and argument == "COMMIT" else sqlite3.SQLITE_OK


def test_reading_a_database_that_is_damaged(store: Store, engines: Engines) -> None:
    with engines.writer.begin() as connection:
        connection.execute(text("DROP TABLE executions"))
    with pytest.raises(StoreUnavailable, match="no such table"):
        store.reader.execution("x")


def test_a_bug_in_the_fence_is_not_taken_for_a_failure_of_the_database(engines: Engines) -> None:
    class Broken:
        def check(self, cursor: Any) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Writer(engines.writer, Broken()).commit([[_insert()]])
    with engines.writer.begin():
        """The failed transaction has let go of the lock."""
