"""Rows as users see them."""

from typing import Any

import pytest

from schedulezero.protocol.states import Status
from schedulezero.protocol.values import Failure, RetryPolicy
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.model import Attempt, Execution
from schedulezero.scheduler.records import execution_detail

NOW = 1_790_000_000_123_456
LOST = Failure(type="Lost", message="it went away")


def execution(status: Status, **fields: Any) -> Execution:
    """Return an execution in its second attempt."""
    return Execution(
        id="e",
        shard=0,
        handler_id="h",
        method_name="m",
        params="{}",
        status=status,
        priority=5,
        created_at=NOW,
        ready_at=NOW,
        retry=RetryPolicy(),
        attempt=2,
        claim=7,
        instance_id="i2",
        started_at=NOW + 2,
        **fields,
    )


def attempt(number: int, claim: int) -> Attempt:
    return Attempt(
        execution_id="e",
        attempt=number,
        claim=claim,
        instance_id="i1",
        started_at=NOW,
        completed_at=NOW + 1,
        status="lost",
        error=LOST,
    )


def test_the_attempt_that_runs_is_told_and_has_no_end() -> None:
    first, second = execution_detail(execution(Status.RUNNING), [attempt(1, 4)]).attempts

    assert (first.attempt_number, first.instance_id, first.status) == (1, "i1", "lost")
    assert (second.attempt_number, second.instance_id, second.status) == (2, "i2", "running")
    assert (second.started_at, second.completed_at, second.error) == (to_datetime(NOW + 2), None, None)


def test_the_attempt_that_succeeded_is_told_with_its_end() -> None:
    told = execution_detail(execution(Status.SUCCESS, completed_at=NOW + 9), [attempt(1, 4)]).attempts

    assert [(one.status, one.completed_at) for one in told] == [
        ("lost", to_datetime(NOW + 1)),
        ("success", to_datetime(NOW + 9)),
    ]


@pytest.mark.parametrize("status", [Status.PENDING, Status.RETRYING, Status.ERROR, Status.CANCELLED])
def test_where_none_runs_the_attempts_are_those_that_have_ended(status: Status) -> None:
    told = execution_detail(execution(status), [attempt(1, 4), attempt(2, 7)]).attempts

    assert [one.attempt_number for one in told] == [1, 2]


def test_an_attempt_that_ended_after_the_row_was_read_is_told_once() -> None:
    told = execution_detail(execution(Status.RUNNING), [attempt(1, 4), attempt(2, 7)]).attempts

    assert [one.status for one in told] == ["lost", "lost"]
