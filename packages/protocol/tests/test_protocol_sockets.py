"""Drained sockets: nothing is lost between readiness and the loop, on loops with and without readers."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import zmq

from schedulezero.protocol.answers import Heard, ServiceInfo
from schedulezero.protocol.commands import HandlerHeartbeat, Ping, RegistryCommand
from schedulezero.protocol.events import Event, HandlerConnected
from schedulezero.protocol.link.calls import Call, CommandClient, CommandServer
from schedulezero.protocol.link.feed import Subscriber
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.link.sockets import Change, DrainedSocket, Frames, bind, monitor, open_socket
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceInfo, InstanceState

Context = zmq.Context[zmq.Socket[bytes]]
INFO = ServiceInfo(service="registry", version="1")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


class LoopWithoutReaders(asyncio.SelectorEventLoop):
    """Refuses to watch descriptors, as the default loop of Windows does."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        raise NotImplementedError

    def remove_reader(self, fd: Any) -> bool:
        raise NotImplementedError


every_loop = pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, LoopWithoutReaders])


def unexpected(what: object) -> None:
    pytest.fail(f"this should not have come: {what}")


def connected() -> Event:
    info = InstanceInfo(handler_id="h", instance_id="i", boot_id="b", address="tcp://x:1", methods=())
    return HandlerConnected(data=InstanceState(info=info, status=HandlerStatus.CONNECTED, running=0, last_seen=NOW))


@every_loop
def test_commands_are_answered(context: Context, loop: type[asyncio.AbstractEventLoop]) -> None:
    def serve(call: Call) -> None:
        assert isinstance(call.command, HandlerHeartbeat)
        call.answer(Heard(known=call.command.running % 2 == 0))

    async def conversation() -> list[Heard]:
        server = CommandServer(context, ["tcp://127.0.0.1:0"], RegistryCommand, INFO, serve)
        client = CommandClient(context, server.addresses[0], "the registry")
        try:
            assert await client.call(Ping()) == INFO
            beats = [HandlerHeartbeat(instance_id="i", boot_id="b", running=number) for number in range(500)]
            return await asyncio.gather(*(client.call(beat) for beat in beats))
        finally:
            client.close()
            server.close()

    answers = asyncio.run(conversation(), loop_factory=loop)

    assert [answer.known for answer in answers] == [number % 2 == 0 for number in range(500)]


@every_loop
def test_events_are_received(context: Context, loop: type[asyncio.AbstractEventLoop]) -> None:
    async def conversation() -> list[int]:
        heard: asyncio.Queue[int] = asyncio.Queue()
        subscribed = asyncio.Event()
        publisher = Publisher(context, ["tcp://127.0.0.1:0"], lambda: NOW)
        subscriber = Subscriber(
            context,
            publisher.addresses[0],
            ["handler"],
            lambda family, bulletin: heard.put_nowait(bulletin.seq),
            lambda family, first, last: pytest.fail("a gap"),
            lambda family, epoch, last: subscribed.set(),
        )
        try:
            async with asyncio.timeout(5):
                await subscribed.wait()
                for _ in range(3):
                    publisher.publish([connected()])
                return [await heard.get() for _ in range(3)]
        finally:
            subscriber.close()
            publisher.close()

    assert asyncio.run(conversation(), loop_factory=loop) == [1, 2, 3]


def test_no_thread_outlives_its_socket(context: Context) -> None:
    async def conversation() -> None:
        sockets = [DrainedSocket(open_socket(context, zmq.DEALER), unexpected) for _ in range(5)]
        assert len(watchers()) == 5
        for socket in sockets:
            socket.close()
            socket.close()
        assert watchers() == []

    asyncio.run(conversation(), loop_factory=LoopWithoutReaders)


def watchers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("zmq-fd-")]


@every_loop
def test_a_flood_is_drained_in_bounded_batches_in_order(
    context: Context, loop: type[asyncio.AbstractEventLoop]
) -> None:
    count = 3000

    async def flood() -> list[list[Frames]]:
        batches: list[list[Frames]] = []
        complete = asyncio.Event()

        def receive(messages: list[Frames]) -> None:
            batches.append(messages)
            if sum(map(len, batches)) == count:
                complete.set()

        with context.socket(zmq.PUSH) as push:
            pull = open_socket(context, zmq.PULL, RCVHWM=0)
            push.sndhwm = 0
            push.connect(bind(pull, "tcp://127.0.0.1:0"))
            drained = DrainedSocket(pull, receive)
            try:
                for number in range(count):
                    push.send(str(number).encode())
                async with asyncio.timeout(10):
                    await complete.wait()
            finally:
                drained.close()
        return batches

    batches = asyncio.run(flood(), loop_factory=loop)

    assert [int(frames[0]) for batch in batches for frames in batch] == list(range(count))
    assert max(map(len, batches)) <= 512


def test_what_came_before_the_server_watched_is_answered(context: Context) -> None:
    async def conversation() -> bytes:
        with context.socket(zmq.REQ) as early:
            early.rcvtimeo = 5000
            early.connect("inproc://registry")
            early.send(b'{"v":1,"id":"7","body":{"type":"ping"}}')
            endpoints = ["inproc://registry", "tcp://127.0.0.1:0"]
            server = CommandServer(context, endpoints, RegistryCommand, INFO, unexpected)
            try:
                return await asyncio.to_thread(early.recv)
            finally:
                server.close()

    assert asyncio.run(conversation()).startswith(b'{"v":1,"id":"7","ok":')


class PeerComesLate(zmq.Socket[bytes]):
    """A socket whose peer comes right after a first attempt to send."""

    attempts = 0

    def send_multipart(self, msg_parts: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        PeerComesLate.attempts += 1
        if PeerComesLate.attempts == 1:
            raise zmq.Again
        return super().send_multipart(msg_parts, *args, **kwargs)


def test_a_peer_that_comes_while_a_send_fails_is_noticed(context: Context) -> None:
    async def conversation() -> bool:
        with context.socket(zmq.PULL) as peer:
            peer.bind("inproc://peer")
            socket = PeerComesLate(context, zmq.DEALER)
            socket.connect("inproc://peer")
            drained = DrainedSocket(socket, unexpected)
            try:
                return drained.send([b"x"])
            finally:
                drained.close()

    assert asyncio.run(conversation()) is True


def test_a_send_without_peer_fails_at_once_and_readiness_is_told_when_one_comes(
    context: Context, free_address: str
) -> None:
    async def conversation() -> list[bytes]:
        ready = asyncio.Event()
        dealer = open_socket(context, zmq.DEALER, IMMEDIATE=1)
        dealer.connect(free_address)
        drained = DrainedSocket(dealer, unexpected, ready.set)
        try:
            assert drained.send([b"hello"]) is False
            ready.clear()
            with context.socket(zmq.ROUTER) as router:
                router.rcvtimeo = 5000
                router.bind(free_address)
                async with asyncio.timeout(5):
                    while not drained.send([b"hello"]):
                        await ready.wait()
                        ready.clear()
                return await asyncio.to_thread(router.recv_multipart)
        finally:
            drained.close()

    assert asyncio.run(conversation())[1:] == [b"hello"]


def test_a_router_says_that_it_does_not_know_a_peer(context: Context) -> None:
    async def conversation() -> bool:
        drained = DrainedSocket(open_socket(context, zmq.ROUTER, ROUTER_MANDATORY=1), unexpected)
        try:
            return drained.send([b"nobody", b"hello"])
        finally:
            drained.close()

    assert asyncio.run(conversation()) is False


def test_a_monitor_tells_of_connections_made_and_lost(context: Context) -> None:
    async def conversation() -> list[Change]:
        told: asyncio.Queue[Change] = asyncio.Queue()
        router = open_socket(context, zmq.ROUTER)
        watch = monitor(router, lambda change, endpoint: told.put_nowait(change))
        try:
            with context.socket(zmq.DEALER) as dealer:
                dealer.connect(bind(router, "tcp://127.0.0.1:0"))
                made = await asyncio.wait_for(told.get(), 5)
            return [made, await asyncio.wait_for(told.get(), 5)]
        finally:
            watch.close()
            router.close()

    assert asyncio.run(conversation()) == [Change.CONNECTED, Change.DISCONNECTED]


def test_a_monitor_does_not_mind_the_one_of_a_socket_that_is_being_closed(context: Context) -> None:
    async def conversation() -> None:
        socket = open_socket(context, zmq.DEALER)
        with context.socket(zmq.PAIR) as earlier:
            earlier.bind(f"inproc://monitor.s-{socket.fileno()}")
            monitor(socket, lambda change, endpoint: None).close()
        socket.close()

    asyncio.run(conversation())


_LEAVES_WHILE_IT_CONNECTS = """
import asyncio, os, random, time, zmq
from schedulezero.protocol.link.sockets import bind, monitor, open_socket


async def main():
    ours, others = zmq.Context(), zmq.Context()
    listening, reached = open_socket(ours, zmq.ROUTER), open_socket(others, zmq.ROUTER)
    address, elsewhere = bind(listening, "tcp://127.0.0.1:0"), bind(reached, "tcp://127.0.0.1:0")
    for _ in range(2_000):
        socket = open_socket(ours, zmq.DEALER, IMMEDIATE=1)
        told = monitor(socket, lambda *_: None)
        socket.connect(elsewhere)
        until = time.perf_counter() + random.random() * 0.003
        while time.perf_counter() < until:
            pass
        told.close()
        socket.close(linger=0)
    asking = open_socket(others, zmq.DEALER)
    asking.connect(address)
    asking.send(b"is anybody there?")
    print("reached" if listening.poll(10_000) else "not reached", flush=True)
    # Where libzmq's thread stands still, no context ends.
    os._exit(0)


asyncio.run(main())
"""


def test_leaving_while_a_connection_is_made_stops_no_other_connection_of_the_process() -> None:
    program = [sys.executable, "-c", _LEAVES_WHILE_IT_CONNECTS]

    ended = subprocess.run(program, capture_output=True, text=True, timeout=90)

    assert (ended.stdout, ended.stderr) == ("reached\n", "")
