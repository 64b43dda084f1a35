"""Which webhooks are owed the end of an execution: its own, and the instance's.

The rows are written in the transaction that ends the execution, so that no crash comes between the two. What the live
feed tells once is owed once: a skip that is extended to cover further instants was told when its row was inserted.
"""

import re
import uuid
from collections.abc import Iterator

from schedulezero.protocol.values import Notify
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.model import Deliver, Execution, InsertNotification, Notification

_ORIGIN = re.compile(r"https?://[^/?#]+")
_NAMESPACE = uuid.UUID("8be449bc-367f-4d37-b550-c4b87c000d05")


def owe_notifications(draft: Draft, webhook: Notify | None, now: int) -> None:
    """Write down what is owed for the executions that this step ends.

    Args:
        draft: the step.
        webhook: the one that is told of every execution, if any.
        now: microseconds.
    """
    for execution in draft.ended:
        if execution.notify is not None or webhook is not None:
            for url in _urls(execution, webhook):
                _owe(draft, execution, url, now)


def _urls(execution: Execution, webhook: Notify | None) -> Iterator[str]:
    """Yield each URL once."""
    asked = [one for one in (execution.notify, webhook) if one is not None and execution.status.value in one.on]
    yield from dict.fromkeys(one.url for one in asked)


def _owe(draft: Draft, execution: Execution, url: str, now: int) -> None:
    notification = Notification(
        id=str(uuid.uuid5(_NAMESPACE, f"{execution.id} {url}")),
        shard=execution.shard,
        execution_id=execution.id,
        receiver=receiver_of(url),
        url=url,
        created_at=now,
        due_at=now,
    )
    draft.write(InsertNotification(notification=notification))
    draft.do(Deliver(receiver=notification.receiver))


def receiver_of(url: str) -> str:
    """Return scheme, host and port of a webhook's URL; the rest of it may be a secret."""
    origin = _ORIGIN.match(url)
    assert origin is not None, "a URL that was accepted has a scheme and a host"
    return origin[0].lower()
