"""What stands around commands, messages and events: round trips, versions, sizes, parts."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schedulezero.protocol.answers import ServiceInfo
from schedulezero.protocol.commands import Ping, RunNow
from schedulezero.protocol.envelope import (
    MAX_PART_BYTES,
    MAX_REQUEST_BYTES,
    VERSION,
    decode_bulletin,
    decode_from_instance,
    decode_reply,
    decode_request,
    decode_to_instance,
    encode_answer,
    encode_bulletin,
    encode_parcel,
    encode_refusal,
    encode_request,
)
from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.protocol.handling import Ack, FromInstance, Probe, Pulse, Stranger, ToInstance
from schedulezero.protocol.validation import decode
from schedulezero.protocol.values import RunRequest

INFO = ServiceInfo(service="registry", version="1.2.3")
DECODERS: list[Any] = [
    lambda data: decode_request([data]),
    lambda data: decode_reply([data]),
    decode_to_instance,
    decode_from_instance,
    decode_bulletin,
]
NAMES = ["request", "reply", "to instance", "from instance", "bulletin"]


def big_run(size: int) -> RunNow:
    params = msgspec.Raw(b'{"text":"' + b"x" * size + b'"}')
    return RunNow(run=RunRequest(handler_id="h", method_name="m", job_params=params))


def test_a_request_round_trips_with_id_and_caller() -> None:
    request = decode_request(encode_request("7", Ping(), "alice"))

    assert (request.v, request.id, request.caller) == (VERSION, "7", "alice")
    assert decode(request.body, Ping) == Ping()


def test_a_request_without_caller_is_local() -> None:
    request = decode_request([b'{"v":1,"id":"1","body":{"type":"ping"}}'])

    assert request.caller == "local"


def test_an_answer_round_trips() -> None:
    reply = decode_reply(encode_answer("7", INFO))

    assert reply.id == "7"
    assert reply.error is msgspec.UNSET
    assert isinstance(reply.ok, msgspec.Raw)
    assert decode(reply.ok, ServiceInfo) == INFO


def test_a_refusal_round_trips() -> None:
    problem = Problem(code=Code.UNAVAILABLE, message="busy", retry_after=2)

    reply = decode_reply(encode_refusal("7", problem))

    assert (reply.id, reply.error, reply.ok) == ("7", problem, msgspec.UNSET)


def test_an_answer_may_be_null_and_is_an_answer_all_the_same() -> None:
    reply = decode_reply([b'{"v":1,"id":"7","ok":null}'])

    assert bytes(reply.ok) == b"null"  # type: ignore[arg-type]


def test_a_reply_that_neither_answers_nor_refuses_is_refused() -> None:
    with pytest.raises(ScheduleZeroError, match="either ok or error"):
        decode_reply([b'{"v":1,"id":"7"}'])


def test_parcels_round_trip_in_order() -> None:
    down: list[ToInstance] = [Probe(nonce=1), Ack(execution_id="e", attempt=1, claim=2), Probe(nonce=3)]
    up: list[FromInstance] = [Pulse(boot_id="b", running=1), Stranger(instance_id="i", boot_id="b")]

    assert decode_to_instance(encode_parcel(down)) == down
    assert decode_from_instance(encode_parcel(up)) == up


def test_a_bulletin_round_trips_with_its_events_unread() -> None:
    time = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    frame = encode_bulletin("epoch", 41, time, [msgspec.Raw(b'{"type":"new.kind"}')])

    bulletin = decode_bulletin(frame)
    assert (bulletin.epoch, bulletin.seq, bulletin.time) == ("epoch", 41, time)
    assert [bytes(event) for event in bulletin.events] == [b'{"type":"new.kind"}']
    assert json.loads(frame)["time"] == "2030-01-02T03:04:05.678901Z"


@pytest.mark.parametrize("decoder", DECODERS, ids=NAMES)
@pytest.mark.parametrize(
    "data", [b'{"v":2}', b'{"v":0,"id":[],"messages":5,"seq":"x"}'], ids=["later", "of another shape"]
)
def test_another_version_is_told_as_such_whatever_its_shape(decoder: Any, data: bytes) -> None:
    with pytest.raises(ScheduleZeroError, match="is not spoken here, only 1") as refused:
        decoder(data)

    assert refused.value.code is Code.UNSUPPORTED_VERSION


def test_another_version_of_our_shape_is_refused_too() -> None:
    with pytest.raises(ScheduleZeroError) as refused:
        decode_request([b'{"v":2,"id":"1","body":{"type":"ping"}}'])

    assert refused.value.code is Code.UNSUPPORTED_VERSION


@pytest.mark.parametrize("decoder", DECODERS, ids=NAMES)
@pytest.mark.parametrize(
    ("data", "code", "path"),
    [
        (b"\x00\x01", Code.MALFORMED_JSON, None),
        (b"", Code.MALFORMED_JSON, None),
        (b"{}", Code.INVALID_VALUE, "v"),
        (b'{"v":"1"}', Code.INVALID_TYPE, "v"),
    ],
    ids=["binary", "empty", "no version", "version as text"],
)
def test_what_is_no_envelope_is_refused(decoder: Any, data: bytes, code: Code, path: str | None) -> None:
    with pytest.raises(ScheduleZeroError) as refused:
        decoder(data)

    assert refused.value.code is code
    assert [detail.path for detail in refused.value.problem.details] == ([path] if path else [])


def test_a_message_of_the_other_side_is_refused() -> None:
    with pytest.raises(ScheduleZeroError, match=r"messages\[0\].type: 'pulse' is not one of ack, cancel, drain"):
        decode_to_instance(encode_parcel([Pulse(boot_id="b", running=0)]))


def test_a_field_that_is_not_known_is_passed_over_in_messages() -> None:
    parcel = b'{"v":1,"later":true,"messages":[{"type":"probe","nonce":5,"colour":"red"}]}'

    assert decode_to_instance(parcel) == [Probe(nonce=5)]


def test_a_long_request_is_cut_into_parts_that_are_joined_again() -> None:
    command = big_run(6 * 1024 * 1024)

    parts = encode_request("1", command)

    assert len(parts) > 1
    assert all(len(part) <= MAX_PART_BYTES for part in parts)
    assert bytes(decode(decode_request(parts).body, RunNow).run.job_params) == bytes(command.run.job_params)


def test_a_long_answer_is_cut_into_parts_that_are_joined_again() -> None:
    answer = msgspec.Raw(b'"' + b"x" * (20 * 1024 * 1024) + b'"')

    parts = encode_answer("1", answer)

    assert all(len(part) <= MAX_PART_BYTES for part in parts)
    assert bytes(decode_reply(parts).ok) == bytes(answer)  # type: ignore[arg-type]


def test_a_request_may_be_cut_anywhere() -> None:
    (data,) = encode_request("1", Ping())

    request = decode_request([data[i : i + 1] for i in range(len(data))])

    assert request.id == "1"


def test_a_request_over_the_limit_is_refused_by_its_receiver() -> None:
    with pytest.raises(ScheduleZeroError, match=f"at most {MAX_REQUEST_BYTES} bytes, not") as refused:
        decode_request([b" " * MAX_PART_BYTES] * 4)

    assert refused.value.code is Code.PAYLOAD_TOO_LARGE


def test_a_request_over_the_limit_is_refused_by_its_sender() -> None:
    with pytest.raises(ScheduleZeroError) as refused:
        encode_request("1", big_run(MAX_REQUEST_BYTES))

    assert refused.value.code is Code.PAYLOAD_TOO_LARGE
