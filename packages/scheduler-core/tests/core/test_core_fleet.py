"""Instances come, fall silent, go, and are adopted: what that means for the work that is out on them."""

from typing import Any

from schedulezero.protocol.commands import ExecutionCancel
from schedulezero.protocol.handling import Cancel
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RetryOptions
from schedulezero.scheduler.core import inputs

RETRY = RetryOptions(base_seconds=1, jitter=0)


def test_work_of_a_lost_instance_is_tried_again_elsewhere(bottle: Any) -> None:
    bottle.connect("a", capacity=5)
    id_ = bottle.run(retry=RETRY)
    bottle.executes()
    bottle.feed(inputs.InstanceTold(state=bottle.state("b")))
    bottle.link("b")

    bottle.feed(inputs.LinkLost(boot_id="a"))
    bottle.advance(1)

    [again] = bottle.executes()
    assert (again.boot_id, again.attempt) == ("b", 2)
    assert [(a.status, a.error.type) for a in bottle.attempts] == [("lost", "Lost")]
    assert bottle.executions[id_].status is Status.RUNNING


def test_work_that_must_not_run_twice_ends_as_an_error_when_it_is_lost(bottle: Any) -> None:
    bottle.connect("a")
    id_ = bottle.run(retry=RetryOptions(on_lost=False))

    bottle.feed(inputs.LinkLost(boot_id="a", gone=True))

    assert bottle.executions[id_].status is Status.ERROR
    assert bottle.executions[id_].error.type == "Lost"


def test_a_silent_program_gets_nothing_new_and_loses_nothing(bottle: Any) -> None:
    bottle.connect("a")
    running = bottle.run()
    [execute] = bottle.executes()

    bottle.feed(inputs.LinkSilent(boot_id="a"))
    waiting = bottle.run()
    assert bottle.executions[running].status is Status.RUNNING
    assert bottle.executions[waiting].status is Status.PENDING
    bottle.finish(execute)

    assert bottle.executions[running].status is Status.SUCCESS
    assert [e.execution_id for e in bottle.executes()] == [waiting]


def test_a_restarted_scheduler_adopts_what_still_runs_and_sends_again_what_never_arrived(bottle: Any) -> None:
    bottle.connect("a")
    known, unknown = bottle.run(), bottle.run()
    held, _ = bottle.executes()

    bottle.restart()
    bottle.connect("a", holding=((known, held.attempt, held.claim),))

    [again] = bottle.executes()
    assert (again.execution_id, again.attempt) == (unknown, 1)
    bottle.finish(held)
    assert bottle.executions[known].status is Status.SUCCESS
    assert bottle.attempts == []


def test_after_a_restart_work_of_another_boot_is_lost_after_one_lease(bottle: Any) -> None:
    bottle.connect("a")
    id_ = bottle.run(retry=RETRY)
    bottle.executes()

    bottle.restart()
    bottle.connect("b")
    bottle.advance(4.9)
    assert bottle.executions[id_].status is Status.RUNNING
    bottle.advance(1.2)

    assert [(e.boot_id, e.attempt) for e in bottle.executes()] == [("b", 2)]


def test_a_claim_that_is_history_is_cancelled_where_it_still_runs(bottle: Any) -> None:
    bottle.connect("a")
    bottle.run(retry=RETRY)
    [old] = bottle.executes()
    bottle.feed(inputs.LinkLost(boot_id="a"))

    bottle.link("a", holding=((old.execution_id, old.attempt, old.claim),))
    bottle.advance(1)
    [new] = bottle.executes()
    bottle.link("a", holding=((old.execution_id, old.attempt, old.claim), (new.execution_id, new.attempt, new.claim)))

    cancels = [m.claim for _, m in bottle.sent if isinstance(m, Cancel)]
    assert cancels == [old.claim, old.claim]


def test_a_handler_that_stops_answering_after_its_timeout_is_timed_out_by_the_scheduler(bottle: Any) -> None:
    bottle.connect("a")
    id_ = bottle.run(timeout_seconds=5, retry=RetryOptions(max_attempts=1))

    bottle.advance(14.9)
    assert bottle.executions[id_].status is Status.RUNNING
    bottle.advance(0.2)

    assert bottle.executions[id_].status is Status.TIMEOUT


def test_a_running_cancel_is_asked_again_of_an_instance_that_comes_back(bottle: Any) -> None:
    bottle.connect("a")
    id_ = bottle.run()
    [execute] = bottle.executes()
    bottle.ask(ExecutionCancel(execution_id=id_))
    bottle.restart()
    bottle.sent.clear()

    bottle.connect("a", holding=((id_, execute.attempt, execute.claim),))

    assert [m.execution_id for _, m in bottle.sent if isinstance(m, Cancel)] == [id_]


def test_an_instance_that_was_said_to_be_gone_and_registers_again_gets_work_again(bottle: Any) -> None:
    bottle.connect("a")
    bottle.feed(inputs.InstanceTold(state=bottle.state("a", status="Disconnected")))
    waiting = bottle.run()
    assert not bottle.executes()

    bottle.feed(inputs.InstanceTold(state=bottle.state("a")))

    assert [e.execution_id for e in bottle.executes()] == [waiting]


def test_of_instances_with_equal_room_the_one_idle_for_longest_is_next(bottle: Any) -> None:
    bottle.feed(inputs.DirectoryRead(instances=(bottle.state("a"), bottle.state("b"))))
    bottle.link("a")
    bottle.link("b")

    boots = []
    for _ in range(4):
        bottle.run()
        [execute] = bottle.executes()
        boots.append(execute.boot_id)
        bottle.finish(execute)

    assert boots == ["a", "b", "a", "b"]


def test_a_lost_attempt_is_tried_again_without_back_off(bottle: Any) -> None:
    bottle.connect("a")
    id_ = bottle.run(retry=RetryOptions(base_seconds=60))
    bottle.feed(inputs.InstanceTold(state=bottle.state("b")))
    bottle.link("b")

    bottle.feed(inputs.LinkLost(boot_id="a"))
    bottle.advance(0)

    assert [e.execution_id for e in bottle.executes("b")] == [id_]
