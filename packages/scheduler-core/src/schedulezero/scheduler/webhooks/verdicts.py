"""What an answer means for a notification: it is delivered, tried again, or given up. Nothing here waits or sends."""

from email.utils import parsedate_to_datetime
from typing import Literal

from schedulezero.protocol.frozen import Frozen
from schedulezero.runtime.clock import from_datetime
from schedulezero.runtime.service import Backoff
from schedulezero.scheduler.core.model import SECOND, Notification, replace
from schedulezero.scheduler.webhooks.post import Answer

PATIENCE = 24 * 3600 * SECOND
"""How long a notification is tried for, in microseconds."""

_LONGEST_WAIT = 6 * 3600.0
_TRY_AGAIN = (408, 429)
"""What says of 4xx that the request itself is not at fault."""


class Terms(Frozen):
    """How notifications are delivered.

    Attributes:
        version: ours, as told to receivers.
        secret: signs every request; None for no signature.
        max_attempts: after so many failures a notification is given up.
        timeout: seconds for the connection, and again for the answer.
        backoff: between the attempts of one notification.
    """

    version: str
    secret: str | None = None
    max_attempts: int = 12
    timeout: float = 10.0
    backoff: Backoff = Backoff(first=10.0, most=_LONGEST_WAIT)


class Verdict(Frozen):
    """What becomes of a notification after an attempt.

    Attributes:
        outcome: as it is counted.
        notification: as it now stands; with `failed`, its next attempt is set.
        why: what was wrong, empty when delivered.
        strained: whether it is the receiver as a whole that is not well, so that it had better be left alone a while.
        asked_seconds: how long it asked to be left alone.
    """

    outcome: Literal["delivered", "failed", "given_up"]
    notification: Notification
    why: str = ""
    strained: bool = False
    asked_seconds: float = 0.0


def of_answer(notification: Notification, answer: Answer, now: int, terms: Terms) -> Verdict:
    """Judge an answer: 2xx is a delivery, 4xx says that it will never be one, anything else that it may yet."""
    if 200 <= answer.status < 300:
        return Verdict(outcome="delivered", notification=notification)
    why = f"it answered {answer.status}"
    if 400 <= answer.status < 500 and answer.status not in _TRY_AGAIN:
        return Verdict(outcome="given_up", notification=notification, why=why)
    return of_failure(notification, why, now, terms, asked_seconds=_seconds(answer.retry_after, now))


def of_failure(notification: Notification, why: str, now: int, terms: Terms, *, asked_seconds: float = 0.0) -> Verdict:
    """Judge an attempt that may succeed another time: try again, unless it was the last."""
    tried = replace(notification, attempt=notification.attempt + 1)
    last_at = notification.created_at + PATIENCE
    if tried.attempt >= terms.max_attempts or now >= last_at:
        return Verdict(outcome="given_up", notification=tried, why=why, strained=True, asked_seconds=asked_seconds)
    wait = max(terms.backoff.seconds(tried.attempt), asked_seconds)
    again = replace(tried, due_at=min(now + round(wait * SECOND), last_at))
    return Verdict(outcome="failed", notification=again, why=why, strained=True, asked_seconds=asked_seconds)


def of_silence(notification: Notification, why: str) -> Verdict:
    """Give up without an attempt."""
    return Verdict(outcome="given_up", notification=notification, why=why)


def _seconds(retry_after: str | None, now: int) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date; 0 where it says nothing usable."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        until = from_datetime(parsedate_to_datetime(text))
    except (TypeError, ValueError):
        return 0.0
    return min(max(until - now, 0) / SECOND, _LONGEST_WAIT)
