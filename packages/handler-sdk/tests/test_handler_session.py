"""The pure machine: messages, ends and time in, instructions out."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec import Raw

from schedulezero.handler import session as machine
from schedulezero.handler.instructions import Instruction, Moment, Send, Start, Stop
from schedulezero.handler.outcomes import Work, succeeded
from schedulezero.handler.session import Session
from schedulezero.protocol.handling import (
    Ack,
    Cancel,
    Drain,
    Execute,
    FromInstance,
    Hello,
    Outcome,
    Probe,
    Pulse,
    Refused,
    Report,
    Stranger,
    ToInstance,
    Welcome,
)
from schedulezero.protocol.values import MethodSpec

A, B = b"peer-a", b"peer-b"
START = datetime(2026, 1, 1, tzinfo=UTC)
METHODS = {
    "work": MethodSpec(name="work"),
    "single": MethodSpec(name="single", concurrency=1),
    "brief": MethodSpec(name="brief", timeout_seconds=5),
}


def at(seconds: float) -> Moment:
    return Moment(START + timedelta(seconds=seconds), seconds)


def new_session(capacity: int = 2) -> Session:
    session = Session(instance_id="i", boot_id="boot", capacity=capacity, methods=METHODS)
    session.receive(A, [hello()], at(0))
    return session


def hello(scheduler: str = "s", boot: str = "boot") -> Hello:
    return Hello(scheduler_id=scheduler, instance_id="i", boot_id=boot)


def execute(id_: str = "e1", claim: int = 1, **changes: Any) -> Execute:
    fields: dict[str, Any] = {
        "execution_id": id_,
        "attempt": 1,
        "claim": claim,
        "boot_id": "boot",
        "shard": 7,
        "epoch": 1,
        "method": "work",
        "params": Raw(b"{}"),
        "idempotency_key": "k",
    }
    return Execute(**{**fields, **changes})


def ack(id_: str = "e1", claim: int = 1) -> Ack:
    return Ack(execution_id=id_, attempt=1, claim=claim)


def cancel(id_: str = "e1", claim: int = 1) -> Cancel:
    return Cancel(execution_id=id_, attempt=1, claim=claim)


def outcome(id_: str = "e1", claim: int = 1, second: float = 1) -> Outcome:
    return succeeded(Work(execute=execute(id_, claim), started_at=START), None, at(second).at)


def sent(instructions: list[Instruction]) -> list[tuple[bytes, FromInstance]]:
    return [(step.peer, step.message) for step in instructions if isinstance(step, Send)]


def messages(instructions: list[Instruction]) -> list[FromInstance]:
    return [message for _, message in sent(instructions)]


def started(instructions: list[Instruction]) -> list[tuple[str, int]]:
    return [(s.work.execute.execution_id, s.work.execute.claim) for s in instructions if isinstance(s, Start)]


def stopped(instructions: list[Instruction]) -> list[str]:
    return [step.execution_id for step in instructions if isinstance(step, Stop)]


def refusal(id_: str, reason: Any, claim: int = 1) -> Refused:
    return Refused(execution_id=id_, attempt=1, claim=claim, reason=reason)


# -- conversation -----------------------------------------------------------------------------------------------------


def test_hello_is_answered_with_the_capacity_and_what_is_held() -> None:
    session = new_session(capacity=1)
    session.receive(A, [execute("running"), execute("queued"), execute("ended", claim=3)], at(1))
    session.ended(outcome("running"), at(2))

    (welcome, *owed) = messages(session.receive(A, [hello()], at(3)))

    assert welcome == Welcome(
        instance_id="i",
        boot_id="boot",
        capacity=1,
        holding=(("running", 1, 1), ("queued", 1, 1), ("ended", 1, 3)),
    )
    assert owed == [outcome("running")]


@pytest.mark.parametrize(
    "message",
    [hello(boot="other"), Hello(scheduler_id="s", instance_id="j", boot_id="boot"), execute(boot_id="other")],
)
def test_what_is_meant_for_another_boot_or_instance_is_answered_with_who_is_here(message: ToInstance) -> None:
    instructions = new_session().receive(B, [message], at(1))

    assert sent(instructions) == [(B, Stranger(instance_id="i", boot_id="boot"))]
    assert len(instructions) == 1


def test_a_probe_is_answered_with_its_number_and_what_runs() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))

    assert sent(session.receive(A, [Probe(nonce=7)], at(2))) == [(A, Pulse(boot_id="boot", running=1, nonce=7))]


def test_each_beat_sends_a_pulse_to_every_scheduler_that_can_be_reached() -> None:
    session = new_session()
    session.receive(B, [hello("t")], at(0))
    session.unreachable(A)

    assert sent(session.beat(at(1))) == [(B, Pulse(boot_id="boot", running=0))]


def test_an_unreachable_scheduler_gets_pulses_again_once_it_is_heard() -> None:
    session = new_session()
    session.unreachable(A)
    session.receive(A, [Probe(nonce=1)], at(1))

    assert [peer for peer, _ in sent(session.beat(at(2)))] == [A]


# -- accepting --------------------------------------------------------------------------------------------------------


def test_work_beyond_capacity_waits_and_starts_in_order() -> None:
    session = new_session(capacity=1)

    assert started(session.receive(A, [execute("e1"), execute("e2"), execute("e3")], at(1))) == [("e1", 1)]
    assert started(session.ended(outcome("e1"), at(2))) == [("e2", 1)]
    assert started(session.ended(outcome("e2"), at(3))) == [("e3", 1)]


def test_a_method_at_its_limit_does_not_hold_up_others() -> None:
    session = new_session(capacity=2)
    batch = [execute(name, method=method) for name, method in (("s1", "single"), ("s2", "single"), ("w", "work"))]

    assert started(session.receive(A, batch, at(1))) == [("s1", 1), ("w", 1)]
    assert started(session.ended(outcome("w"), at(2))) == []
    assert started(session.ended(outcome("s1"), at(3))) == [("s2", 1)]


def test_a_full_queue_refuses_and_takes_more_when_it_has_room() -> None:
    session = new_session(capacity=2)
    room = 2 * 2 + machine.QUEUE_BEYOND_CAPACITY
    session.receive(A, [execute(f"e{n}") for n in range(room)], at(1))

    assert messages(session.receive(A, [execute("more")], at(2))) == [refusal("more", "full")]
    session.ended(outcome("e0"), at(3))
    assert messages(session.receive(A, [execute("more")], at(4))) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"method": "gone"}, "unknown_method"),
        ({"epoch": 1}, "stale"),
        ({"epoch": 2}, None),
        ({"epoch": 1, "shard": 8}, None),
    ],
)
def test_work_that_cannot_be_taken_is_refused_with_the_reason(changes: dict[str, Any], reason: str | None) -> None:
    session = new_session()
    session.receive(A, [execute("e0", epoch=2)], at(0))

    answers = messages(session.receive(A, [execute(**{"epoch": 2, **changes})], at(1)))

    assert answers == ([refusal("e1", reason)] if reason else [])


def test_an_execute_of_a_higher_epoch_fences_what_is_older() -> None:
    session = new_session()
    session.receive(A, [execute("e1", epoch=5)], at(1))

    assert messages(session.receive(B, [execute("e2", epoch=4)], at(2))) == [refusal("e2", "stale")]


# -- duplicates and newer claims --------------------------------------------------------------------------------------


def test_a_duplicate_of_what_runs_is_ignored_and_its_outcome_goes_to_who_sent_it_last() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))
    session.receive(B, [hello("t")], at(1))

    assert session.receive(B, [execute()], at(2)) == []
    assert sent(session.ended(outcome(), at(3))) == [(B, outcome())]


def test_a_duplicate_of_what_ended_is_answered_with_the_outcome() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))
    session.ended(outcome(), at(2))

    assert session.receive(A, [execute()], at(3)) == [Send(peer=A, message=outcome())]


def test_a_duplicate_of_what_was_acknowledged_is_stale() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))
    session.ended(outcome(), at(2))
    session.receive(A, [ack()], at(3))

    assert session.receive(A, [execute()], at(4)) == [Send(peer=A, message=refusal("e1", "stale"))]
    assert started(session.receive(A, [execute(claim=2)], at(5))) == [("e1", 2)]


def test_the_memory_of_acknowledged_claims_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "REMEMBERED", 2)
    session = new_session()
    for name in ("e1", "e2", "e3"):
        session.receive(A, [execute(name)], at(1))
        session.ended(outcome(name), at(2))
        session.receive(A, [ack(name)], at(3))

    again = session.receive(A, [execute("e2"), execute("e3"), execute("e1")], at(4))

    assert messages(again) == [refusal("e2", "stale"), refusal("e3", "stale")]
    assert started(again) == [("e1", 1)]


def test_a_newer_claim_stops_the_older_and_starts_when_it_has_ended() -> None:
    session = new_session()
    session.receive(A, [execute(claim=1)], at(1))

    assert session.receive(A, [execute(claim=2)], at(2)) == [Stop(execution_id="e1")]
    after = session.ended(outcome(claim=1), at(3))

    assert (messages(after), started(after)) == ([], [("e1", 2)])
    assert messages(session.ended(outcome(claim=2), at(4))) == [outcome(claim=2)]


def test_a_newer_claim_takes_the_place_of_a_queued_one() -> None:
    session = new_session(capacity=1)
    session.receive(A, [execute("busy"), execute("e1", claim=1)], at(1))

    assert session.receive(A, [execute("e1", claim=2)], at(2)) == []
    assert started(session.ended(outcome("busy"), at(3))) == [("e1", 2)]


def test_a_newer_claim_makes_an_unacknowledged_outcome_history() -> None:
    session = new_session()
    session.receive(A, [execute(claim=1)], at(1))
    session.ended(outcome(claim=1), at(2))

    assert started(session.receive(A, [execute(claim=2)], at(3))) == [("e1", 2)]
    assert messages(session.beat(at(60))) == [Pulse(boot_id="boot", running=1)]


def test_an_older_claim_than_the_one_held_is_stale() -> None:
    session = new_session()
    session.receive(A, [execute(claim=5)], at(1))

    assert messages(session.receive(A, [execute(claim=4)], at(2))) == [refusal("e1", "stale", claim=4)]


# -- outcomes ---------------------------------------------------------------------------------------------------------


def test_an_outcome_is_sent_again_until_it_is_acknowledged() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))

    assert messages(session.ended(outcome(), at(2))) == [outcome()]
    assert outcome() not in messages(session.beat(at(2 + machine.RESEND_SECONDS - 0.1)))
    assert outcome() in messages(session.beat(at(2 + machine.RESEND_SECONDS)))
    session.receive(A, [ack()], at(8))
    assert outcome() not in messages(session.beat(at(60)))


def test_an_acknowledgement_of_another_claim_or_of_what_still_runs_changes_nothing() -> None:
    session = new_session()
    session.receive(A, [execute(claim=2), ack(claim=2), ack(claim=1), ack("unknown")], at(1))
    session.ended(outcome(claim=2), at(2))
    session.receive(A, [ack(claim=1)], at(3))

    assert outcome(claim=2) in messages(session.receive(A, [hello()], at(4)))


def test_a_scheduler_that_comes_back_on_a_new_connection_is_told_there() -> None:
    session = new_session()
    session.receive(A, [execute("ended"), execute("running")], at(1))
    session.ended(outcome("ended"), at(2))

    assert outcome("ended") in messages(session.receive(B, [hello("s")], at(3)))
    assert sent(session.ended(outcome("running"), at(4))) == [(B, outcome("running"))]
    assert [peer for peer, _ in sent(session.beat(at(5)))] == [B]


def test_another_scheduler_is_told_what_a_lost_one_was_owed_and_nothing_that_a_present_one_is_owed() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))
    session.ended(outcome(), at(2))

    assert outcome() not in messages(session.receive(B, [hello("t")], at(3)))
    session.unreachable(A)
    assert (B, outcome()) in sent(session.beat(at(2 + machine.RESEND_SECONDS)))
    assert outcome() in messages(session.receive(b"c", [hello("u")], at(8)))


def test_lines_go_to_the_scheduler_until_the_claim_is_settled() -> None:
    session = new_session()
    line = Report(execution_id="e1", attempt=1, claim=1, at=START, level="info", event="hello")
    assert session.reported(line) == []
    session.receive(A, [execute()], at(1))

    assert session.reported(line) == [Send(peer=A, message=line)]
    session.receive(A, [cancel()], at(2))
    assert session.reported(line) == []


# -- stopping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "deadline"),
    [
        (execute(method="work", timeout_seconds=3), 4),
        (execute(method="brief"), 6),
        (execute(method="brief", timeout_seconds=9), 10),
    ],
)
def test_a_timeout_is_reported_at_once_and_keeps_the_slot_until_the_job_ends(work: Execute, deadline: int) -> None:
    session = new_session(capacity=1)
    session.receive(A, [work, execute("next")], at(1))

    assert session.next_deadline == deadline
    assert session.tick(at(deadline - 0.1)) == []
    late = session.tick(at(deadline))

    (told,) = messages(late)
    assert isinstance(told, Outcome)
    assert (told.status, told.started_at, told.completed_at) == ("timeout", at(1).at, at(deadline).at)
    assert stopped(late) == ["e1"]
    assert session.running == 1
    assert session.next_deadline is None
    after = session.ended(outcome(), at(20))
    assert (messages(after), started(after)) == ([], [("next", 1)])


def test_the_time_in_the_queue_is_not_counted() -> None:
    session = new_session(capacity=1)
    session.receive(A, [execute("busy"), execute("e1", method="brief")], at(1))

    assert session.next_deadline is None
    session.ended(outcome("busy"), at(100))
    assert session.next_deadline == 105


def test_an_attempt_that_waits_for_a_stuck_one_times_out_too() -> None:
    session = new_session()
    session.receive(A, [execute(method="brief", claim=1)], at(0))
    session.tick(at(5))
    session.receive(A, [execute(method="brief", claim=2)], at(6))

    (told,) = messages(session.tick(at(11)))

    assert isinstance(told, Outcome)
    assert (told.claim, told.status) == (2, "timeout")
    assert started(session.ended(outcome(claim=1), at(12))) == []


def test_the_next_deadline_is_the_earliest_of_those_left() -> None:
    session = new_session()
    session.receive(A, [execute("e1", timeout_seconds=5), execute("e2", timeout_seconds=9)], at(0))

    session.tick(at(5))

    assert session.next_deadline == 9


@pytest.mark.parametrize("running", [True, False])
def test_a_cancelled_execution_says_so_at_once(running: bool) -> None:
    session = new_session(capacity=1)
    first = [] if running else [execute("busy")]
    session.receive(A, [*first, execute()], at(1))

    instructions = session.receive(A, [cancel()], at(2))

    (told,) = messages(instructions)
    assert isinstance(told, Outcome)
    assert (told.status, told.completed_at) == ("cancelled", at(2).at)
    assert stopped(instructions) == (["e1"] if running else [])
    after = session.ended(outcome("e1" if running else "busy"), at(3))
    assert started(after) == []


def test_a_cancel_that_comes_after_the_end_is_told_what_it_became() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))
    session.ended(outcome(), at(2))

    assert session.receive(A, [cancel()], at(3)) == [Send(peer=A, message=outcome())]


@pytest.mark.parametrize("message", [cancel("unknown"), cancel("e1", claim=9)])
def test_a_cancel_of_what_is_not_here_changes_nothing(message: Cancel) -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))

    assert session.receive(A, [message], at(2)) == []


# -- draining ---------------------------------------------------------------------------------------------------------


def test_a_drain_gives_back_what_has_not_begun_and_tells_every_scheduler() -> None:
    session = new_session(capacity=1)
    session.receive(A, [execute("running"), execute("queued")], at(1))

    told = session.receive(A, [Drain()], at(2))

    pulse = Pulse(boot_id="boot", running=1, draining=True)
    assert sent(told) == [(A, refusal("queued", "draining")), (A, pulse)]
    assert messages(session.receive(A, [execute("new")], at(3))) == [refusal("new", "draining")]
    assert session.drain() == []


def test_a_drain_is_finished_when_the_last_outcome_is_acknowledged() -> None:
    session = new_session()
    session.receive(A, [execute()], at(1))
    session.drain()

    assert not session.finished
    session.ended(outcome(), at(2))
    assert not session.finished
    session.receive(A, [ack()], at(3))
    assert session.finished


def test_a_drain_does_not_wait_for_what_was_given_up() -> None:
    session = new_session()
    session.receive(A, [execute(), cancel(), ack()], at(1))

    session.drain()

    assert (session.running, session.finished) == (1, True)


def test_work_refused_while_draining_is_not_counted_as_seen() -> None:
    session = new_session(capacity=1)
    session.receive(A, [execute("busy"), execute("e1", claim=1)], at(1))
    session.drain()

    assert messages(session.receive(A, [execute("e1", claim=1)], at(2))) == [refusal("e1", "draining")]


# -- at random --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_whatever_comes_in_whatever_order_nothing_runs_twice_at_a_time_and_nothing_is_owed_at_the_end(
    seed: int,
) -> None:
    chance = Random(seed)
    session = new_session(capacity=3)
    running: dict[str, int] = {}
    owed: dict[str, int] = {}

    def follow(instructions: list[Instruction]) -> None:
        for step in instructions:
            match step:
                case Start(work=work):
                    assert work.execute.execution_id not in running
                    running[work.execute.execution_id] = work.execute.claim
                case Send(message=Outcome() as told):
                    owed[told.execution_id] = max(told.claim, owed.get(told.execution_id, 0))
        assert len(running) == session.running <= 3
        assert sum(name.startswith("single") for name in running) <= 1

    def end_one(second: int) -> None:
        name = chance.choice(sorted(running))
        follow(session.ended(outcome(name, running.pop(name)), at(second)))

    for second in range(400):
        method = chance.choice(["work", "single", "brief"])
        name, claim = f"{method}{chance.randrange(6)}", chance.randrange(1, 40)
        match chance.randrange(6):
            case 0 | 1:
                follow(session.receive(A, [execute(name, claim, method=method)], at(second)))
            case 2:
                follow(session.receive(A, [cancel(name, claim)], at(second)))
            case 3:
                follow(session.receive(A, [ack(name, owed.pop(name))] if name in owed else [hello()], at(second)))
            case 4:
                follow(session.tick(at(second)))
            case 5 if running:
                end_one(second)
    follow(session.drain())
    while running:
        end_one(500)
    session.receive(A, [ack(name, claim) for name, claim in owed.items()], at(501))

    assert session.finished
