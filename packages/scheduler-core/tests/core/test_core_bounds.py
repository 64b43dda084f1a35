"""Memory is bounded: what waits is held in windows, whatever waits, and what is over is forgotten."""

from collections import Counter
from typing import Any

import pytest

from schedulezero.protocol.commands import (
    ExecutionCancel,
    HandlerPause,
    HandlerResume,
    RunBatch,
    SchedulePause,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.errors import Code
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RunRequest
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import SECOND, ReadLine
from schedulezero.scheduler.core.queues import Queue

EVERY_SECOND = {"type": "interval", "seconds": 1}
RUN = RunRequest(handler_id="h", method_name="work")


def held_objects(bottle: Any) -> int:
    """Count what memory holds of executions, in every index and timeline."""
    memory = bottle.machine.memory
    queues = [queue for queues in memory.queues.values() for queue in queues.values()]
    in_queues = sum(len(q._heap) + len(q._staying) + len(q._replaceable) + len(q._gone_meanwhile) for q in queues)
    in_lines = sum(len(line) + len(line._gone_meanwhile) for line in memory.held.values())
    timelines = (memory.retries, memory.expiries, memory.overtime)
    return (
        len(memory.executions)
        + sum(map(len, memory.current.values()))
        + in_queues
        + in_lines
        + sum(len(timeline._heap) for timeline in timelines)
    )


def run_all_in_order(bottle: Any) -> list[str]:
    """Let one execution after the other succeed until nothing is sent any more; return their ids."""
    order = []
    while executes := bottle.executes():
        for execute in executes:
            order.append(execute.execution_id)
            bottle.finish(execute)
        bottle.read_more()
    return order


# -- windows --------------------------------------------------------------------------------------------------------


def test_what_is_held_of_pending_work_does_not_grow_with_it(new_bottle: Any) -> None:
    held = []
    for batches in (2, 20):
        bottle = new_bottle(window=50)
        bottle.connect(capacity=1)
        for _ in range(batches):
            bottle.ask(RunBatch(runs=(RUN,) * 500))
        held.append(held_objects(bottle))

    assert held[1] == held[0] < 10 * 50


def test_what_is_held_of_work_that_waits_its_turn_does_not_grow_with_it(new_bottle: Any) -> None:
    held = []
    for seconds in (300, 3_000):
        bottle = new_bottle(line=20)
        bottle.connect()
        bottle.schedule(EVERY_SECOND, overlap="queue_all")
        bottle.advance(seconds)
        held.append(held_objects(bottle))

    assert held[1] == held[0] < 10 * 20


def test_a_line_that_was_left_to_the_database_is_run_whole_and_in_order(new_bottle: Any) -> None:
    bottle = new_bottle(line=3)
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="queue_all").schedule_id
    bottle.advance(40)
    bottle.ask(SchedulePause(schedule_id=id_))

    order = run_all_in_order(bottle)

    assert order == [row.id for row in bottle.rows(id_)]
    assert len(order) == 40
    assert bottle.machine.memory.held == {}


def test_a_line_goes_on_where_it_was_after_a_restart(new_bottle: Any) -> None:
    bottle = new_bottle(line=3)
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="queue_all").schedule_id
    bottle.advance(40)
    bottle.ask(SchedulePause(schedule_id=id_))
    [first] = bottle.executes()

    bottle.restart()
    bottle.connect(holding=((first.execution_id, first.attempt, first.claim),))
    assert not bottle.executes()
    assert held_objects(bottle) < 40
    bottle.finish(first)

    assert [first.execution_id, *run_all_in_order(bottle)] == [row.id for row in bottle.rows(id_)]


def test_missed_runs_of_catch_up_all_are_held_in_a_window_and_run_in_order(new_bottle: Any) -> None:
    bottle = new_bottle(line=5)
    bottle.connect()
    options = {"catch_up": "all", "max_catch_up": 900, "misfire_grace_seconds": 0, "overlap": "skip"}
    id_ = bottle.schedule(EVERY_SECOND, **options).schedule_id

    bottle.now += 1000 * SECOND + 1
    bottle.restart()
    bottle.connect("b2")
    bottle.feed(inputs.Tick())
    bottle.ask(SchedulePause(schedule_id=id_))

    assert len(bottle.machine.memory.executions) <= 12
    ran = run_all_in_order(bottle)
    assert ran == [row.id for row in bottle.rows(id_) if row.reason is None]
    assert len(ran) == 900


def test_who_comes_new_while_a_line_is_read_back_waits_behind_it(new_bottle: Any) -> None:
    bottle = new_bottle(line=2)
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="queue_all").schedule_id
    bottle.advance(10)

    ran = []
    while not bottle.refills:
        [execute] = bottle.executes()
        ran.append(execute.execution_id)
        bottle.finish(execute)
    bottle.advance(1)
    bottle.ask(SchedulePause(schedule_id=id_))
    bottle.read_more()

    assert ran + run_all_in_order(bottle) == [row.id for row in bottle.rows(id_)]


def test_what_waits_in_the_database_for_its_turn_can_be_cancelled_once(new_bottle: Any) -> None:
    bottle = new_bottle(line=2)
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="queue_all").schedule_id
    bottle.advance(20)
    bottle.ask(SchedulePause(schedule_id=id_))
    last = bottle.rows(id_)[-1]
    assert last.id not in bottle.machine.memory.executions

    assert bottle.ask(ExecutionCancel(execution_id=last.id), found=last).status is Status.CANCELLED
    assert len(run_all_in_order(bottle)) == 19
    again = bottle.ask(ExecutionCancel(execution_id=last.id), found=bottle.executions[last.id])
    assert again.code is Code.CONFLICT


def test_what_waits_behind_the_window_is_cancelled_once_also_by_two_who_looked_it_up_together(new_bottle: Any) -> None:
    bottle = new_bottle(window=1)
    bottle.connect(capacity=1)
    ids = [bottle.run() for _ in range(12)]
    behind = bottle.executions[next(id_ for id_ in ids if id_ not in bottle.machine.memory.executions)]

    first = bottle.ask(ExecutionCancel(execution_id=behind.id), found=behind)
    second = bottle.ask(ExecutionCancel(execution_id=behind.id), found=behind)

    assert first.status is Status.CANCELLED
    assert second.code is Code.CONFLICT


def test_what_has_ended_since_it_was_looked_up_is_not_taken_for_left_to_the_database(new_bottle: Any) -> None:
    bottle = new_bottle(window=2)
    bottle.connect(capacity=1)
    ids = [bottle.run() for _ in range(20)]
    looked_up = bottle.executions[ids[5]]
    for _ in range(8):
        [execute] = bottle.executes()
        bottle.finish(execute)
        bottle.read_more()

    answer = bottle.ask(ExecutionCancel(execution_id=ids[5]), found=looked_up)

    assert (answer.code, bottle.executions[ids[5]].status) == (Code.CONFLICT, Status.SUCCESS)


def test_a_reading_that_comes_late_brings_back_nothing_that_has_moved_on(new_bottle: Any) -> None:
    bottle = new_bottle(line=2)
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="queue_all").schedule_id
    bottle.advance(10)
    bottle.ask(SchedulePause(schedule_id=id_))
    while not bottle.refills:
        [execute] = bottle.executes()
        bottle.finish(execute)
    assert isinstance(bottle.refills.pop(), ReadLine)
    read = bottle._line(id_)
    for execute in bottle.executes():
        bottle.finish(execute)

    bottle.feed(inputs.LineRead(schedule_id=id_, executions=read))
    run_all_in_order(bottle)

    assert Counter(row.status for row in bottle.rows(id_)) == {Status.SUCCESS: 10}


def test_cancelled_work_behind_one_that_stays_leaves_nothing_in_its_queue(bottle: Any) -> None:
    bottle.connect(capacity=0)
    bottle.run(priority=9)

    for _ in range(3_000):
        bottle.ask(ExecutionCancel(execution_id=bottle.run()))

    assert held_objects(bottle) < 1_100


# -- expiry ---------------------------------------------------------------------------------------------------------


def test_expired_work_that_is_read_back_is_skipped_and_not_handed_out(new_bottle: Any) -> None:
    bottle = new_bottle(window=2)
    bottle.connect(capacity=1)
    first = bottle.run()
    waiting = [bottle.run(expires_after_seconds=10) for _ in range(10)]
    bottle.now += 60 * SECOND

    [execute] = bottle.executes()
    bottle.finish(execute)
    bottle.read_more()

    assert bottle.executes() == []
    assert {bottle.executions[id_].reason for id_ in waiting} == {"expired"}
    assert execute.execution_id == first


@pytest.mark.parametrize("pause", [SystemPause(), HandlerPause(handler_id="h")])
def test_work_expires_behind_the_window_also_while_its_handler_is_paused(new_bottle: Any, pause: Any) -> None:
    bottle = new_bottle(window=2)
    bottle.connect(capacity=1)
    bottle.ask(pause)
    waiting = [bottle.run(expires_after_seconds=10) for _ in range(30)]

    bottle.advance(11)
    bottle.read_more()
    for resume in (SystemResume(), HandlerResume(handler_id="h")):
        bottle.ask(resume)

    assert bottle.executes() == []
    assert {bottle.executions[id_].reason for id_ in waiting} == {"expired"}


# -- names that come and go -----------------------------------------------------------------------------------------


def test_the_queues_of_made_up_handlers_go_with_their_work(bottle: Any) -> None:
    for number in range(100):
        bottle.run(method=f"m{number}", handler=f"made-up-{number}", allow_offline=True, expires_after_seconds=5)
    assert len(bottle.machine.memory.queues) == 100

    bottle.advance(6)

    assert bottle.machine.memory.queues == {}
    assert bottle.machine.memory.pending_of("never-heard-of") == 0
    assert bottle.machine.memory.queues == {}


def test_an_event_of_one_handler_looks_at_the_queues_of_no_other(bottle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        bottle.run(handler=f"made-up-{number}", allow_offline=True)
    bottle.connect(capacity=1)
    bottle.run()
    looked_at: list[str] = []
    head = Queue.head
    monkeypatch.setattr(Queue, "head", lambda queue: (looked_at.append(queue.handler_id), head(queue))[1])

    [execute] = bottle.executes()
    bottle.run()
    bottle.finish(execute)

    assert set(looked_at) == {"h"}


def test_what_has_just_expired_is_not_taken_for_left_to_the_database(new_bottle: Any) -> None:
    bottle = new_bottle(line=2)
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="queue_all", expires_after_seconds=20).schedule_id
    bottle.advance(10)
    looked_up = bottle.rows(id_)[2]
    bottle.ask(SchedulePause(schedule_id=id_))
    bottle.advance(14)

    answer = bottle.ask(ExecutionCancel(execution_id=looked_up.id), found=looked_up)

    assert bottle.machine.memory.held[id_].left > 0
    assert (answer.code, bottle.executions[looked_up.id].reason) == (Code.CONFLICT, "expired")
