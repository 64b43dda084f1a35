"""A change that meets another row than it says stores nothing, nor does anything beside it."""

from typing import Any

import pytest

from schedulezero.protocol.commands import ExecutionFilter, ScheduleList
from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.model import AdvanceSchedule, DeleteSchedule, ReviseSchedule, replace
from schedulezero.scheduler.store import Conflict, DataRefused, Store


def test_an_update_must_meet_status_and_claim(store: Store, new: Any) -> None:
    pending = new.execution()
    running = new.started(pending)
    store.writer.commit([[new.insert(pending)], [new.update(pending, running)]])
    for before in (pending, replace(running, claim=78), replace(running, status=Status.RETRYING)):
        with pytest.raises(Conflict, match="UpdateExecution met 0 of 1"):
            store.writer.commit([[new.update(before, new.ended(running))]])
    assert store.reader.execution(pending.id) == running


@pytest.mark.parametrize("change", ["advance", "revise", "delete"])
def test_a_schedule_must_have_the_version(store: Store, new: Any, change: str) -> None:
    schedule = new.schedule(version=4)
    later = replace(schedule, version=6)
    changes = {
        "advance": AdvanceSchedule(schedule=later, version_before=5),
        "revise": ReviseSchedule(schedule=later, version_before=5),
        "delete": DeleteSchedule(schedule_id=schedule.id, shard=schedule.shard, version_before=5),
    }
    store.writer.commit([[new.insert(schedule)]])
    with pytest.raises(Conflict):
        store.writer.commit([[changes[change]]])
    assert store.reader.schedule_page(ScheduleList()).rows == [schedule]


def test_nothing_of_a_batch_with_a_conflict_is_stored(store: Store, new: Any) -> None:
    good, gone = new.execution(), new.execution()
    with pytest.raises(Conflict, match="met 0 of 1"):
        store.writer.commit([[new.insert(good)], [new.update(gone, new.started(gone))]])
    assert store.reader.execution(good.id) is None
    assert store.reader.statistics().total_executions == 0


def test_one_of_many_updates_that_misses_is_found(store: Store, new: Any) -> None:
    executions = [new.execution() for _ in range(20)]
    store.writer.commit([[new.insert(execution) for execution in executions[1:]]])
    with pytest.raises(Conflict, match="met 19 of 20"):
        store.writer.commit([[new.update(execution, new.started(execution))] for execution in executions])


@pytest.mark.parametrize("fields", [{"id": "other"}, {}])
def test_an_instant_is_decided_once(store: Store, new: Any, fields: dict[str, str]) -> None:
    first = new.execution(id="one", schedule_id="s", generation="g", fire_time=5)
    store.writer.commit([[new.insert(first)]])
    with pytest.raises(Conflict):
        store.writer.commit([[new.insert(replace(first, **fields))]])


def test_runs_by_hand_and_other_generations_are_no_conflict(store: Store, new: Any) -> None:
    common = {"schedule_id": "s", "generation": "g"}
    rows = [new.execution(**common), new.execution(**common), new.execution(**common, fire_time=5)]
    rows.append(new.execution(schedule_id="s", generation="g2", fire_time=5))
    store.writer.commit([[new.insert(row)] for row in rows])
    assert len(store.reader.execution_page(ExecutionFilter(schedule_id="s")).rows) == 4


def test_the_changes_of_one_row_keep_their_order(store: Store, new: Any) -> None:
    """Changes are grouped by kind; here each kind comes again after another that touched the same row."""
    schedule = new.schedule()
    second, third = replace(schedule, version=2), replace(schedule, version=3)
    pending, other = new.execution(), new.execution()
    running = new.started(pending)
    retrying = replace(running, status=Status.RETRYING)
    groups = [
        [new.insert(schedule), new.insert(pending), AdvanceSchedule(schedule=second, version_before=1)],
        [new.update(pending, running), ReviseSchedule(schedule=third, version_before=2), new.insert(other)],
        [AdvanceSchedule(schedule=replace(third, version=4), version_before=3), new.update(running, retrying)],
        [DeleteSchedule(schedule_id=schedule.id, shard=schedule.shard, version_before=4), new.insert(schedule)],
        [new.update(other, new.started(other)), new.update(retrying, new.ended(retrying))],
    ]
    assert store.writer.commit(groups) == [None] * 5
    assert store.reader.schedule_page(ScheduleList()).rows == [schedule]
    assert store.reader.execution(pending.id) == new.ended(retrying)
    assert store.reader.execution(other.id) == new.started(other)


def test_an_empty_commit_is_one(store: Store) -> None:
    assert store.writer.commit([]) == []
    assert store.writer.commit([[]]) == [None]


@pytest.mark.parametrize("poison", [{"claim": 2**63}, {"method_name": "\ud800"}, {"params": None}])
def test_a_value_that_is_refused_costs_its_own_event_alone(store: Store, new: Any, poison: dict[str, Any]) -> None:
    before, first, beside, last = (new.execution() for _ in range(4))
    store.writer.commit([[new.insert(before)]])
    running = new.started(before)
    refusals = store.writer.commit(
        [
            [new.insert(first), new.update(before, running)],
            [new.insert(beside), new.insert(new.execution(**poison))],
            [new.insert(last)],
            [new.insert(new.execution(**poison))],
        ]
    )
    assert [type(refusal) for refusal in refusals] == [type(None), DataRefused, type(None), DataRefused]
    assert store.reader.execution(before.id) == running
    assert store.reader.execution(first.id) == first
    assert store.reader.execution(beside.id) is None
    assert store.reader.execution(last.id) == last
    assert store.reader.statistics().total_executions == 3


def test_a_conflict_beside_a_refused_value_stores_nothing(store: Store, new: Any) -> None:
    good, gone = new.execution(), new.execution()
    groups = [
        [new.insert(good)],
        [new.insert(new.execution(claim=2**63))],
        [new.update(gone, new.started(gone))],
    ]
    with pytest.raises(Conflict):
        store.writer.commit(groups)
    assert store.reader.execution(good.id) is None
