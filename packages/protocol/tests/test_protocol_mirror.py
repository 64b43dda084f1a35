"""A copy of what a publisher tells: it is right again after whatever was missed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import zmq

from schedulezero.protocol.answers import Directory, ServiceInfo
from schedulezero.protocol.commands import RegistryCommand, RegistrySnapshot
from schedulezero.protocol.envelope import FEED, encode_bulletin
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.events import HandlerConnected, RegistryEvent, Sequences
from schedulezero.protocol.link.calls import Call, CommandClient, CommandServer
from schedulezero.protocol.link.feed import Mirror
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceInfo, InstanceState

Context = zmq.Context[zmq.Socket[bytes]]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def connected(number: int) -> HandlerConnected:
    """The event that has this sequence number."""
    name = f"i{number}"
    info = InstanceInfo(handler_id="h", instance_id=name, boot_id="b", address="tcp://x:1", methods=())
    return HandlerConnected(data=InstanceState(info=info, status=HandlerStatus.CONNECTED, running=0, last_seen=NOW))


class Source:
    """A publisher and its snapshots, both said by the test; what the mirror makes of them is awaited in `told`."""

    def __init__(self, context: Context, logged: Any) -> None:
        self._logged = logged
        self._socket = context.socket(zmq.XPUB)
        self._socket.rcvtimeo = 5000
        self.endpoint = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._fetches: asyncio.Queue[asyncio.Future[tuple[str, int]]] = asyncio.Queue()

    async def fetch(self) -> tuple[str, int]:
        answer: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        self._fetches.put_nowait(answer)
        return await answer

    def take_snapshot(self, snapshot: tuple[str, int]) -> None:
        self._told.put_nowait(f"snapshot {snapshot[0]} {snapshot[1]}")

    def take_event(self, event: HandlerConnected) -> None:
        self._told.put_nowait(event.data.info.instance_id)

    async def subscribed(self) -> None:
        for _ in range(2):
            await asyncio.to_thread(self._socket.recv)

    async def asked(self) -> "asyncio.Future[tuple[str, int]]":
        """Wait until a snapshot is asked for."""
        return await asyncio.wait_for(self._fetches.get(), 5)

    async def told(self, count: int) -> list[str]:
        return [await asyncio.wait_for(self._told.get(), 5) for _ in range(count)]

    def events(self, *numbers: int, epoch: str = "one") -> None:
        body = encode_bulletin(epoch, numbers[0], NOW, [connected(number) for number in numbers])
        self._socket.send_multipart([b"handler", body])

    def nonsense(self, number: int) -> None:
        body = encode_bulletin("one", number, NOW, [msgspec.Raw(b'{"type":"handler.painted"}')])
        self._socket.send_multipart([b"handler", body])

    def position(self, last: int, epoch: str = "one") -> None:
        told = Sequences(epoch=epoch, time=NOW, sequences={"handler": last})
        self._socket.send_multipart([FEED.encode(), msgspec.json.encode(told)])

    async def all_read(self) -> None:
        """Wait until the mirror has read what was published: a fault that comes after it is logged."""
        self._socket.send_multipart([b"handler"])
        await self._logged.until("refused an event")

    def close(self) -> None:
        self._socket.close()


Play = Callable[[Source], Awaitable[list[str]]]
Run = Callable[[Play], list[str]]


@asynccontextmanager
async def mirrored(context: Context, logged: Any) -> AsyncIterator[Source]:
    source = Source(context, logged)
    mirror = Mirror(
        context,
        source.endpoint,
        "handler",
        RegistryEvent,
        source.fetch,
        lambda snapshot: snapshot,
        source.take_snapshot,
        source.take_event,
    )
    try:
        await source.subscribed()
        yield source
    finally:
        await mirror.close()
        source.close()


@pytest.fixture
def run(context: Context, logged: Any) -> Run:
    """Play a scene with a mirror and its source; return what the mirror told."""

    async def scene(play: Play) -> list[str]:
        async with mirrored(context, logged) as source:
            return await play(source)

    return lambda play: asyncio.run(scene(play))


def test_it_starts_from_a_snapshot_and_applies_what_is_newer(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        (await source.asked()).set_result(("one", 2))
        begun = await source.told(1)
        source.events(1, 2, 3)
        source.events(4)
        return begun + await source.told(2)

    assert run(play) == ["snapshot one 2", "i3", "i4"]


def test_events_that_come_while_a_snapshot_is_fetched_are_held_and_applied_once(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        snapshot = await source.asked()
        source.events(1, 2)
        source.events(3)
        source.events(4)
        await source.all_read()
        snapshot.set_result(("one", 2))
        return await source.told(3)

    assert run(play) == ["snapshot one 2", "i3", "i4"]


def test_a_gap_is_mended_by_a_new_snapshot(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        (await source.asked()).set_result(("one", 1))
        begun = await source.told(1)
        source.events(2)
        source.events(5)
        (await source.asked()).set_result(("one", 5))
        mended = await source.told(2)
        source.events(6)
        return begun + mended + await source.told(1)

    assert run(play) == ["snapshot one 1", "i2", "snapshot one 5", "i6"]


def test_what_was_published_between_snapshot_and_subscription_is_not_overlooked(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        (await source.asked()).set_result(("one", 5))
        begun = await source.told(1)
        source.events(7)  # the first contact: 6 was published before the subscription took effect
        (await source.asked()).set_result(("one", 7))
        return begun + await source.told(1)

    assert run(play) == ["snapshot one 5", "snapshot one 7"]


def test_a_lost_last_event_is_mended_when_the_position_is_told(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        (await source.asked()).set_result(("one", 1))
        begun = await source.told(1)
        source.position(2)
        (await source.asked()).set_result(("one", 2))
        return begun + await source.told(1)

    assert run(play) == ["snapshot one 1", "snapshot one 2"]


def test_a_position_that_tells_nothing_new_changes_nothing(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        (await source.asked()).set_result(("one", 1))
        begun = await source.told(1)
        source.position(1)
        source.events(2)
        return begun + await source.told(1)

    assert run(play) == ["snapshot one 1", "i2"]


@pytest.mark.parametrize("sign", ["bulletin", "position"])
def test_a_publisher_that_began_anew_is_asked_for_a_new_snapshot(run: Run, sign: str) -> None:
    async def play(source: Source) -> list[str]:
        (await source.asked()).set_result(("one", 3))
        begun = await source.told(1)
        source.position(3)
        if sign == "bulletin":
            source.events(1, epoch="two")
        else:
            source.position(0, epoch="two")
        first = 1 if sign == "bulletin" else 0
        (await source.asked()).set_result(("two", first))
        mended = await source.told(1)
        source.events(first + 1, epoch="two")
        return begun + mended + await source.told(1)

    assert run(play) == [
        "snapshot one 3",
        *(["snapshot two 1", "i2"] if sign == "bulletin" else ["snapshot two 0", "i1"]),
    ]


def test_a_gap_while_a_snapshot_is_fetched_makes_it_fetch_once_more(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        first = await source.asked()
        source.events(1)
        source.events(3)
        await source.all_read()
        first.set_result(("one", 1))
        (await source.asked()).set_result(("one", 4))
        return await source.told(1)

    assert run(play) == ["snapshot one 4"]


def test_a_snapshot_that_cannot_be_had_is_asked_for_again(run: Run) -> None:
    async def play(source: Source) -> list[str]:
        (await source.asked()).set_exception(ScheduleZeroError.of(Code.UNAVAILABLE, "away"))
        (await source.asked()).set_result(("one", 1))
        return await source.told(1)

    assert run(play) == ["snapshot one 1"]


@pytest.mark.parametrize("when", ["while a snapshot is fetched", "afterwards"])
def test_an_event_that_cannot_be_read_is_made_good_by_a_snapshot(run: Run, when: str) -> None:
    async def play(source: Source) -> list[str]:
        snapshot = await source.asked()
        if when == "afterwards":
            snapshot.set_result(("one", 1))
            await source.told(1)
        source.nonsense(2)
        if when != "afterwards":
            await source.all_read()
            snapshot.set_result(("one", 1))
            await source.told(1)
        source.events(3)
        (await source.asked()).set_result(("one", 3))
        mended = await source.told(1)
        source.events(4)
        return mended + await source.told(1)

    assert run(play) == ["snapshot one 3", "i4"]


def test_a_mirror_of_a_real_service_is_right_after_the_service_was_restarted(context: Context) -> None:
    """Registry and mirror as they are used: on fixed ports, the registry ends and another begins."""

    class Registry:
        def __init__(self, commands: str, events: str) -> None:
            self._context: Context = zmq.Context()
            self.publisher = Publisher(self._context, [events], lambda: NOW)
            info = ServiceInfo(service="registry", version="1")
            self.server = CommandServer(self._context, [commands], RegistryCommand, info, self._serve)
            self.instances: list[InstanceState] = []

        def _serve(self, call: Call) -> None:
            assert isinstance(call.command, RegistrySnapshot)
            seq = self.publisher.sequence("handler")
            call.answer(Directory(epoch=self.publisher.epoch, seq=seq, instances=tuple(self.instances)))

        def connect(self, number: int) -> None:
            self.instances.append(connected(number).data)
            self.publisher.publish([connected(number)])

        def close(self) -> None:
            self.server.close()
            self.publisher.close()
            self._context.term()

    async def scene() -> None:
        known: asyncio.Queue[list[str]] = asyncio.Queue()
        copy: list[str] = []

        def start(directory: Directory) -> None:
            copy[:] = [state.info.instance_id for state in directory.instances]
            known.put_nowait(list(copy))

        def add(event: HandlerConnected) -> None:
            copy.append(event.data.info.instance_id)
            known.put_nowait(list(copy))

        async def until(wanted: list[str]) -> None:
            async with asyncio.timeout(10):
                while await known.get() != wanted:
                    pass

        registry = Registry("tcp://127.0.0.1:0", "tcp://127.0.0.1:0")
        commands, events = registry.server.addresses[0], registry.publisher.addresses[0]
        client = CommandClient(context, commands, "the registry", 1)
        mirror = Mirror(
            context,
            events,
            "handler",
            RegistryEvent,
            lambda: client.call(RegistrySnapshot()),
            lambda directory: (directory.epoch, directory.seq),
            start,
            add,
        )
        try:
            registry.connect(1)
            await until(["i1"])
            registry.connect(2)
            await until(["i1", "i2"])
            registry.close()
            registry = Registry(commands, events)
            registry.connect(7)
            await until(["i7"])
        finally:
            await mirror.close()
            client.close()
            registry.close()

    asyncio.run(scene())
