"""What an answer means: delivered, tried again later, or given up."""

from email.utils import format_datetime
from random import Random
from typing import Any

import pytest

from schedulezero.runtime.clock import to_datetime
from schedulezero.runtime.service import Backoff
from schedulezero.scheduler.core.model import SECOND, Notification
from schedulezero.scheduler.webhooks.post import Answer
from schedulezero.scheduler.webhooks.verdicts import PATIENCE, Terms, Verdict, of_answer, of_failure

NOW = 1_790_000_000 * SECOND


class Middle(Random):
    """Spreads nothing."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


TERMS = Terms(version="1", backoff=Backoff(first=10.0, most=1000.0, rng=Middle()))


def owed(**fields: Any) -> Notification:
    defaults: dict[str, Any] = {"created_at": NOW, "due_at": NOW}
    return Notification(
        id="d", shard=0, execution_id="e", receiver="http://h", url="http://h/x", **{**defaults, **fields}
    )


def judged(status: int, retry_after: str | None = None, now: int = NOW, **fields: Any) -> Verdict:
    return of_answer(owed(**fields), Answer(status=status, retry_after=retry_after), now, TERMS)


def waits(verdict: Verdict, now: int = NOW) -> float:
    return (verdict.notification.due_at - now) / SECOND


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_delivery(status: int) -> None:
    verdict = judged(status)
    assert (verdict.outcome, verdict.strained) == ("delivered", False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422, 451])
def test_what_says_that_it_will_never_be_taken_is_given_up_at_once_and_blames_no_receiver(status: int) -> None:
    verdict = judged(status)
    assert (verdict.outcome, verdict.strained) == ("given_up", False)
    assert str(status) in verdict.why


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    verdict = judged(status)
    assert (verdict.outcome, verdict.strained, verdict.notification.attempt) == ("failed", True, 1)
    assert waits(verdict) == 10


def test_each_wait_is_twice_the_one_before_up_to_the_longest() -> None:
    assert [waits(judged(500, attempt=attempt)) for attempt in range(9)] == [
        *(10, 20, 40, 80, 160, 320, 640),
        *(1000, 1000),
    ]


def test_without_another_clock_waits_are_spread() -> None:
    terms = Terms(version="1")
    assert len({of_failure(owed(), "away", NOW, terms).notification.due_at for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 10),
        (format_datetime(to_datetime(NOW + 90 * SECOND), usegmt=True), 90),
        (format_datetime(to_datetime(NOW - 90 * SECOND), usegmt=True), 10),
        ("9" * 400, 6 * 3600),
        *((text, 10) for text in ("", "soon", "-5", "1.5", "٣", "Mon, 99 Foo 2026 99:99:99 GMT", "Mon, 23 Nov 2026")),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_heeded_where_it_asks_for_more(status: int, header: str, seconds: int) -> None:
    assert waits(judged(status, header)) == seconds


def test_after_the_last_attempt_it_is_given_up() -> None:
    assert judged(500, attempt=10).outcome == "failed"
    verdict = judged(500, attempt=11)
    assert (verdict.outcome, verdict.strained, verdict.notification.attempt) == ("given_up", True, 12)


def test_the_last_attempt_is_a_day_after_the_end_at_the_latest() -> None:
    late = NOW + PATIENCE - 5 * SECOND
    assert judged(500, now=late).notification.due_at == NOW + PATIENCE
    assert judged(500, now=NOW + PATIENCE).outcome == "given_up"
