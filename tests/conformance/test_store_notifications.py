"""What is owed to webhooks: written with the end of an execution, found receiver by receiver, removed when settled."""

from typing import Any

import pytest
from sqlalchemy import update

from schedulezero.protocol.states import Status
from schedulezero.protocol.values import Notify
from schedulezero.scheduler.core.model import (
    InsertNotification,
    Notification,
    replace,
)
from schedulezero.scheduler.store import Conflict, Fenced, Store
from schedulezero.scheduler.store.leases import Ownership
from schedulezero.scheduler.store.retention import Ages
from schedulezero.scheduler.store.tables import owners

HOOK = "https://hooks.example"


def owed(id_: str, receiver: str = HOOK, due_at: int = 5, **fields: Any) -> Notification:
    defaults: dict[str, Any] = {"execution_id": f"e-{id_}", "url": f"{receiver}/T0/path?x=1", "created_at": 1}
    return Notification(**{"id": id_, "shard": 3, "receiver": receiver, "due_at": due_at, **defaults, **fields})


def insert_all(store: Store, *all_: Notification) -> None:
    store.writer.commit([[InsertNotification(notification=one)] for one in all_])


def test_a_notification_with_every_field(store: Store) -> None:
    long = owed("a", url=HOOK + "/" + "x" * 1900, created_at=7, due_at=1_790_000_000_123_456, attempt=11)
    insert_all(store, long)
    assert store.notifications.owed(HOOK, 10) == [long]


def test_an_execution_keeps_what_it_asks_for_through_its_life(store: Store, new: Any) -> None:
    pending = new.execution(notify=Notify(url=HOOK + "/a", on=("success", "skipped")))
    started = new.started(pending)
    ended = new.ended(started)
    store.writer.commit([[new.insert(pending)], [new.update(pending, started)], [new.update(started, ended)]])
    assert store.reader.execution(pending.id) == ended
    assert ended.notify == pending.notify


def test_it_is_stored_with_the_end_of_the_execution_or_not_at_all(store: Store, new: Any) -> None:
    pending = new.execution()
    store.writer.commit([[new.insert(pending)]])
    ended = new.ended(new.started(pending))
    with pytest.raises(Conflict):
        store.writer.commit(
            [[new.update(replace(pending, status=Status.RUNNING), ended), InsertNotification(notification=owed("a"))]]
        )
    assert store.notifications.count() == 0


def test_the_same_one_is_stored_once(store: Store) -> None:
    insert_all(store, owed("a"))
    with pytest.raises(Conflict):
        insert_all(store, owed("a"))
    assert store.notifications.count() == 1


def test_what_a_receiver_is_owed_comes_first_due_first(store: Store) -> None:
    mine = [owed("c", due_at=1), owed("a", due_at=2), owed("b", due_at=2), owed("d", due_at=9)]
    insert_all(store, *reversed(mine), owed("other", "http://other:1", due_at=0))
    assert store.notifications.owed(HOOK, 10) == mine
    assert store.notifications.owed(HOOK, 2) == mine[:2]
    assert store.notifications.owed("http://nobody", 2) == []


def test_each_receiver_is_named_once_up_to_a_limit(store: Store) -> None:
    names = [f"http://h{number}" for number in range(5)]
    insert_all(store, *(owed(f"{name} {number}", name) for name in names for number in range(3)))
    assert store.notifications.receivers(10) == names
    assert store.notifications.receivers(3) == names[:3]
    assert store.notifications.count() == 15


def test_nobody_is_owed_anything_at_first(store: Store) -> None:
    assert (store.notifications.receivers(10), store.notifications.count()) == ([], 0)


def test_what_is_settled_is_removed_or_put_off(store: Store) -> None:
    a, b, c = (owed(name) for name in "abc")
    insert_all(store, a, b, c)
    later = replace(b, due_at=99, attempt=2)
    store.notifications.settle([a.id, "gone already"], [later])
    assert store.notifications.owed(HOOK, 10) == [c, later]
    store.notifications.settle([], [])
    store.notifications.settle([c.id, b.id], [])
    assert store.notifications.count() == 0


def test_one_that_was_removed_meanwhile_is_not_put_off(store: Store) -> None:
    store.notifications.settle([], [owed("a", due_at=9)])
    assert store.notifications.count() == 0


def test_who_was_replaced_settles_nothing(store: Store, engines: Any) -> None:
    insert_all(store, owed("a"))
    with engines.writer.begin() as connection:
        connection.execute(update(owners).values(expires_at=1))
    Ownership(engines.writer, owner="second").acquire()
    with pytest.raises(Fenced):
        store.notifications.settle(["a"], [])
    assert store.notifications.count() == 1


def test_removing_executions_leaves_what_is_owed(store: Store, new: Any) -> None:
    ended = new.ended(new.execution(created_at=1), completed_at=2)
    store.writer.commit([[new.insert(ended), InsertNotification(notification=owed("a", execution_id=ended.id))]])
    store.retention.clear_executions(Ages.all_before(10), 10)
    assert store.notifications.count() == 1
