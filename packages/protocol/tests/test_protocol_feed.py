"""Events over real sockets: what the publisher counts, and what the subscriber notices."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import zmq

from schedulezero.protocol.envelope import FEED, SYNC, encode_bulletin
from schedulezero.protocol.events import (
    Event,
    ExecutionCreated,
    ExecutionFinished,
    HandlerConnected,
    HandlerDisconnected,
    Sequences,
)
from schedulezero.protocol.link.feed import Subscriber
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.link.sockets import BindError
from schedulezero.protocol.states import HandlerStatus, Status
from schedulezero.protocol.values import ExecutionRecord, InstanceInfo, InstanceState

Context = zmq.Context[zmq.Socket[bytes]]
NOW = datetime(2030, 1, 1, tzinfo=UTC)
INFO = InstanceInfo(handler_id="h", instance_id="i", boot_id="b", address="tcp://x:1", methods=())
CONNECTED = HandlerConnected(data=InstanceState(info=INFO, status=HandlerStatus.CONNECTED, running=0, last_seen=NOW))
DISCONNECTED = HandlerDisconnected(
    data=InstanceState(info=INFO, status=HandlerStatus.DISCONNECTED, running=0, last_seen=NOW)
)


def execution(result: bytes = b"null") -> ExecutionRecord:
    return ExecutionRecord(
        execution_id="e", schedule_id=None, handler_id="h", instance_id=None, method_name="m",
        job_params=msgspec.Raw(b"{}"), status=Status.PENDING, reason=None, scheduled_for=None, created_at=NOW,
        started_at=None, completed_at=None, duration_ms=None, lateness_ms=None, attempt_number=0, max_attempts=3,
        result=msgspec.Raw(result), error=None, covers=None, tags=(), retry_of=None, priority=5, ready_at=NOW,
    )  # fmt: skip


CREATED = ExecutionCreated(data=execution())
FINISHED = ExecutionFinished(data=execution())


class Heard:
    """What a subscriber tells, as one queue of tuples."""

    def __init__(self, context: Context, endpoint: str, families: Sequence[str]) -> None:
        self._told: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self.subscriber = Subscriber(
            context,
            endpoint,
            families,
            lambda name, bulletin: self._told.put_nowait(
                ("bulletin", name, bulletin.seq, [msgspec.json.decode(event)["type"] for event in bulletin.events])
            ),
            lambda name, first, last: self._told.put_nowait(("gap", name, first, last)),
            lambda name, epoch, last: self._told.put_nowait(("position", name, last)),
        )

    async def next(self, *kinds: str) -> tuple[Any, ...]:
        """Wait for what is told next, of these kinds where some are given."""
        async with asyncio.timeout(5):
            while (told := await self._told.get()) and kinds and told[0] not in kinds:
                pass
        return told


@asynccontextmanager
async def feed(context: Context, *families: str) -> AsyncIterator[tuple[Publisher, Heard]]:
    """A publisher and a subscriber whose subscription has taken effect."""
    publisher = Publisher(context, ["tcp://127.0.0.1:0"], lambda: NOW)
    heard = Heard(context, publisher.addresses[0], families)
    try:
        await heard.next("position")
        yield publisher, heard
    finally:
        heard.subscriber.close()
        publisher.close()


class ByHand:
    """A publisher that says what a test wants."""

    def __init__(self, context: Context) -> None:
        self._socket = context.socket(zmq.XPUB)
        self._socket.rcvtimeo = 5000
        self.endpoint = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"

    async def subscribed(self, count: int) -> None:
        for _ in range(count):
            await asyncio.to_thread(self._socket.recv)

    def bulletin(self, name: str, seq: int, *events: Event, epoch: str = "one") -> None:
        self.send(name.encode(), encode_bulletin(epoch, seq, NOW, events or [CONNECTED]))

    def position(self, *, epoch: str = "one", **sequences: int) -> None:
        self.send(FEED.encode(), msgspec.json.encode(Sequences(epoch=epoch, time=NOW, sequences=sequences)))

    def send(self, *frames: bytes) -> None:
        self._socket.send_multipart(frames)

    def close(self) -> None:
        self._socket.close()


@asynccontextmanager
async def by_hand(context: Context, *families: str) -> AsyncIterator[tuple[ByHand, Heard]]:
    publisher = ByHand(context)
    heard = Heard(context, publisher.endpoint, families)
    try:
        await publisher.subscribed(len(families) + 1)
        yield publisher, heard
    finally:
        heard.subscriber.close()
        publisher.close()


def test_each_family_counts_for_itself_and_neighbours_share_a_frame(context: Context) -> None:
    async def conversation() -> tuple[list[Any], int, int, int]:
        async with feed(context, "execution", "handler") as (publisher, heard):
            publisher.publish([CREATED, FINISHED, CONNECTED, CREATED])
            told = [await heard.next("bulletin", "gap") for _ in range(3)]
            execution, handler, schedule = (publisher.sequence(name) for name in ("execution", "handler", "schedule"))
            return told, execution, handler, schedule

    assert asyncio.run(conversation()) == (
        [
            ("bulletin", "execution", 1, ["execution.created", "execution.finished"]),
            ("bulletin", "handler", 1, ["handler.connected"]),
            ("bulletin", "execution", 3, ["execution.created"]),
        ],
        3,
        1,
        0,
    )


def test_a_subscriber_hears_only_its_families(context: Context) -> None:
    async def conversation() -> Any:
        async with feed(context, "handler") as (publisher, heard):
            publisher.publish([CREATED, DISCONNECTED])
            return await heard.next("bulletin", "gap")

    assert asyncio.run(conversation()) == ("bulletin", "handler", 1, ["handler.disconnected"])


def test_many_and_large_events_are_spread_over_frames_that_every_peer_accepts(context: Context) -> None:
    large = ExecutionFinished(data=execution(b'"' + b"x" * 1_000_000 + b'"'))

    async def conversation() -> list[tuple[int, int]]:
        async with feed(context, "execution") as (publisher, heard):
            publisher.publish([large] * 6 + [CREATED] * 600)
            told: list[tuple[int, int]] = []
            while sum(count for _, count in told) < 606:
                kind, _, seq, types = await heard.next("bulletin", "gap")
                assert kind == "bulletin"
                told.append((seq, len(types)))
            return told

    told = asyncio.run(conversation())

    assert told[:6] == [(seq, 1) for seq in range(1, 6)] + [(6, told[5][1])]
    assert all(count <= 256 for _, count in told)
    assert [seq + count for seq, count in told[:-1]] == [seq for seq, _ in told[1:]]


def test_an_address_that_is_taken_is_told(context: Context) -> None:
    async def conversation() -> None:
        async with feed(context, "handler") as (publisher, _):
            with pytest.raises(BindError, match="set another address or port"):
                Publisher(context, ["tcp://127.0.0.1:0", *publisher.addresses], lambda: NOW)

    asyncio.run(conversation())


def test_a_position_is_repeated_without_any_event(context: Context) -> None:
    async def conversation() -> list[Any]:
        async with feed(context, "handler") as (publisher, heard):
            publisher.publish([CONNECTED])
            return [await heard.next(), await heard.next("position", "gap")]

    assert asyncio.run(conversation()) == [
        ("bulletin", "handler", 1, ["handler.connected"]),
        ("position", "handler", 1),
    ]


def test_what_was_published_before_the_first_contact_is_no_gap(context: Context) -> None:
    async def conversation() -> list[Any]:
        async with by_hand(context, "handler", "execution") as (publisher, heard):
            publisher.bulletin("handler", 57)
            publisher.bulletin("execution", 12, CREATED)
            publisher.position(handler=57, execution=12)
            return [await heard.next() for _ in range(4)]

    assert asyncio.run(conversation()) == [
        ("bulletin", "handler", 57, ["handler.connected"]),
        ("bulletin", "execution", 12, ["execution.created"]),
        ("position", "handler", 57),
        ("position", "execution", 12),
    ]


def test_missing_numbers_are_a_gap_that_names_them(context: Context) -> None:
    async def conversation() -> list[Any]:
        async with by_hand(context, "handler") as (publisher, heard):
            publisher.bulletin("handler", 1, CONNECTED, DISCONNECTED)
            publisher.bulletin("handler", 6)
            return [await heard.next() for _ in range(3)]

    assert asyncio.run(conversation())[1:] == [
        ("gap", "handler", 3, 5),
        ("bulletin", "handler", 6, ["handler.connected"]),
    ]


def test_a_lost_last_event_is_noticed_by_the_position(context: Context) -> None:
    async def conversation() -> list[Any]:
        async with by_hand(context, "handler") as (publisher, heard):
            publisher.position(handler=3)
            publisher.position(handler=5)
            publisher.bulletin("handler", 6)
            return [await heard.next() for _ in range(4)]

    assert asyncio.run(conversation()) == [
        ("position", "handler", 3),
        ("gap", "handler", 4, 5),
        ("position", "handler", 5),
        ("bulletin", "handler", 6, ["handler.connected"]),
    ]


@pytest.mark.parametrize("first_sign", ["bulletin", "position"])
def test_a_new_epoch_is_a_gap_in_every_family_and_counts_anew(context: Context, first_sign: str) -> None:
    async def conversation() -> list[Any]:
        async with by_hand(context, "handler", "execution") as (publisher, heard):
            publisher.position(handler=9, execution=9)
            if first_sign == "position":
                publisher.position(epoch="two")
            publisher.bulletin("handler", 1, epoch="two")
            return [await heard.next("gap", "bulletin") for _ in range(3)]

    assert asyncio.run(conversation()) == [
        ("gap", "handler", 0, 0),
        ("gap", "execution", 0, 0),
        ("bulletin", "handler", 1, ["handler.connected"]),
    ]


@pytest.mark.parametrize(
    "frames",
    [(b"handler",), (b"handler", b"nonsense"), (b"handler", b'{"v":2}'), (b"feed", b"{}"), (b"handler", b"a", b"b")],
    ids=["one frame", "not JSON", "another version", "no position", "three frames"],
)
def test_what_is_no_event_is_passed_over_and_logged(
    context: Context, caplog: pytest.LogCaptureFixture, frames: tuple[bytes, ...]
) -> None:
    async def conversation() -> Any:
        async with by_hand(context, "handler") as (publisher, heard):
            publisher.send(*frames)
            publisher.bulletin("handler", 1)
            return await heard.next()

    assert asyncio.run(conversation()) == ("bulletin", "handler", 1, ["handler.connected"])
    assert caplog.text.count("refused an event: ") == 1


def test_a_family_whose_name_begins_like_ours_is_not_ours(context: Context) -> None:
    async def conversation() -> Any:
        async with by_hand(context, "handler") as (publisher, heard):
            publisher.bulletin("handlers", 5)
            publisher.bulletin("handler", 1)
            return await heard.next()

    assert asyncio.run(conversation()) == ("bulletin", "handler", 1, ["handler.connected"])


def test_what_nobody_subscribes_to_is_counted_and_not_sent(context: Context) -> None:
    async def conversation() -> tuple[list[bool], Any]:
        async with feed(context, "handler") as (publisher, heard):
            publisher.publish([CREATED, FINISHED])
            publisher.pass_over("execution", 3)
            publisher.publish([CONNECTED])
            told = await heard.next("bulletin", "gap")
            assert publisher.sequence("execution") == 5
            return [publisher.is_heard(name) for name in ("handler", "execution", "hand")], told

    assert asyncio.run(conversation()) == ([True, False, False], ("bulletin", "handler", 1, ["handler.connected"]))


@pytest.mark.parametrize("topic", ["", "exec", "execution"], ids=["everything", "a beginning", "the family"])
def test_whoever_subscribes_to_a_beginning_hears_the_family(context: Context, topic: str) -> None:
    async def conversation() -> list[bool]:
        publisher = Publisher(context, ["tcp://127.0.0.1:0"], lambda: NOW)
        plain = await plain_subscriber(context, publisher, topic)
        heard = [publisher.is_heard("execution")]
        publisher.publish([CREATED])
        assert (await asyncio.to_thread(plain.recv_multipart))[0] == b"execution"
        plain.close()
        await becomes_unheard(publisher, "execution")
        publisher.close()
        return heard

    assert asyncio.run(conversation()) == [True]


def test_a_family_is_heard_until_the_last_of_several_has_left(context: Context) -> None:
    async def conversation() -> None:
        publisher = Publisher(context, ["tcp://127.0.0.1:0"], lambda: NOW)
        first, second = [await plain_subscriber(context, publisher, "execution") for _ in range(2)]
        first.close()
        publisher.publish([CREATED])
        await asyncio.to_thread(second.recv_multipart)
        assert publisher.is_heard("execution")
        second.close()
        await becomes_unheard(publisher, "execution")
        publisher.close()

    asyncio.run(conversation())


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:0", "inproc://feed"])
def test_whatever_is_published_once_a_subscription_has_taken_effect_is_heard(context: Context, endpoint: str) -> None:
    async def conversation() -> None:
        publisher = Publisher(context, [endpoint], lambda: NOW)
        for number in range(200):
            publisher.publish([CREATED])
            in_effect, heard = asyncio.Event(), list[tuple[int, int]]()
            arrived = asyncio.Event()

            def hear(_name: str, bulletin: Any, heard: Any = heard, arrived: Any = arrived) -> None:
                heard.append((bulletin.seq, len(bulletin.events)))
                arrived.set()

            def miss(*gap: Any) -> None:
                raise AssertionError(gap)

            subscriber = Subscriber(
                context, publisher.addresses[0], ["execution", "schedule"], hear, miss, on_effect=in_effect.set
            )
            await asyncio.wait_for(in_effect.wait(), 5)
            publisher.publish([FINISHED])
            await asyncio.wait_for(arrived.wait(), 5)
            assert heard == [(2 * number + 2, 1)]
            subscriber.close()
        publisher.close()

    asyncio.run(conversation())


def test_an_effect_is_told_once_also_of_a_publisher_that_comes_later(context: Context) -> None:
    async def conversation() -> list[str]:
        told: list[str] = []
        in_effect = asyncio.Event()

        def take_effect() -> None:
            told.append("effect")
            in_effect.set()

        address = Publisher(context, ["tcp://127.0.0.1:0"], lambda: NOW)
        endpoint = address.addresses[0]
        address.close()
        subscriber = Subscriber(
            context, endpoint, ["execution"], lambda *_: None, lambda *_: told.append("gap"), on_effect=take_effect
        )
        publisher = await bound(context, endpoint)
        await asyncio.wait_for(in_effect.wait(), 5)
        publisher.publish([CREATED])
        subscriber.close()
        publisher.close()
        return told

    assert asyncio.run(conversation()) == ["effect"]


async def plain_subscriber(context: Context, publisher: Publisher, topic: str) -> zmq.Socket[bytes]:
    """A SUB socket as any language has it; its subscription has taken effect, as the answer to another one says."""
    socket = context.socket(zmq.SUB)
    socket.linger, socket.rcvtimeo = 0, 5000
    socket.setsockopt_string(zmq.SUBSCRIBE, topic)
    socket.setsockopt_string(zmq.SUBSCRIBE, f"{SYNC}a-word-of-ours")
    socket.connect(publisher.addresses[0])
    while True:
        answered, position = await asyncio.to_thread(socket.recv_multipart)
        if answered == f"{SYNC}a-word-of-ours".encode():
            assert msgspec.json.decode(position, type=Sequences).epoch == publisher.epoch
            socket.setsockopt_string(zmq.UNSUBSCRIBE, answered.decode())
            return socket


async def becomes_unheard(publisher: Publisher, family: str) -> None:
    async with asyncio.timeout(5):
        while publisher.is_heard(family):  # noqa: ASYNC110 - a publisher tells no one who has left
            await asyncio.sleep(0.01)


async def bound(context: Context, address: str) -> Publisher:
    """Return a publisher at an address that another has just left; ZeroMQ gives it up a moment after `close`."""
    async with asyncio.timeout(5):
        while True:
            try:
                return Publisher(context, [address], lambda: NOW)
            except BindError:
                await asyncio.sleep(0.01)
