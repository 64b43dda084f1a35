"""A visit to one receiver: what it is owed is sent, one after the other, until all is done or it proves not well."""

from collections.abc import Iterator, Sequence

from schedulezero.protocol.frozen import Frozen
from schedulezero.runtime.clock import Clock
from schedulezero.scheduler.core.model import Notification
from schedulezero.scheduler.store.notifications import Notifications
from schedulezero.scheduler.store.reads import Reader
from schedulezero.scheduler.webhooks import verdicts
from schedulezero.scheduler.webhooks.messages import body_of, headers_of
from schedulezero.scheduler.webhooks.post import Unanswered, post
from schedulezero.scheduler.webhooks.verdicts import PATIENCE, Terms, Verdict

_AT_ONCE = 32
"""Notifications of one visit: so many may be sent twice when the scheduler is killed."""
_VISIT_SECONDS = 1.0
"""After which what is done is settled before more is begun."""
_SLOW_SECONDS = 1.0
_GIVEN_UP_AT_ONCE = 500


class Report(Frozen):
    """What came of a visit, still to be written down.

    Attributes:
        receiver: who was visited.
        verdicts: on each notification that was tried, or given up.
        due: when the next notification is, None where nothing is owed any more.
        failed: whether the receiver as a whole is not well.
        slow: whether it kept us waiting.
        asked_seconds: how long it asked to be left alone.
    """

    receiver: str
    verdicts: Sequence[Verdict] = ()
    due: int | None = None
    failed: bool = False
    slow: bool = False
    asked_seconds: float = 0.0


class Visitor:
    """Visits receivers, each visit in a thread of its own; writes nothing.

    Args:
        notifications: what is owed.
        reader: the executions that it is about.
        clock: the present.
        terms: how they are delivered.
    """

    def __init__(self, notifications: Notifications, reader: Reader, clock: Clock, terms: Terms) -> None:
        self._notifications, self._reader, self._clock, self._terms = notifications, reader, clock, terms

    def visit(self, receiver: str) -> Report:
        """Send what is due to a receiver. Raises StoreError where the database cannot be read."""
        owed = self._notifications.owed(receiver, _AT_ONCE + 1)
        now = self._clock.now()
        told = list(self._told([one for one in owed[:_AT_ONCE] if one.due_at <= now]))
        judged = [verdict for verdict, _ in told]
        strain = judged[-1] if judged and judged[-1].strained else None
        if strain is not None:
            judged += self._too_old(receiver, {one.notification.id for one in judged})
        return Report(
            receiver=receiver,
            verdicts=judged,
            due=_next_due(owed, judged, now),
            failed=strain is not None,
            slow=max((seconds for _, seconds in told), default=0.0) > _SLOW_SECONDS,
            asked_seconds=strain.asked_seconds if strain is not None else 0.0,
        )

    def _told(self, due: Sequence[Notification]) -> Iterator[tuple[Verdict, float]]:
        """Yield a verdict on each, and the seconds it took, until the receiver is strained or the visit is long."""
        arrived = self._clock.monotonic()
        for notification in due:
            began = self._clock.monotonic()
            verdict = self._tell(notification)
            ended = self._clock.monotonic()
            yield verdict, ended - began
            if verdict.strained or ended - arrived > _VISIT_SECONDS:
                return

    def _tell(self, notification: Notification) -> Verdict:
        execution = self._reader.execution(notification.execution_id)
        if execution is None:
            return verdicts.of_silence(notification, "its execution was removed before it was delivered")
        body = body_of(notification, execution)
        terms = self._terms
        now = self._clock.now()
        headers = headers_of(notification, body, version=terms.version, secret=terms.secret, now=now)
        try:
            answer = post(notification.url, headers, body, timeout=terms.timeout)
        except Unanswered as error:
            return verdicts.of_failure(notification, str(error), self._clock.now(), terms)
        return verdicts.of_answer(notification, answer, self._clock.now(), terms)

    def _too_old(self, receiver: str, judged: set[str]) -> list[Verdict]:
        """Give up what a receiver that fails has been owed for too long, without an attempt for each."""
        before = self._clock.now() - PATIENCE
        owed = self._notifications.owed(receiver, _GIVEN_UP_AT_ONCE)
        old = [one for one in owed if one.created_at < before and one.id not in judged]
        return [verdicts.of_silence(one, "it was not delivered within 24 hours") for one in old]


def _next_due(owed: Sequence[Notification], judged: Sequence[Verdict], now: int) -> int | None:
    """What was not tried stays due as it was, what failed is due when its verdict says, and there may be more."""
    done = {verdict.notification.id for verdict in judged}
    left = [one.due_at for one in owed if one.id not in done]
    again = [verdict.notification.due_at for verdict in judged if verdict.outcome == "failed"]
    unseen = [now] if len(owed) > _AT_ONCE and not left else []
    return min([*left, *again, *unseen], default=None)
