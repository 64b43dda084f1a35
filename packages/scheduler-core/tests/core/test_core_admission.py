"""Which part of a retry policy wins, and how long a retry waits."""

from typing import Any

import pytest

from schedulezero.protocol.values import MethodSpec, RetryOptions, RetryPolicy
from schedulezero.scheduler.core.admission import retry_of
from schedulezero.scheduler.core.model import SECOND


def test_a_retry_policy_is_made_part_by_part_and_the_first_that_names_a_part_decides_it() -> None:
    run = RetryOptions(max_attempts=5)
    method = RetryOptions(max_attempts=9, base_seconds=2, on_lost=False)

    assert retry_of((run, method)) == RetryPolicy(max_attempts=5, base_seconds=2, on_lost=False)
    assert retry_of((None, None)) == RetryPolicy()


def test_a_run_takes_timeout_and_retries_from_its_method_where_it_names_none(bottle: Any) -> None:
    spec = MethodSpec(name="work", timeout_seconds=30, retry=RetryOptions(max_attempts=7))
    bottle.connect(methods=(spec,))

    plain = bottle.executions[bottle.run()]
    own = bottle.executions[bottle.run(timeout_seconds=5, retry=RetryOptions(max_attempts=1))]

    assert (plain.timeout_seconds, plain.retry.max_attempts) == (30, 7)
    assert (own.timeout_seconds, own.retry.max_attempts) == (5, 1)


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        ({"base_seconds": 1, "factor": 2, "jitter": 0}, [1, 2, 4, 8]),
        ({"base_seconds": 10, "factor": 10, "max_seconds": 50, "jitter": 0}, [10, 50, 50, 50]),
        ({"base_seconds": 0, "jitter": 0}, [0, 0, 0, 0]),
        ({"base_seconds": 3, "factor": 1, "jitter": 0}, [3, 3, 3, 3]),
    ],
)
def test_retries_wait_exponentially_longer_up_to_a_bound(
    bottle: Any, policy: dict[str, Any], delays: list[float]
) -> None:
    bottle.connect()
    id_ = bottle.run(retry=RetryOptions(max_attempts=5, **policy))

    waited = []
    for _ in delays:
        [execute] = bottle.executes()
        bottle.finish(execute, "error")
        waited.append((bottle.executions[id_].ready_at - bottle.now) / SECOND)
        bottle.advance(waited[-1])

    assert waited == pytest.approx(delays)


def test_jitter_spreads_a_retry_from_half_to_one_and_a_half_times(bottle: Any) -> None:
    bottle.connect(capacity=100)
    ids = [bottle.run(retry=RetryOptions(base_seconds=10)) for _ in range(100)]

    for execute in bottle.executes():
        bottle.finish(execute, "error")

    waits = [(bottle.executions[id_].ready_at - bottle.now) / SECOND for id_ in ids]
    assert all(5 <= wait <= 15 for wait in waits)
    assert max(waits) - min(waits) > 5


def test_what_a_job_asks_for_stands_in_place_of_the_policy(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run()
    [execute] = bottle.executes()

    bottle.finish(execute, "error", retry_after_seconds=77)

    assert (bottle.executions[id_].ready_at - bottle.now) / SECOND == 77
