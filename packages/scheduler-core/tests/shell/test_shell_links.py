"""Links to instances over real sockets: greeted, heard, lost, replaced."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import pytest
import zmq
from msgspec.structs import replace

from schedulezero.protocol.envelope import decode_to_instance, encode_parcel
from schedulezero.protocol.handling import Drain, Hello, Probe, Pulse, Stranger, Welcome
from schedulezero.protocol.link.sockets import DrainedSocket, Frames, bind, open_socket
from schedulezero.protocol.values import InstanceInfo
from schedulezero.scheduler import links as links_module
from schedulezero.scheduler.core.inputs import Heard, Linked, LinkLost
from schedulezero.scheduler.links import Links


class FakeInstance:
    """An instance's ROUTER that answers Hello and Probe."""

    def __init__(self, context: Any, boot_id: str, address: str = "tcp://127.0.0.1:0") -> None:
        self.boot_id = boot_id
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        router = open_socket(context, zmq.ROUTER)
        self.socket = DrainedSocket(router, self._receive)
        self.address = bind(router, address)

    def info(self) -> InstanceInfo:
        return InstanceInfo(
            handler_id="h", instance_id="i", boot_id=self.boot_id, address=self.address, methods=(), capacity=1
        )

    def _receive(self, messages: list[Frames]) -> None:
        for peer, frame in messages:
            for message in decode_to_instance(frame):
                self.said.put_nowait(message)
                for answer in self._answers(message):
                    self.socket.send([peer, encode_parcel([answer])])

    def _answers(self, message: Any) -> list[Any]:
        if isinstance(message, Hello) and message.boot_id != self.boot_id:
            return [Stranger(instance_id="i", boot_id=self.boot_id)]
        if isinstance(message, Hello):
            return [Welcome(instance_id="i", boot_id=self.boot_id, capacity=1)]
        if isinstance(message, Probe):
            return [Pulse(boot_id=self.boot_id, running=0, nonce=message.nonce)]
        return []


def hello(info: InstanceInfo) -> Hello:
    return Hello(scheduler_id="s", instance_id=info.instance_id, boot_id=info.boot_id)


def run(scenario: Callable[[Any, Links, "asyncio.Queue[Any]"], Awaitable[None]]) -> None:
    async def main() -> None:
        context = zmq.Context()
        told: asyncio.Queue[Any] = asyncio.Queue()
        links = Links(context, told.put_nowait, monotonic)
        links.begin(hello)
        try:
            async with asyncio.timeout(20):
                await scenario(context, links, told)
        finally:
            links.close()
            context.destroy(linger=0)

    asyncio.run(main())


def test_an_instance_is_greeted_and_reached() -> None:
    async def scenario(context: Any, links: Links, told: "asyncio.Queue[Any]") -> None:
        instance = FakeInstance(context, "b1")
        links.reach(instance.info())

        linked = await told.get()
        assert isinstance(linked, Linked)
        assert linked.welcome.boot_id == "b1"
        links.send("b1", [Drain()])
        assert [type(await instance.said.get()) for _ in range(2)] == [Hello, Drain]
        assert [info.boot_id for info in links.open_boots("h")] == ["b1"]
        assert await links.ping("b1", 5) > 0

    run(scenario)


def test_another_boot_at_the_address_is_a_lost_one_for_good() -> None:
    async def scenario(context: Any, links: Links, told: "asyncio.Queue[Any]") -> None:
        later = FakeInstance(context, "b2")
        links.reach(replace(later.info(), boot_id="b1"))

        lost = await told.get()
        assert lost == LinkLost(boot_id="b1", gone=True)
        assert links.open_boots("h") == []

    run(scenario)


def test_a_connection_that_stays_away_is_lost_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links_module, "_SILENCE", 0.2)

    async def scenario(context: Any, links: Links, told: "asyncio.Queue[Any]") -> None:
        instance = FakeInstance(context, "b1")
        info = instance.info()
        links.reach(info)
        assert isinstance(await told.get(), Linked)

        instance.socket.close()
        while told.empty():
            await links.run_once()
            await asyncio.sleep(0.02)
        assert await told.get() == LinkLost(boot_id="b1", gone=False)

        FakeInstance(context, "b1", info.address)
        while not isinstance(await told.get(), Linked):
            pass
        assert [open_.boot_id for open_ in links.open_boots("h")] == ["b1"]

    run(scenario)


def test_an_instance_that_departed_is_not_reached_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links_module, "_SILENCE", 0.2)

    async def scenario(context: Any, links: Links, told: "asyncio.Queue[Any]") -> None:
        instance = FakeInstance(context, "b1")
        links.reach(instance.info())
        await told.get()

        links.leave("b1")
        instance.socket.close()
        while told.empty():
            await links.run_once()
            await asyncio.sleep(0.02)
        assert await told.get() == LinkLost(boot_id="b1", gone=False)
        for _ in range(30):
            await links.run_once()
            await asyncio.sleep(0.02)
        assert told.empty()

    run(scenario)


def test_an_instance_that_registers_again_over_a_link_about_to_be_left_is_greeted_again() -> None:
    async def scenario(context: Any, links: Links, told: "asyncio.Queue[Any]") -> None:
        instance = FakeInstance(context, "b1")
        links.reach(instance.info())
        await told.get()

        links.leave("b1")
        links.reach(instance.info())

        assert isinstance(await told.get(), Linked)
        links.reach(instance.info())
        links.send("b1", [Drain()])
        assert [type(await instance.said.get()) for _ in range(3)] == [Hello, Hello, Drain]

    run(scenario)


def test_what_is_no_parcel_is_refused_and_the_link_lives(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(context: Any, links: Links, told: "asyncio.Queue[Any]") -> None:
        instance = FakeInstance(context, "b1")
        peers: list[bytes] = []
        receive = instance._receive

        def receive_and_note(messages: list[Frames]) -> None:
            peers.extend(frames[0] for frames in messages)
            receive(messages)

        instance.socket._receive = receive_and_note
        links.reach(instance.info())
        await told.get()

        for junk in (b"", b"{", b'{"v":9,"messages":[]}', b'{"v":1,"messages":[{"type":"nonsense"}]}'):
            instance.socket.send([peers[0], junk])
        instance.socket.send([peers[0], encode_parcel([Pulse(boot_id="b1", running=0)])])

        heard = await told.get()
        assert isinstance(heard, Heard)
        assert heard.messages == [Pulse(boot_id="b1", running=0)]

    run(scenario)
