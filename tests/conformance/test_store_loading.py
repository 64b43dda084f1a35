"""What the machine starts from, and how it reads on."""

from typing import Any

from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.model import Execution
from schedulezero.scheduler.store import Store


def _stored(store: Store, new: Any, *fields: dict[str, Any]) -> list[Execution]:
    executions = [new.execution(**given) for given in fields]
    store.writer.commit([[new.insert(execution)] for execution in executions])
    return executions


def test_an_empty_database(store: Store) -> None:
    loaded = store.reader.load(epoch=9, window=10, line=9, agenda=9)
    assert loaded.epoch == 9
    assert loaded.upcoming.schedules == loaded.executions == loaded.handlers == []
    assert loaded.pending == loaded.unfinished == loaded.pauses == {}


def test_all_that_runs_or_retries_and_a_window_of_each_queue(store: Store, new: Any) -> None:
    running, retrying, *_ = _stored(
        store, new, {"status": Status.RUNNING}, {"status": Status.RETRYING}, {"status": Status.SUCCESS}
    )
    first = _stored(store, new, *({} for _ in range(5)))
    second = _stored(store, new, *({"method_name": "other"} for _ in range(3)))
    third = _stored(store, new, {"handler_id": "mail"})
    loaded = store.reader.load(epoch=1, window=2, line=9, agenda=9)
    expected = [running, retrying, *first[:2], *second[:2], *third]
    assert sorted(row.id for row in loaded.executions) == sorted(row.id for row in expected)
    assert loaded.pending == {("reports", "do_work"): 5, ("reports", "other"): 3, ("mail", "do_work"): 1}


def test_a_queue_goes_by_priority_then_time_then_id(store: Store, new: Any) -> None:
    a, b, c, d, e = _stored(
        store,
        new,
        {"priority": 5},
        {"priority": 5},
        {"priority": 9, "ready_at": new.now + 9},
        {"priority": 5, "ready_at": new.now - 1},
        {"priority": 0, "ready_at": 0},
    )
    assert store.reader.load(epoch=1, window=9, line=9, agenda=9).executions == [c, d, a, b, e]
    assert store.reader.pending("reports", "do_work", limit=3) == [c, d, a]
    assert store.reader.pending("reports", "none", limit=3) == []


def test_what_waits_for_its_turn_is_loaded_whole_and_not_read_again(store: Store, new: Any) -> None:
    serial = _stored(store, new, *({"schedule_id": "s", "serial": True} for _ in range(5)))
    plain = _stored(store, new, *({} for _ in range(5)))
    loaded = store.reader.load(epoch=1, window=2, line=9, agenda=9)
    assert loaded.executions == [*serial, *plain[:2]]
    assert loaded.pending == {("reports", "do_work"): 10}
    assert store.reader.pending("reports", "do_work", limit=9) == plain


def test_what_is_unfinished_of_each_schedule(store: Store, new: Any) -> None:
    statuses = [Status.PENDING, Status.RUNNING, Status.RETRYING, Status.SUCCESS, Status.SKIPPED]
    _stored(store, new, *({"schedule_id": "a", "status": status} for status in statuses))
    _stored(store, new, {"schedule_id": "b", "status": Status.ERROR}, {"schedule_id": "c"}, {})
    assert store.reader.load(epoch=1, window=1, line=9, agenda=9).unfinished == {"a": 3, "c": 1}


def test_readers_see_what_is_committed_and_do_not_wait_for_the_writer(store: Store, engines: Any, new: Any) -> None:
    _stored(store, new, {})
    with engines.writer.begin() as writing:
        writing.exec_driver_sql("DELETE FROM executions")
        assert len(store.reader.load(epoch=1, window=9, line=9, agenda=9).executions) == 1
    assert store.reader.load(epoch=1, window=9, line=9, agenda=9).executions == []


def test_of_those_that_wait_their_turn_the_first_of_each_schedule_are_read_and_the_others_counted(
    store: Store, new: Any
) -> None:
    rows = [new.execution(schedule_id="s", serial=True, created_at=new.now + number) for number in range(5)]
    other = new.execution(schedule_id="t", serial=True)
    plain = new.execution()
    store.writer.commit([[new.insert(row)] for row in (*rows, other, plain)])
    loaded = store.reader.load(epoch=1, window=9, line=2, agenda=9)
    assert {row.id for row in loaded.executions} == {rows[0].id, rows[1].id, other.id, plain.id}
    assert loaded.left == {"s": 3}
    assert loaded.pending == {("reports", "do_work"): 4}
    assert store.reader.line("s", limit=4) == rows[:4]
