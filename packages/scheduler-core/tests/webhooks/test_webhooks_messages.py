"""What a webhook is sent."""

import hashlib
import hmac
import json
from typing import Any

import msgspec

from schedulezero.protocol.events import ExecutionFinished
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import Failure, Notify, RetryPolicy
from schedulezero.scheduler.core.model import Execution, Notification
from schedulezero.scheduler.records import execution_record
from schedulezero.scheduler.webhooks.messages import body_of, headers_of, signature

NOW = 1_790_000_000_123_456
OWED = Notification(
    id="the-id", shard=0, execution_id="e", receiver="http://h", url="http://h/x", created_at=NOW, due_at=NOW + 1
)


def execution(**fields: Any) -> Execution:
    return Execution(
        id="e",
        shard=0,
        handler_id="h",
        method_name="m",
        params='{ "a":1.50 }',
        status=Status.ERROR,
        priority=5,
        created_at=NOW,
        ready_at=NOW,
        retry=RetryPolicy(),
        error=Failure(type="E", message="emoji 🦀"),
        notify=Notify(url="https://h/secret-path"),
        **fields,
    )


def test_the_body_is_the_event_of_the_live_feed_and_an_id() -> None:
    body = json.loads(body_of(OWED, execution()))

    event = json.loads(msgspec.json.encode(ExecutionFinished(data=execution_record(execution()))))
    assert body.pop("id") == "the-id"
    assert body.pop("time") == "2026-09-21T14:13:20.123456Z"
    assert body == event
    assert body["type"] == "execution.finished"


def test_the_url_is_no_part_of_it() -> None:
    assert b"secret-path" not in body_of(OWED, execution())


def test_the_headers_say_who_sends_what() -> None:
    headers = headers_of(OWED, b"{}", version="1.2", secret=None, now=NOW)

    assert headers == {
        "Content-Type": "application/json",
        "User-Agent": "ScheduleZero/1.2",
        "X-ScheduleZero-Delivery": "the-id",
    }


def test_with_a_secret_time_and_body_are_signed() -> None:
    headers = headers_of(OWED, b'{"a":1}', version="1", secret="hush hush", now=NOW)

    expected = hmac.new(b"hush hush", b'1790000000.{"a":1}', hashlib.sha256).hexdigest()
    assert headers["X-ScheduleZero-Timestamp"] == "1790000000"
    assert headers["X-ScheduleZero-Signature"] == f"sha256={expected}"


def test_another_secret_time_or_body_is_another_signature() -> None:
    signed = {signature(*what) for what in (("s", "1", b"x"), ("t", "1", b"x"), ("s", "2", b"x"), ("s", "1", b"y"))}
    assert len(signed) == 4
