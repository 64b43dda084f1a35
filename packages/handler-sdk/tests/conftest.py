"""Both ends that a handler speaks to, on real sockets: a scheduler and a registry under the test's hand."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import zmq
from msgspec import Raw

from schedulezero.protocol.answers import Done, Heard, Registered, ServiceInfo
from schedulezero.protocol.commands import HandlerDeregister, HandlerHeartbeat, HandlerRegister, RegistryCommand
from schedulezero.protocol.envelope import decode_from_instance, encode_parcel
from schedulezero.protocol.handling import Ack, Execute, FromInstance, Hello, Outcome, Pulse, ToInstance
from schedulezero.protocol.link.calls import Call, CommandServer, Context
from schedulezero.protocol.link.sockets import DrainedSocket, Frames, open_socket
from schedulezero.protocol.values import InstanceInfo

WAIT_SECONDS = 20


class Heap[T]:
    """What has come, to be waited for and taken by kind."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._came = asyncio.Event()

    def add(self, items: Sequence[T]) -> None:
        self.items += items
        self._came.set()

    async def take[K](self, kind: type[K], fits: Callable[[K], bool] = lambda _: True) -> K:
        """Take the first of a kind that fits, waiting for it; what came before it stays."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                for index, item in enumerate(self.items):
                    if isinstance(item, kind) and fits(item):
                        del self.items[index]
                        return item
                self._came.clear()
                await self._came.wait()


class FakeRegistry:
    """Answers commands, and lets the test see them. `knows` is what a heartbeat is answered."""

    def __init__(self, context: Context, endpoint: str = "tcp://127.0.0.1:*", beat: float = 0.05) -> None:
        self.heard: Heap[Any] = Heap()
        self.knows = True
        self._beat = beat
        info = ServiceInfo(service="registry", version="0")
        self._server = CommandServer(context, [endpoint], RegistryCommand, info, self._serve)
        self.endpoint = self._server.addresses[0]

    def close(self) -> None:
        self._server.close()

    async def registration(self) -> InstanceInfo:
        return (await self.heard.take(HandlerRegister)).instance

    def _serve(self, call: Call) -> None:
        self.heard.add([call.command])
        match call.command:
            case HandlerRegister():
                self.knows = True
                call.answer(Registered(heartbeat_seconds=self._beat, lease_seconds=3))
            case HandlerHeartbeat():
                call.answer(Heard(known=self.knows))
            case HandlerDeregister():
                call.answer(Done())


class FakeScheduler:
    """One connection to one boot of an instance."""

    def __init__(self, context: Context, instance: InstanceInfo, name: str = "s") -> None:
        self.heard: Heap[FromInstance] = Heap()
        self.frames = 0
        self._instance, self._name = instance, name
        dealer = open_socket(context, zmq.DEALER)
        self._socket = DrainedSocket(dealer, self._receive)
        dealer.connect(instance.address)

    def close(self) -> None:
        self._socket.close()

    def say(self, *messages: ToInstance) -> None:
        self.say_raw(encode_parcel(messages))

    def say_raw(self, *frames: bytes) -> None:
        assert self._socket.send(frames)

    def hello(self, boot_id: str | None = None) -> None:
        instance = self._instance
        boot = boot_id or instance.boot_id
        self.say(Hello(scheduler_id=self._name, instance_id=instance.instance_id, boot_id=boot))

    def work(self, id_: str, method: str, params: bytes = b"{}", **more: Any) -> Execute:
        fields: dict[str, Any] = {
            "execution_id": id_,
            "attempt": 1,
            "claim": 1,
            "boot_id": self._instance.boot_id,
            "shard": 7,
            "epoch": 1,
            "method": method,
            "params": Raw(params),
            "idempotency_key": id_,
        }
        return Execute(**{**fields, **more})

    def execute(self, id_: str, method: str, params: bytes = b"{}", **more: Any) -> None:
        self.say(self.work(id_, method, params, **more))

    async def outcome(self, id_: str) -> Outcome:
        return await self.heard.take(Outcome, lambda outcome: outcome.execution_id == id_)

    async def pulse(self, *, draining: bool = False) -> Pulse:
        return await self.heard.take(Pulse, lambda pulse: pulse.draining == draining)

    def acknowledge(self, outcome: Outcome) -> None:
        self.say(Ack(execution_id=outcome.execution_id, attempt=outcome.attempt, claim=outcome.claim))

    def _receive(self, batch: list[Frames]) -> None:
        self.frames += len(batch)
        self.heard.add([message for (frame,) in batch for message in decode_from_instance(frame)])


@pytest.fixture
def fakes() -> tuple[type[FakeRegistry], type[FakeScheduler]]:
    return FakeRegistry, FakeScheduler
