"""One scheduler writes at a time, and one that was replaced stores nothing more."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from schedulezero.runtime.clock import SystemClock
from schedulezero.scheduler.core.model import SECOND, SHARDS
from schedulezero.scheduler.store import Fenced, Store
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.leases import Ownership
from schedulezero.scheduler.store.retention import Ages
from schedulezero.scheduler.store.tables import owners
from schedulezero.scheduler.store.writes import Writer


def _owner(engines: Engines, name: str, *, alone: bool = False) -> Ownership:
    return Ownership(engines.writer, owner=name, alone=alone)


def _expire(engines: Engines) -> None:
    with engines.writer.begin() as connection:
        connection.execute(update(owners).values(expires_at=1))


def test_the_first_owner_has_all_shards(ownership: Ownership) -> None:
    assert ownership.shards == frozenset(range(SHARDS))
    assert abs(ownership.epoch - SystemClock().now() // SECOND) <= 2


def test_a_living_owner_is_not_replaced(ownership: Ownership, engines: Engines) -> None:
    other = _owner(engines, "second")
    assert other.acquire() == frozenset()
    assert other.epoch == 0
    with pytest.raises(Fenced):
        other.renew()
    ownership.renew()


def test_an_expired_owner_is_replaced_and_can_store_nothing_more(
    ownership: Ownership, engines: Engines, store: Store, new: Any
) -> None:
    store.writer.commit([[new.insert(new.execution())]])
    _expire(engines)
    successor = _owner(engines, "second")
    assert successor.acquire() == frozenset(range(SHARDS))
    assert successor.epoch > ownership.epoch
    with pytest.raises(Fenced, match="first no longer owns"):
        store.writer.commit([[new.insert(new.execution())]])
    with pytest.raises(Fenced):
        ownership.renew()
    Writer(engines.writer, successor).commit([[new.insert(new.execution())]])


def test_an_expired_owner_that_nobody_replaced_goes_on(
    ownership: Ownership, engines: Engines, store: Store, new: Any
) -> None:
    _expire(engines)
    assert store.writer.commit([[new.insert(new.execution())]]) == [None]
    ownership.renew()


def test_a_renewed_owner_is_not_replaced(ownership: Ownership, engines: Engines) -> None:
    _expire(engines)
    assert abs(ownership.renew() - SystemClock().now()) < 1_000_000
    assert _owner(engines, "second").acquire() == frozenset()


def test_who_knows_that_the_others_are_dead_waits_for_nothing(ownership: Ownership, engines: Engines) -> None:
    successor = _owner(engines, "second", alone=True)
    assert len(successor.acquire()) == SHARDS
    with pytest.raises(Fenced):
        ownership.renew()


def test_released_shards_are_free_at_once(ownership: Ownership, engines: Engines) -> None:
    before = ownership.epoch
    ownership.release()
    successor = _owner(engines, "second")
    assert len(successor.acquire()) == SHARDS
    assert successor.epoch > before


def test_releasing_what_was_taken_over_changes_nothing(ownership: Ownership, engines: Engines) -> None:
    successor = _owner(engines, "second", alone=True)
    successor.acquire()
    ownership.release()
    successor.renew()
    assert _owner(engines, "third").acquire() == frozenset()


def test_acquiring_again_raises_the_epoch_and_fences_what_was_under_way(
    ownership: Ownership, engines: Engines, store: Store, new: Any
) -> None:
    again = _owner(engines, "first")
    assert len(again.acquire()) == SHARDS
    assert again.epoch > ownership.epoch
    with pytest.raises(Fenced):
        store.writer.commit([[new.insert(new.execution())]])
    ownership.acquire()
    store.writer.commit([[new.insert(new.execution())]])


def test_a_takeover_waits_for_the_commit_that_is_past_its_fence(
    ownership: Ownership, engines: Engines, store: Store, new: Any
) -> None:
    """The commit is held between its fence and its first row; the takeover must not come in between."""
    past_the_fence, go_on = threading.Event(), threading.Event()

    class Held:
        def check(self, cursor: Any) -> None:
            ownership.check(cursor)
            past_the_fence.set()
            assert go_on.wait(10)

    execution, late = new.execution(), new.execution()
    successor = _owner(engines, "second", alone=True)
    with ThreadPoolExecutor(2) as threads:
        commit = threads.submit(Writer(engines.writer, Held()).commit, [[new.insert(execution)]])
        assert past_the_fence.wait(10)
        takeover = threads.submit(successor.acquire)
        with pytest.raises(TimeoutError):
            takeover.result(timeout=0.2)
        go_on.set()
        assert commit.result(timeout=10) == [None]
        assert len(takeover.result(timeout=10)) == SHARDS
    assert store.reader.execution(execution.id) == execution
    with pytest.raises(Fenced):
        store.writer.commit([[new.insert(late)]])
    assert store.reader.execution(late.id) is None


def test_a_commit_waits_for_the_takeover_that_has_begun_and_stores_nothing(
    engines: Engines, store: Store, new: Any
) -> None:
    """The takeover is held between its last row and its commit; the commit must not slip past its fence meanwhile."""
    under_way, go_on = threading.Event(), threading.Event()

    class Held(Ownership):
        def _enter(self, connection: Connection, shards: frozenset[int], epoch: int) -> None:
            super()._enter(connection, shards, epoch)
            under_way.set()
            assert go_on.wait(10)

    late = new.execution()
    with ThreadPoolExecutor(2) as threads:
        takeover = threads.submit(Held(engines.writer, owner="second", alone=True).acquire)
        assert under_way.wait(10)
        commit = threads.submit(store.writer.commit, [[new.insert(late)]])
        with pytest.raises(TimeoutError):
            commit.result(timeout=0.2)
        go_on.set()
        assert len(takeover.result(timeout=10)) == SHARDS
        with pytest.raises(Fenced):
            commit.result(timeout=10)
    assert store.reader.execution(late.id) is None


def test_the_cleaner_is_fenced_too(store: Store, engines: Engines, new: Any) -> None:
    store.writer.commit([[new.insert(new.ended(new.execution()))]])
    _owner(engines, "second", alone=True).acquire()
    with pytest.raises(Fenced):
        store.retention.clear_executions(Ages.all_before(2**60), 10)
    with pytest.raises(Fenced):
        store.retention.forget_keys(2**60, 10)
    assert store.reader.statistics().total_executions == 1


def test_an_empty_database_begins_above_the_epochs_of_the_one_it_replaces(tmp_path: Path) -> None:
    epochs = []
    for name in ("old", "new"):
        store = Store.open(f"sqlite:///{tmp_path / name}.db", owner=name)
        epochs.append(store.ownership.epoch)
        store.close()
    assert epochs[0] <= epochs[1]
    assert epochs[0] > 1_700_000_000


def test_who_was_replaced_although_it_held_the_lock_waits_for_its_successor(engines: Engines) -> None:
    """The lock's file was removed while its holder was stopped: the two must not take turns at replacing each other."""
    stopped, successor = _owner(engines, "stopped", alone=True), _owner(engines, "successor", alone=True)
    stopped.acquire()
    successor.acquire()

    with pytest.raises(Fenced):
        stopped.renew()

    assert stopped.acquire() == stopped.acquire() == frozenset()
    successor.renew()
    successor.release()
    assert stopped.acquire() == frozenset(range(SHARDS))
