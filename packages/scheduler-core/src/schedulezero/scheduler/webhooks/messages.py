"""What a webhook is sent: the event of the live feed with an id, and headers by which it knows us and the delivery."""

import hashlib
import hmac

import msgspec

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.values import ExecutionRecord, Time
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.model import Execution, Notification
from schedulezero.scheduler.records import execution_record


class Message(Frozen, tag_field="type", tag="execution.finished"):
    """The body. `id` is the same however often it is sent, so is `time`, when the end was decided."""

    id: str
    time: Time
    data: ExecutionRecord


def body_of(notification: Notification, execution: Execution) -> bytes:
    """Return the body, as JSON."""
    time = to_datetime(notification.created_at)
    return msgspec.json.encode(Message(id=notification.id, time=time, data=execution_record(execution)))


def headers_of(
    notification: Notification, body: bytes, *, version: str, secret: str | None, now: int
) -> dict[str, str]:
    """Return the headers of one attempt.

    Args:
        notification: what is delivered.
        body: what is sent, and signed.
        version: ours.
        secret: what the signature is made with; None for none.
        now: when it is sent, in microseconds.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"ScheduleZero/{version}",
        "X-ScheduleZero-Delivery": notification.id,
    }
    if secret is not None:
        timestamp = str(now // 1_000_000)
        headers["X-ScheduleZero-Timestamp"] = timestamp
        headers["X-ScheduleZero-Signature"] = signature(secret, timestamp, body)
    return headers


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return `sha256=` and the HMAC-SHA256 of `TIMESTAMP.BODY`, so that an old request cannot be passed off as new."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
