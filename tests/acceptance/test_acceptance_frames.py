"""Junk on the sockets between the services: refused and logged, and whoever sends too much is cut off."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import zmq

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

TIMEOUT_MS = 5_000
MEBIBYTE = 1024 * 1024

REGISTRY = "SCHEDULEZERO_ZRPC_PORT"
SCHEDULER = "SCHEDULEZERO_SCHEDULER_PORT"
REGISTRY_EVENTS = "SCHEDULEZERO_REGISTRY_EVENTS_PORT"
SCHEDULER_EVENTS = "SCHEDULEZERO_SCHEDULER_EVENTS_PORT"

Connect = Callable[[str, int], "Peer"]


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who speaks to one of our sockets."""

    socket: zmq.Socket[bytes]

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def answer(self) -> list[bytes]:
        """Return the next message. Raises zmq.Again where none comes."""
        return self.socket.recv_multipart()

    def ask(self, *frames: bytes) -> dict[str, object]:
        """Send a request and return its answer's envelope."""
        self.send(b"", *frames)
        answer = json.loads(b"".join(self.answer()[1:]))
        assert isinstance(answer, dict)
        return answer

    def is_answered(self) -> bool:
        return "ok" in self.ask(envelope())


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens sockets that are closed with the test."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    opened: list[zmq.Socket[bytes]] = []

    def one(endpoint: str, kind: int) -> Peer:
        opened.append(context.socket(kind))
        opened[-1].setsockopt(zmq.RCVTIMEO, TIMEOUT_MS)
        opened[-1].setsockopt(zmq.SNDTIMEO, TIMEOUT_MS)
        opened[-1].connect(endpoint)
        return Peer(opened[-1])

    yield one
    for each in opened:
        each.close(linger=0)
    context.term()


@pytest.fixture
def up(system: Deployment) -> Program:
    return next(program for program in system.programs if program.name == "up")


def envelope(version: int = 1, body: bytes = b'{"type":"ping"}') -> bytes:
    return b'{"v":%d,"id":"1","caller":"local","body":%b}' % (version, body)


REFUSED = {
    "not JSON": (b"junk", "malformed_json"),
    "not UTF-8": (b'{"v":1,"id":"\xff\xfe"}', "malformed_json"),
    "nothing": (b"", "malformed_json"),
    "nested too deeply": (b'{"body":' * 100_000, "malformed_json"),
    "a list": (b"[1]", "invalid_type"),
    "no body": (b'{"v":1,"id":"1"}', "invalid_value"),
    "an older version": (envelope(version=0), "unsupported_version"),
    "a later version": (b'{"v":2,"something":"else"}', "unsupported_version"),
    "an unknown command": (envelope(body=b'{"type":"reboot"}'), "invalid_value"),
    "a command without its fields": (
        envelope(body=b'{"type":"handler.heartbeat"}'),
        "invalid_value",
    ),
    "a body of another kind": (envelope(body=b"17"), "invalid_type"),
}


@pytest.mark.parametrize("variable", [REGISTRY, SCHEDULER])
@pytest.mark.parametrize(("frame", "code"), REFUSED.values(), ids=list(REFUSED))
def test_a_malformed_command_is_refused_by_its_code_and_logged(
    system: Deployment, up: Program, connect: Connect, variable: str, frame: bytes, code: str
) -> None:
    peer = connect(system.endpoint(variable), zmq.DEALER)
    refusals = len(up.said("refused a command"))

    answer = peer.ask(frame)

    assert isinstance(answer["error"], dict)
    assert answer["error"]["code"] == code
    assert len(up.said("refused a command")) == refusals + 1
    assert peer.is_answered()


@pytest.mark.parametrize("variable", [REGISTRY, SCHEDULER])
@pytest.mark.parametrize("frames", [[b""], [b"no delimiter"], [b"x", b"y", b"z"], [b"", b""] * 50], ids=len)
def test_a_message_of_other_parts_is_refused_and_logged(
    system: Deployment, up: Program, connect: Connect, variable: str, frames: list[bytes]
) -> None:
    peer = connect(system.endpoint(variable), zmq.DEALER)
    refusals = len(up.said("refused a"))

    peer.send(*frames)

    eventually(lambda: len(up.said("refused a")) == refusals + 1, what="the log line")
    assert connect(system.endpoint(variable), zmq.DEALER).is_answered()


@pytest.mark.parametrize("variable", [REGISTRY, SCHEDULER])
def test_a_request_that_is_too_large_in_all_its_parts_is_refused(
    system: Deployment, connect: Connect, variable: str
) -> None:
    peer = connect(system.endpoint(variable), zmq.DEALER)

    answer = peer.ask(*[b" " * (3 * MEBIBYTE)] * 5)

    assert isinstance(answer["error"], dict)
    assert answer["error"]["code"] == "payload_too_large"
    assert peer.is_answered()


@pytest.mark.parametrize(("variable", "name"), [(REGISTRY, "registry"), (SCHEDULER, "scheduler")])
def test_whoever_sends_a_part_of_five_megabytes_is_disconnected_and_that_is_logged(
    system: Deployment, up: Program, connect: Connect, variable: str, name: str
) -> None:
    peer = connect(system.endpoint(variable), zmq.DEALER)
    assert peer.is_answered()
    disconnections = len(up.said(f"{name}: a peer of"))

    peer.send(b"", b" " * (5 * MEBIBYTE))

    eventually(lambda: len(up.said(f"{name}: a peer of")) > disconnections, what="the log line")
    assert connect(system.endpoint(variable), zmq.DEALER).is_answered()


@pytest.mark.parametrize("variable", [REGISTRY_EVENTS, SCHEDULER_EVENTS])
@pytest.mark.parametrize("junk", [b"junk", b"\x01" + b"x" * 300, b" " * (5 * MEBIBYTE)], ids=["junk", "topic", "5 MB"])
def test_junk_sent_to_a_publisher_disturbs_no_subscriber(
    system: Deployment, connect: Connect, variable: str, junk: bytes
) -> None:
    subscriber = connect(system.endpoint(variable), zmq.SUB)
    subscriber.socket.setsockopt(zmq.SUBSCRIBE, b"feed")
    assert subscriber.answer()[0] == b"feed"

    connect(system.endpoint(variable), zmq.XSUB).send(junk)

    positions = [json.loads(subscriber.answer()[1]) for _ in range(2)]
    assert positions[0]["epoch"] == positions[1]["epoch"]


PARCELS = {
    "not JSON": [b"junk"],
    "another version": [b'{"v":2,"messages":[]}'],
    "an unknown message": [b'{"v":1,"messages":[{"type":"obey"}]}'],
    "two parts": [b'{"v":1,"messages":[]}', b"more"],
}


@pytest.mark.parametrize("frames", PARCELS.values(), ids=list(PARCELS))
def test_a_frame_that_is_no_parcel_is_refused_by_a_handler_and_logged(
    system: Deployment, connect: Connect, frames: list[bytes]
) -> None:
    handler = program(system, "work-1")
    refusals = len(handler.said("refused a frame"))

    connect(address(system, "work-1"), zmq.DEALER).send(*frames)

    eventually(lambda: len(handler.said("refused a frame")) == refusals + 1, what="the log line")
    assert_both_work(system)


def test_whoever_sends_five_megabytes_to_a_handler_is_disconnected_and_that_is_logged(
    system: Deployment, connect: Connect
) -> None:
    handler = program(system, "work-1")
    disconnections = len(handler.said("disconnected"))

    connect(address(system, "work-1"), zmq.DEALER).send(b" " * (5 * MEBIBYTE))

    eventually(lambda: len(handler.said("disconnected")) > disconnections, what="the log line")
    assert_both_work(system)


def test_somebody_who_speaks_another_protocol_disturbs_nobody(system: Deployment, connect: Connect) -> None:
    for variable in (REGISTRY, REGISTRY_EVENTS, SCHEDULER, SCHEDULER_EVENTS):
        with socket.create_connection(("127.0.0.1", system.ports[variable])) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10)

    assert all(connect(system.endpoint(variable), zmq.DEALER).is_answered() for variable in (REGISTRY, SCHEDULER))
    assert_both_work(system)


def test_after_all_that_no_log_has_a_traceback(system: Deployment) -> None:
    assert_both_work(system)
    assert system.tracebacks == []


def program(system: Deployment, name: str) -> Program:
    return next(program for program in system.programs if program.name == name)


def address(system: Deployment, instance_id: str) -> str:
    instances = system.api.read("/api/handlers/work")["instances"]
    return str(next(one["address"] for one in instances if one["instance_id"] == instance_id))


def assert_both_work(system: Deployment) -> None:
    assert set(system.api.instances("work").values()) == {"Connected"}
    ids = [system.api.run("work", "where")["execution_id"] for _ in range(10)]
    assert {system.api.ended(id_)["status"] for id_ in ids} == {"success"}
