"""Runs by hand: accepted, handed out, ended, tried again."""

from typing import Any

import msgspec
import pytest

from schedulezero.protocol.commands import ExecutionCancel, ExecutionRetry, RunBatch, RunNow
from schedulezero.protocol.errors import Code, Problem
from schedulezero.protocol.handling import Ack, Cancel, Refused
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import MethodSpec, RetryOptions, RunRequest
from schedulezero.scheduler.core import inputs


def test_an_immediate_run_that_succeeds_is_two_row_writes(bottle: Any) -> None:
    bottle.connect()
    bottle.writes = 0

    id_ = bottle.run()
    [execute] = bottle.executes()
    bottle.finish(execute, result=msgspec.Raw(b'{"n":1}'))

    assert bottle.writes == 2
    row = bottle.executions[id_]
    assert (row.status, row.result, row.attempt, row.instance_id) == (Status.SUCCESS, '{"n":1}', 1, "i-b1")
    assert bottle.published == ["execution.created", "execution.started", "execution.finished"]
    assert any(isinstance(m, Ack) and m.execution_id == id_ for _, m in bottle.sent)


def test_work_goes_to_the_instance_with_the_most_room_and_waits_when_all_are_full(bottle: Any) -> None:
    bottle.feed(inputs.DirectoryRead(instances=(bottle.state("a", capacity=1), bottle.state("b", capacity=3))))
    bottle.link("a")
    bottle.link("b")

    for _ in range(6):
        bottle.run()

    executes = bottle.executes()
    assert sorted(e.boot_id for e in executes) == ["a", "b", "b", "b"]
    assert executes[0].boot_id == "b"
    bottle.finish(executes[0])
    assert [e.boot_id for e in bottle.executes()] == ["b"]


def test_higher_priority_goes_first_then_the_older_one(bottle: Any) -> None:
    bottle.connect(capacity=1)
    first = bottle.run()
    low, high, normal = bottle.run(priority=1), bottle.run(priority=9), bottle.run()

    order = []
    for _ in range(4):
        [execute] = bottle.executes()
        order.append(execute.execution_id)
        bottle.finish(execute)

    assert order == [first, high, normal, low]


def test_a_method_with_its_own_concurrency_does_not_hold_up_the_others(bottle: Any) -> None:
    bottle.connect(methods=(MethodSpec(name="work", concurrency=1), MethodSpec(name="other")))
    bottle.run("work")
    bottle.run("work")
    bottle.run("other")

    assert sorted(e.method for e in bottle.executes()) == ["other", "work"]


def test_a_job_that_fails_twice_then_succeeds_has_three_attempts(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RetryOptions(base_seconds=1, jitter=0))

    for delay in (1, 2):
        [execute] = bottle.executes()
        bottle.finish(execute, "error")
        assert bottle.executions[id_].status is Status.RETRYING
        bottle.advance(delay - 0.01)
        assert not bottle.executes()
        bottle.advance(0.02)
    [execute] = bottle.executes()
    bottle.finish(execute)

    assert bottle.executions[id_].status is Status.SUCCESS
    assert bottle.executions[id_].attempt == 3
    told = [(attempt.attempt, attempt.status, attempt.error.type) for attempt in bottle.attempts]
    assert told == [(1, "error", "Oops"), (2, "error", "Oops")]


@pytest.mark.parametrize(("status", "final"), [("error", Status.ERROR), ("timeout", Status.TIMEOUT)])
def test_attempts_used_up_end_in_the_status_of_the_last(bottle: Any, status: str, final: Status) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RetryOptions(max_attempts=2))

    for _ in range(2):
        [execute] = bottle.executes()
        bottle.finish(execute, status)
        bottle.advance(10)

    assert bottle.executions[id_].status is final
    assert len(bottle.attempts) == 2


def test_a_failure_that_forbids_it_is_not_tried_again(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run()
    [execute] = bottle.executes()

    bottle.finish(execute, "error", final=True)

    assert bottle.executions[id_].status is Status.ERROR


def test_a_late_answer_of_an_older_claim_changes_nothing_and_is_acknowledged(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RetryOptions(base_seconds=0, jitter=0))
    [old] = bottle.executes()
    bottle.finish(old, "error")
    bottle.advance(1)
    [new] = bottle.executes()
    bottle.sent.clear()

    bottle.finish(old)

    assert bottle.executions[id_].status is Status.RUNNING
    assert bottle.executions[id_].claim == new.claim
    assert [m.claim for _, m in bottle.sent if isinstance(m, Ack)] == [old.claim]


def test_refused_work_goes_elsewhere_and_the_attempt_does_not_count(bottle: Any) -> None:
    bottle.connect("a")
    id_ = bottle.run()
    [execute] = bottle.executes()
    claim = {"execution_id": id_, "attempt": execute.attempt, "claim": execute.claim}
    bottle.feed(inputs.Heard(boot_id="a", messages=[Refused(reason="draining", **claim)]))
    assert bottle.executions[id_].status is Status.PENDING

    bottle.feed(inputs.InstanceTold(state=bottle.state("b")))
    bottle.link("b")

    [again] = bottle.executes()
    assert (again.boot_id, again.attempt) == ("b", 1)
    assert again.claim > execute.claim


def test_pending_work_is_cancelled_at_once_and_running_work_is_asked_to_stop(bottle: Any) -> None:
    bottle.connect(capacity=1)
    running, pending = bottle.run(), bottle.run()
    [execute] = bottle.executes()

    assert bottle.ask(ExecutionCancel(execution_id=pending)).status is Status.CANCELLED
    assert bottle.ask(ExecutionCancel(execution_id=running)).status is Status.RUNNING
    assert [m.execution_id for _, m in bottle.sent if isinstance(m, Cancel)] == [running]
    bottle.finish(execute, "cancelled", error=None)

    ended = bottle.executions[running]
    assert (ended.status, ended.error.message) == (Status.CANCELLED, "the attempt was asked to stop, and did")
    refused = bottle.ask(ExecutionCancel(execution_id=running), found=bottle.executions[running])
    assert refused.code is Code.CONFLICT


def test_an_ended_execution_is_run_again_as_a_new_one(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(tags=("x",))
    [execute] = bottle.executes()
    bottle.finish(execute, "error", final=True)

    answer = bottle.ask(ExecutionRetry(execution_id=id_), found=bottle.executions[id_])

    assert bottle.executions[answer.execution_id].retry_of == id_
    assert bottle.executions[answer.execution_id].tags == ("x",)


@pytest.mark.parametrize(
    ("expires_after", "after_a_second", "in_the_end"),
    [(None, "pending", "pending"), (60, "pending", "skipped"), (0, "skipped", "skipped")],
)
def test_an_execution_that_is_run_again_waits_for_its_handler_as_long_as_before(
    bottle: Any, expires_after: float | None, after_a_second: str, in_the_end: str
) -> None:
    bottle.connect("b1")
    id_ = bottle.run(expires_after_seconds=expires_after)
    [execute] = bottle.executes()
    bottle.finish(execute, "error", final=True)
    bottle.advance(1_000)
    bottle.feed(inputs.LinkLost(boot_id="b1", gone=True))

    again = bottle.ask(ExecutionRetry(execution_id=id_), found=bottle.executions[id_]).execution_id

    bottle.advance(1)
    assert bottle.executions[again].status == after_a_second
    bottle.advance(60)
    assert bottle.executions[again].status == in_the_end


def test_an_answer_that_waits_comes_with_the_result_or_when_patience_ends(bottle: Any) -> None:
    bottle.connect()
    run = RunRequest(handler_id="h", method_name="work")
    assert bottle.ask(RunNow(run=run, wait_seconds=5), ticket="quick") is None
    assert bottle.ask(RunNow(run=run, wait_seconds=5), ticket="slow") is None
    quick, _ = bottle.executes()

    bottle.finish(quick, result=msgspec.Raw(b"42"))
    bottle.advance(5)

    assert (bottle.answers["quick"].status, bytes(bottle.answers["quick"].result)) == ("success", b"42")
    assert bottle.answers["slow"].status == "accepted"


def test_a_batch_is_accepted_whole_or_refused_with_the_place_of_the_fault(bottle: Any) -> None:
    schema = msgspec.Raw(b'{"type":"object","properties":{"n":{"type":"integer"}}}')
    bottle.connect(methods=(MethodSpec(name="work", params_schema=schema),))
    good = RunRequest(handler_id="h", method_name="work", job_params=msgspec.Raw(b'{"n":1}'))
    bad = RunRequest(handler_id="h", method_name="work", job_params=msgspec.Raw(b'{"n":"x"}'))

    refused = bottle.ask(RunBatch(runs=(good, bad)))
    assert isinstance(refused, Problem)
    assert [detail.path for detail in refused.details] == ["runs[1].job_params.n"]
    assert not bottle.executions

    answer = bottle.ask(RunBatch(runs=(good, good, good)))
    assert list(answer.execution_ids) == sorted(bottle.executions)
    assert len(bottle.executions) == 3


@pytest.mark.parametrize(
    ("request_", "code", "path"),
    [
        ({"handler_id": "nobody", "method_name": "work"}, Code.HANDLER_NOT_FOUND, "handler_id"),
        ({"handler_id": "h", "method_name": "wrok"}, Code.METHOD_NOT_FOUND, "method_name"),
        ({"handler_id": "h", "method_name": "work", "job_params": [1]}, Code.INVALID_TYPE, "job_params"),
        (
            {"handler_id": "h", "method_name": "work", "job_params": {"x": "y" * 2**20}},
            Code.PAYLOAD_TOO_LARGE,
            "job_params",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_field(bottle: Any, request_: Any, code: Code, path: str) -> None:
    bottle.connect()
    raw = msgspec.json.encode(request_)

    refused = bottle.ask(RunNow(run=msgspec.json.decode(raw, type=RunRequest)))

    assert refused.code is code
    assert [detail.path for detail in refused.details] == [path]
    assert not bottle.executions


def test_a_handler_never_seen_is_unavailable_before_the_registry_was_heard(bottle: Any) -> None:
    refused = bottle.ask(RunNow(run=RunRequest(handler_id="h", method_name="work")))

    assert refused.code is Code.UNAVAILABLE


def test_a_known_handler_that_is_away_is_accepted_and_served_when_it_is_back(bottle: Any) -> None:
    bottle.connect("a")
    bottle.feed(inputs.LinkLost(boot_id="a", gone=True))

    id_ = bottle.run("any_method")
    assert bottle.executions[id_].status is Status.PENDING
    skipped = bottle.run(expires_after_seconds=0)
    assert bottle.executions[skipped].reason == "no_handler"
    expiring = bottle.run(expires_after_seconds=5)
    bottle.advance(6)
    assert bottle.executions[expiring].reason == "expired"
    bottle.feed(inputs.InstanceTold(state=bottle.state("b", methods=(MethodSpec(name="any_method"),))))
    bottle.link("b")

    assert [e.execution_id for e in bottle.executes()] == [id_]


def test_the_same_key_gives_the_same_execution_and_another_body_a_conflict(bottle: Any) -> None:
    bottle.connect()
    command = RunNow(run=RunRequest(handler_id="h", method_name="work"), idempotency_key="k")

    first = bottle.ask(command, digest="d1")
    again = bottle.ask(command, digest="d1")
    other = bottle.ask(command, digest="d2")

    assert first.execution_id == again.execution_id
    assert other.code is Code.IDEMPOTENCY_CONFLICT
    assert len(bottle.executions) == 1


def test_too_many_pending_is_refused(new_bottle: Any) -> None:
    bottle = new_bottle(max_pending=2)
    bottle.connect(capacity=1)
    for _ in range(3):
        bottle.run()

    refused = bottle.ask(RunNow(run=RunRequest(handler_id="h", method_name="work")))

    assert refused.code is Code.TOO_MANY_PENDING


def test_a_window_of_pending_work_is_held_and_the_rest_read_when_there_is_room(new_bottle: Any) -> None:
    bottle = new_bottle(window=4)
    bottle.connect(capacity=1)
    ids = [bottle.run() for _ in range(30)]
    urgent = bottle.run(priority=9)
    assert len(bottle.machine.memory.executions) < 12

    order = []
    for _ in range(31):
        [execute] = bottle.executes()
        order.append(execute.execution_id)
        bottle.finish(execute)
        bottle.read_more()

    assert order == [ids[0], urgent, *ids[1:]]
