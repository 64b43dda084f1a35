"""The transition table, held against what the documentation promises of an execution's life."""

from itertools import product

import pytest

from schedulezero.protocol.states import FINAL, TRANSITIONS, IllegalTransition, Status, Step, after

PAIRS = list(product(Status, Step))
LIFE = {
    Status.PENDING: {Status.RUNNING, Status.CANCELLED, Status.SKIPPED},
    Status.RUNNING: {
        Status.SUCCESS,
        Status.ERROR,
        Status.TIMEOUT,
        Status.CANCELLED,
        Status.RETRYING,
        Status.PENDING,
    },
    Status.RETRYING: {Status.RUNNING, Status.CANCELLED, Status.SKIPPED},
}


@pytest.mark.parametrize(("status", "step"), [pair for pair in PAIRS if pair in TRANSITIONS])
def test_a_step_of_the_table_leads_where_the_table_says(status: Status, step: Step) -> None:
    assert after(status, step) is TRANSITIONS[status, step]


@pytest.mark.parametrize(("status", "step"), [pair for pair in PAIRS if pair not in TRANSITIONS])
def test_a_step_outside_the_table_is_refused_and_names_both(status: Status, step: Step) -> None:
    with pytest.raises(IllegalTransition, match=f"an execution that is {status} cannot {step}"):
        after(status, step)


def test_an_execution_can_become_what_its_life_allows_and_nothing_else() -> None:
    reachable = {status: {to for (begin, _), to in TRANSITIONS.items() if begin is status} for status in Status}

    assert {status: to for status, to in reachable.items() if to} == LIFE


def test_nothing_leaves_a_final_status_and_every_other_can_end() -> None:
    leaving = {status for status, _ in TRANSITIONS}

    assert leaving.isdisjoint(FINAL)
    assert leaving | FINAL == set(Status)
    assert all(TRANSITIONS[status, Step.CANCEL] in FINAL for status in leaving)


def test_only_a_claim_makes_an_execution_run() -> None:
    assert {step for (_, step), to in TRANSITIONS.items() if to is Status.RUNNING} == {Step.CLAIM}
