"""Work ahead: an instance that ends its runs within moments is given more than it has slots, and no other."""

from typing import Any

import pytest

from schedulezero.protocol.states import Status
from schedulezero.protocol.values import MethodSpec, RetryOptions
from schedulezero.scheduler.core.pace import MOST_AHEAD, Pace

LONG_ENOUGH = 40
"""Ends after which a boot is trusted."""


@pytest.fixture
def quick(bottle: Any) -> Any:
    """An instance of one slot that has ended many short runs."""
    bottle.connect(capacity=1, methods=(MethodSpec(name="work"), MethodSpec(name="other", concurrency=1)))
    run_some(bottle)
    return bottle


def run_some(bottle: Any, seconds: float = 0.0001) -> None:
    for _ in range(LONG_ENOUGH):
        bottle.run()
        [execute] = bottle.executes()
        bottle.finish(execute, seconds=seconds)


def test_short_runs_are_given_ahead_of_their_slots(quick: Any) -> None:
    for _ in range(5):
        quick.run()

    assert len(quick.executes()) == 5


def test_as_much_as_the_handler_queues_and_no_more_is_given_ahead() -> None:
    pace = Pace()
    for _ in range(100_000):
        pace.ended(1)

    assert pace.ahead(16) == MOST_AHEAD


@pytest.mark.parametrize("seconds", [0.03, 5.0])
def test_long_runs_wait_for_a_slot(bottle: Any, seconds: float) -> None:
    bottle.connect(capacity=1)
    run_some(bottle, seconds)

    for _ in range(5):
        bottle.run()

    assert len(bottle.executes()) == 1


def test_one_long_run_among_short_ones_ends_the_giving_ahead(quick: Any) -> None:
    quick.run()
    [execute] = quick.executes()
    quick.finish(execute, seconds=2)

    for _ in range(5):
        quick.run()

    assert len(quick.executes()) == 1


def test_a_new_boot_is_not_trusted_with_work_ahead(quick: Any) -> None:
    quick.connect("b2", capacity=1, instance_id="i-b1")

    for _ in range(5):
        quick.run()

    assert len(quick.executes("b2")) == 1


@pytest.mark.parametrize(
    "options",
    [{"timeout_seconds": 60}, {"retry": {"max_attempts": 1}}, {"retry": {"on_lost": False}}],
    ids=["timeout", "one attempt", "not to be run twice"],
)
def test_what_would_lose_by_waiting_there_waits_here(quick: Any, options: dict[str, Any]) -> None:
    running = quick.run()
    ids = [quick.run(**as_options(options)) for _ in range(3)]

    assert [execute.execution_id for execute in quick.executes()] == [running]
    assert {quick.executions[id_].status for id_ in ids} == {Status.PENDING}


def test_nothing_is_given_ahead_of_what_waits_here(quick: Any) -> None:
    quick.run()
    first_in_order = quick.run(priority=9, timeout_seconds=60)
    quick.run()
    [running] = quick.executes()

    quick.finish(running)

    assert quick.executes()[0].execution_id == first_in_order


def test_the_concurrency_of_a_method_is_not_exceeded(quick: Any) -> None:
    for _ in range(3):
        quick.run("other")

    assert len(quick.executes()) == 1


def as_options(options: dict[str, Any]) -> dict[str, Any]:
    retry = options.get("retry")
    return options if retry is None else {"retry": RetryOptions(**retry)}
