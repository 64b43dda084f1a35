"""A wall clock that is stepped: spans of time grow no longer, and what was leapt over is no time up."""

from typing import Any

import pytest

from schedulezero.protocol.handling import Refused
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RetryPolicy
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import SECOND

HOUR = 3_600
STEPS = (HOUR, -HOUR)
RETRY = RetryPolicy(base_seconds=30, jitter=0)


def step(bottle: Any, seconds: int) -> None:
    """Step the clock as the shell tells it: the leap first, then whatever comes."""
    bottle.now += seconds * SECOND
    bottle.feed(inputs.TimeLeapt(stepped=seconds * SECOND))
    bottle.feed(inputs.Tick())


def test_a_step_back_neither_puts_off_nor_hastens_a_retry(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RETRY)
    bottle.finish(bottle.executes()[0], "error")

    step(bottle, -HOUR)
    bottle.advance(29)
    assert bottle.executes() == []
    bottle.advance(1)

    assert [(one.execution_id, one.attempt) for one in bottle.executes()] == [(id_, 2)]


def test_a_step_ahead_lets_a_retry_begin_whose_instant_has_come(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RETRY)
    bottle.finish(bottle.executes()[0], "error")

    step(bottle, HOUR)

    assert [(one.execution_id, one.attempt) for one in bottle.executes()] == [(id_, 2)]


def test_a_scheduler_that_is_restarted_after_a_step_back_waits_no_longer_for_a_retry(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RETRY)
    bottle.finish(bottle.executes()[0], "error")
    step(bottle, -HOUR)

    bottle.restart()
    bottle.connect()
    bottle.advance(30)

    assert [(one.execution_id, one.attempt) for one in bottle.executes()] == [(id_, 2)]


def test_a_retry_that_waits_for_a_slot_goes_out_after_a_step_back(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RETRY)
    bottle.finish(bottle.executes()[0], "error")
    bottle.feed(inputs.LinkLost(boot_id="b1"))
    bottle.advance(31)

    step(bottle, -HOUR)
    bottle.connect()

    assert [(one.execution_id, one.attempt) for one in bottle.executes()] == [(id_, 2)]


@pytest.mark.parametrize("seconds", STEPS)
def test_a_step_neither_ends_an_attempt_early_nor_lets_it_go_on_for_longer(bottle: Any, seconds: int) -> None:
    bottle.connect()
    id_ = bottle.run(timeout_seconds=60, retry=RetryPolicy(max_attempts=1))

    step(bottle, seconds)
    bottle.advance(69)
    assert bottle.executions[id_].status is Status.RUNNING
    bottle.advance(1)

    assert bottle.executions[id_].status is Status.TIMEOUT


@pytest.mark.parametrize("seconds", STEPS)
def test_an_instance_that_was_full_gets_work_again_as_soon_as_without_the_step(bottle: Any, seconds: int) -> None:
    bottle.connect()
    bottle.run()
    (refused,) = bottle.executes()
    claim = {"execution_id": refused.execution_id, "attempt": refused.attempt, "claim": refused.claim}
    bottle.feed(inputs.Heard(boot_id="b1", messages=[Refused(**claim, reason="full")]))

    step(bottle, seconds)
    assert bottle.executes() == []
    bottle.advance(1)

    assert [one.execution_id for one in bottle.executes()] == [refused.execution_id]


# -- what is known of it afterwards -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leapt", "why"),
    [
        (inputs.TimeLeapt(stepped=HOUR * SECOND), "its clock was put ahead"),
        (inputs.TimeLeapt(stood=HOUR * SECOND), "its process stood still"),
    ],
)
def test_what_was_leapt_over_is_no_time_up_and_says_why(bottle: Any, leapt: inputs.TimeLeapt, why: str) -> None:
    bottle.advance(5)
    began, last = bottle.spells_of("scheduler_up")[0].began, bottle.now
    bottle.now += HOUR * SECOND
    bottle.feed(leapt)
    bottle.advance(60)

    before, after = bottle.spells_of("scheduler_up")
    assert (before.began, before.ended, before.note) == (began, last, None)
    assert (after.began, after.ended, after.note) == (last + HOUR * SECOND, bottle.now, why)


def test_a_clock_that_was_put_back_has_leapt_over_nothing(bottle: Any) -> None:
    bottle.advance(20)
    (before,) = bottle.spells_of("scheduler_up")
    step(bottle, -HOUR)
    assert bottle.spells_of("scheduler_up") == [before]
