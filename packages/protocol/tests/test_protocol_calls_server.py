"""The answering side of commands, asked over real sockets with raw frames, as a program in another language would."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zmq

from schedulezero.protocol.answers import Done, HandlerPage, ServiceInfo
from schedulezero.protocol.commands import HandlerDeregister, HandlerGet, HandlerList, RegistryCommand
from schedulezero.protocol.envelope import MAX_PART_BYTES
from schedulezero.protocol.errors import Code, Problem
from schedulezero.protocol.link.calls import Call, CommandServer
from schedulezero.protocol.link.sockets import BindError

Context = zmq.Context[zmq.Socket[bytes]]
PING = b'{"v":1,"id":"7","body":{"type":"ping"}}'
PONG = {"v": 1, "id": "7", "ok": {"service": "registry", "version": "1.2.3"}}


def request(body: Any, **fields: Any) -> bytes:
    return json.dumps({"v": 1, "id": "1", "body": body} | fields).encode()


def serve(call: Call) -> None:
    """A registry of few words: an empty list, nothing to be found, and a fault."""
    match call.command:
        case HandlerList():
            call.answer(HandlerPage(handlers=(), count=0))
        case HandlerGet(handler_id=name):
            call.refuse(Problem(code=Code.HANDLER_NOT_FOUND, message=f"no {name}, says {call.caller}", retry_after=2))
        case HandlerDeregister():
            call.answer(Done())
            raise RuntimeError("after the answer")
        case _:
            raise RuntimeError("a fault of ours")


@contextmanager
def registry(context: Context, *endpoints: str, serve: Callable[[Call], None] = serve) -> Iterator[CommandServer]:
    info = ServiceInfo(service="registry", version="1.2.3")
    server = CommandServer(context, endpoints or ["tcp://127.0.0.1:0"], RegistryCommand, info, serve)
    try:
        yield server
    finally:
        server.close()


def req(context: Context, address: str, *requests: bytes | list[bytes]) -> list[Any]:
    """What a plain REQ socket is answered; run it in a thread."""
    with context.socket(zmq.REQ) as socket:
        socket.rcvtimeo = 5000
        socket.connect(address)
        replies = []
        for parts in requests:
            socket.send_multipart([parts] if isinstance(parts, bytes) else parts)
            replies.append(json.loads(b"".join(socket.recv_multipart())))
        return replies


def ask(context: Context, *requests: bytes | list[bytes]) -> list[Any]:
    """What one plain REQ socket is answered by a registry of its own."""

    async def conversation() -> list[Any]:
        with registry(context) as server:
            return await asyncio.to_thread(req, context, server.addresses[0], *requests)

    return asyncio.run(conversation())


def test_a_plain_req_socket_asks_and_is_answered(context: Context) -> None:
    replies = ask(context, PING, request({"type": "handler.list"}))

    assert replies == [PONG, {"v": 1, "id": "1", "ok": {"handlers": [], "count": 0}}]


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:0", "inproc://registry", "ipc"])
def test_every_transport_serves(context: Context, endpoint: str, tmp_path: Any) -> None:
    async def conversation() -> list[Any]:
        with registry(context, endpoint if endpoint != "ipc" else f"ipc://{tmp_path}/r") as server:
            return await asyncio.to_thread(req, context, server.addresses[0], PING)

    assert asyncio.run(conversation()) == [PONG]


def test_several_endpoints_serve_at_once(context: Context) -> None:
    async def conversation() -> list[Any]:
        with registry(context, "tcp://127.0.0.1:0", "inproc://registry") as server:
            return [await asyncio.to_thread(req, context, address, PING) for address in server.addresses]

    assert asyncio.run(conversation()) == [[PONG], [PONG]]


def test_a_request_in_many_parts_is_joined(context: Context) -> None:
    assert ask(context, [PING[:3], b"", PING[3:20], PING[20:]]) == [PONG]


def test_a_refusal_carries_the_problem(context: Context) -> None:
    (reply,) = ask(context, request({"type": "handler.get", "handler_id": "x"}, caller="alice"))

    assert reply["error"] == {"code": "handler_not_found", "message": "no x, says alice", "retry_after": 2}
    assert "ok" not in reply


@pytest.mark.parametrize(
    ("data", "id_", "code", "path"),
    [
        (b"hello", "", "malformed_json", None),
        (b"", "", "malformed_json", None),
        (b"\xff\xfe", "", "malformed_json", None),
        (b'{"v":9,"id":"1","body":{"type":"ping"}}', "", "unsupported_version", "v"),
        (b'{"v":1,"id":"1"}', "", "invalid_value", "body"),
        (request({"type": "run.now"}), "1", "invalid_value", "type"),
        (request({"type": "handler.get"}), "1", "invalid_value", "handler_id"),
        (request({"type": "handler.get", "handler_id": 5}), "1", "invalid_type", "handler_id"),
        (request([]), "1", "invalid_type", "$"),
    ],
)
def test_what_is_no_command_is_refused_and_the_server_lives(
    context: Context, caplog: pytest.LogCaptureFixture, data: bytes, id_: str, code: str, path: str | None
) -> None:
    refusal, pong = ask(context, data, PING)

    assert (refusal["id"], refusal["error"]["code"]) == (id_, code)
    assert [detail["path"] for detail in refusal["error"].get("details", [])] == ([path] if path else [])
    assert pong == PONG
    assert "registry: refused a command: " in caplog.text


def test_a_request_over_the_limit_in_all_is_refused_in_words(context: Context) -> None:
    refusal, pong = ask(context, [b" " * MAX_PART_BYTES] * 4, PING)

    assert refusal["error"]["code"] == "payload_too_large"
    assert pong == PONG


def test_frames_without_delimiter_are_passed_over_and_logged(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    def dealer(address: str) -> bytes:
        with context.socket(zmq.DEALER) as socket:
            socket.rcvtimeo = 5000
            socket.connect(address)
            for frames in ([PING], [b"id", b"", PING], [b""], [b"", PING]):
                socket.send_multipart(frames)
            return b"".join(socket.recv_multipart())

    async def conversation() -> bytes:
        with registry(context) as server:
            return await asyncio.to_thread(dealer, server.addresses[0])

    assert json.loads(asyncio.run(conversation())) == PONG
    assert caplog.text.count("without delimiter") == 3


def test_commands_of_one_peer_are_pipelined_and_answered_in_any_order(context: Context) -> None:
    held: list[Call] = []

    def last_first(call: Call) -> None:
        held.append(call)
        if len(held) == 50:
            for waiting in reversed(held):
                waiting.answer(HandlerPage(handlers=(), count=0))

    def dealer(address: str) -> list[str]:
        with context.socket(zmq.DEALER) as socket:
            socket.rcvtimeo = 5000
            socket.connect(address)
            for number in range(50):
                socket.send_multipart([b"", request({"type": "handler.list"}, id=str(number))])
            return [json.loads(socket.recv_multipart()[1])["id"] for _ in range(50)]

    async def conversation() -> list[str]:
        with registry(context, serve=last_first) as server:
            return await asyncio.to_thread(dealer, server.addresses[0])

    assert asyncio.run(conversation()) == [str(number) for number in reversed(range(50))]


def test_a_part_over_the_limit_disconnects_its_sender_and_nobody_else(context: Context, logged: Any) -> None:
    async def conversation() -> tuple[str, list[Any]]:
        with (
            registry(context) as server,
            context.socket(zmq.DEALER) as greedy,
            context.socket(zmq.REQ) as modest,
        ):
            address = server.addresses[0]
            for socket in (greedy, modest):
                socket.connect(address)
            greedy.send_multipart([b"", b" " * (MAX_PART_BYTES + 1)])
            line = await logged.until("disconnected")
            return line, await asyncio.to_thread(req, context, address, PING)

    line, replies = asyncio.run(conversation())

    assert line.startswith("registry: a peer of tcp://127.0.0.1:")
    assert line.endswith(f"disconnected (it left, or sent over {MAX_PART_BYTES} bytes)")
    assert replies == [PONG]


def test_a_fault_while_serving_is_answered_logged_and_touches_no_other_command(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    def dealer(address: str) -> dict[str, Any]:
        with context.socket(zmq.DEALER) as socket:
            socket.rcvtimeo = 5000
            socket.connect(address)
            away = {"type": "handler.deregister", "instance_id": "i", "boot_id": "b"}
            bodies = {"fault": {"type": "registry.snapshot"}, "answered": away, "good": {"type": "handler.list"}}
            for id_, body in bodies.items():
                socket.send_multipart([b"", request(body, id=id_)])
            replies = [json.loads(socket.recv_multipart()[1]) for _ in bodies]
            return {reply["id"]: reply for reply in replies}

    async def conversation() -> dict[str, Any]:
        with registry(context) as server:
            return await asyncio.to_thread(dealer, server.addresses[0])

    replies = asyncio.run(conversation())

    assert replies["fault"]["error"]["code"] == "internal"
    assert "a fault of ours" not in replies["fault"]["error"]["message"]
    assert replies["answered"]["ok"] == {"status": "success"}
    assert replies["good"]["ok"] == {"handlers": [], "count": 0}
    assert "RuntimeError: a fault of ours" in caplog.text
    assert "RuntimeError: after the answer" in caplog.text


def test_an_answer_whose_asker_has_left_is_dropped_and_logged(context: Context, logged: Any) -> None:
    async def conversation() -> list[Any]:
        held: asyncio.Queue[Call] = asyncio.Queue()
        with registry(context, serve=held.put_nowait) as server:
            with context.socket(zmq.REQ) as socket:
                socket.connect(server.addresses[0])
                socket.send(request({"type": "handler.list"}))
                call = await held.get()
            await logged.until("disconnected")
            call.answer(HandlerPage(handlers=(), count=0))
            await logged.until("the asker of a command is gone before its answer")
            return await asyncio.to_thread(req, context, server.addresses[0], PING)

    assert asyncio.run(conversation()) == [PONG]


def test_an_answer_after_the_server_has_closed_is_dropped(context: Context) -> None:
    async def conversation() -> None:
        held: asyncio.Queue[Call] = asyncio.Queue()
        with context.socket(zmq.REQ) as socket:
            with registry(context, serve=held.put_nowait) as server:
                socket.connect(server.addresses[0])
                socket.send(request({"type": "handler.list"}))
                call = await held.get()
            call.answer(HandlerPage(handlers=(), count=0))

    asyncio.run(conversation())


def test_an_address_that_is_taken_is_told_with_a_remedy(context: Context) -> None:
    async def conversation() -> None:
        with registry(context) as server:
            taken = server.addresses[0]
            with (
                pytest.raises(BindError, match=f"cannot listen on {taken}: .* set another address or port"),
                registry(context, "tcp://127.0.0.1:0", taken),
            ):
                raise AssertionError("bound twice")

    asyncio.run(conversation())
