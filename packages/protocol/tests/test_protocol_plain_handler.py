"""The example of a handler made of plain sockets and JSON, as a process, against a registry and a scheduler."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from schedulezero.protocol.answers import Done, Heard, Registered, ServiceInfo
from schedulezero.protocol.commands import HandlerDeregister, HandlerHeartbeat, HandlerRegister, RegistryCommand
from schedulezero.protocol.envelope import decode_from_instance
from schedulezero.protocol.handling import Outcome, Pulse, Refused, Stranger, Welcome
from schedulezero.protocol.link.calls import Call, CommandServer
from schedulezero.protocol.values import InstanceInfo

Context = zmq.Context[zmq.Socket[bytes]]
EXAMPLE = Path(__file__).parents[3] / "docs_site/examples/plain_handler.py"


class Registry:
    """Answers as a registry does and keeps what it hears."""

    def __init__(self, context: Context, endpoint: str = "tcp://127.0.0.1:0") -> None:
        self.registered: asyncio.Queue[InstanceInfo] = asyncio.Queue()
        self.heartbeats: asyncio.Queue[HandlerHeartbeat] = asyncio.Queue()
        self.left: asyncio.Queue[HandlerDeregister] = asyncio.Queue()
        self.knows, self.silent = True, False
        self.unanswered = asyncio.Event()
        info = ServiceInfo(service="registry", version="1")
        self.server = CommandServer(context, [endpoint], RegistryCommand, info, self._serve)
        self.address = self.server.addresses[0]

    def _serve(self, call: Call) -> None:
        if self.silent:
            self.unanswered.set()
            return
        match call.command:
            case HandlerRegister(instance=instance):
                self.registered.put_nowait(instance)
                call.answer(Registered(heartbeat_seconds=1, lease_seconds=10))
            case HandlerHeartbeat() as beat:
                self.heartbeats.put_nowait(beat)
                call.answer(Heard(known=self.knows))
                self.knows = True
            case HandlerDeregister() as goodbye:
                self.left.put_nowait(goodbye)
                call.answer(Done())


class Scheduler:
    """One DEALER to one boot, as a scheduler has it."""

    def __init__(self, context: Context, instance: InstanceInfo, epoch: int = 1) -> None:
        self.instance, self.epoch = instance, epoch
        self._dealer = context.socket(zmq.DEALER)
        self._dealer.rcvtimeo = 5000
        self._dealer.connect(instance.address)
        self._come: list[Any] = []

    def say(self, *messages: dict[str, Any]) -> None:
        self._dealer.send(json.dumps({"v": 1, "messages": messages}).encode())

    def say_raw(self, *frames: bytes) -> None:
        self._dealer.send_multipart(frames)

    async def hear[M](self, kind: type[M]) -> M:
        """Wait for the next message of a kind; pulses come in between whenever they like."""
        while True:
            while self._come:
                if isinstance(message := self._come.pop(0), kind):
                    return message
                assert isinstance(message, Pulse), f"unexpected: {message}"
            self._come = list(decode_from_instance(await asyncio.to_thread(self._dealer.recv)))

    async def hello(self, **fields: Any) -> Welcome:
        self.say(self.hello_to(**fields))
        return await self.hear(Welcome)

    def hello_to(self, **fields: Any) -> dict[str, Any]:
        ours = {"instance_id": self.instance.instance_id, "boot_id": self.instance.boot_id}
        return {"type": "hello", "scheduler_id": "s1"} | ours | fields

    def execute(self, method: str, params: Any, **fields: Any) -> None:
        work = {"type": "execute", "execution_id": "e1", "attempt": 1, "claim": 1, "idempotency_key": "k"}
        ours = {"boot_id": self.instance.boot_id, "shard": 3, "epoch": self.epoch, "method": method, "params": params}
        self.say(work | ours | fields)

    def ack(self, outcome: Outcome) -> None:
        claim = {"execution_id": outcome.execution_id, "attempt": outcome.attempt, "claim": outcome.claim}
        self.say({"type": "ack"} | claim)

    def close(self) -> None:
        self._dealer.close()


@contextmanager
def scheduler(context: Context, instance: InstanceInfo, epoch: int = 1) -> Iterator[Scheduler]:
    connected = Scheduler(context, instance, epoch)
    try:
        yield connected
    finally:
        connected.close()


@asynccontextmanager
async def handler(address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = os.environ | {"SCHEDULEZERO_ZRPC_HOST": "127.0.0.1", "SCHEDULEZERO_ZRPC_PORT": address.split(":")[-1]}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def running(context: Context) -> AsyncIterator[tuple[Registry, asyncio.subprocess.Process, InstanceInfo]]:
    """A registry, and a handler that has registered with it."""
    registry = Registry(context)
    try:
        async with asyncio.timeout(30), handler(registry.address) as process:
            yield registry, process, await registry.registered.get()
    finally:
        registry.server.close()


def test_it_uses_nothing_but_the_standard_library_and_plain_sockets() -> None:
    imported = {line.split()[1].split(".")[0] for line in EXAMPLE.read_text("utf-8").splitlines() if _imports(line)}

    assert imported - set(sys.stdlib_module_names) == {"zmq"}
    assert "zmq.asyncio" not in EXAMPLE.read_text("utf-8")


def _imports(line: str) -> bool:
    return line.startswith(("import ", "from "))


def test_it_registers_what_it_offers_and_sends_heartbeats(context: Context) -> None:
    async def scene() -> tuple[InstanceInfo, HandlerHeartbeat]:
        async with running(context) as (registry, _, instance):
            return instance, await registry.heartbeats.get()

    instance, beat = asyncio.run(scene())

    assert (instance.handler_id, [method.name for method in instance.methods]) == ("plain", ["greet", "add"])
    assert json.loads(bytes(instance.methods[1].params_schema))["required"] == ["a", "b"]
    assert instance.address.startswith("tcp://127.0.0.1:")
    assert (beat.instance_id, beat.boot_id, beat.draining) == (instance.instance_id, instance.boot_id, False)


def test_it_registers_again_with_a_registry_that_does_not_know_it(context: Context) -> None:
    async def scene() -> tuple[InstanceInfo, InstanceInfo]:
        async with running(context) as (registry, _, instance):
            registry.knows = False
            return instance, await registry.registered.get()

    first, again = asyncio.run(scene())

    assert (first.instance_id, first.boot_id) == (again.instance_id, again.boot_id)


def test_it_may_start_before_the_registry(context: Context, free_address: str) -> None:
    async def scene() -> str:
        async with asyncio.timeout(20), handler(free_address) as process:
            registry = Registry(context, free_address)
            try:
                instance = await registry.registered.get()
                process.terminate()
                assert await process.wait() == 0
                return instance.handler_id
            finally:
                registry.server.close()

    assert asyncio.run(scene()) == "plain"


def test_it_asks_again_when_the_registry_leaves_it_without_an_answer(context: Context) -> None:
    async def scene() -> HandlerHeartbeat:
        async with running(context) as (registry, _, _):
            registry.silent = True
            await asyncio.wait_for(registry.unanswered.wait(), 5)
            registry.silent = False
            return await registry.heartbeats.get()

    assert asyncio.run(scene()).draining is False


def test_it_welcomes_runs_and_forgets_when_acknowledged(context: Context) -> None:
    async def scene() -> tuple[Welcome, list[Outcome], Welcome]:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance) as asking:
                welcome = await asking.hello()
                asking.execute("greet", {"name": "Ada"}, execution_id="e1")
                asking.execute("add", {"a": 2, "b": 40}, execution_id="e2")
                outcomes = [await asking.hear(Outcome), await asking.hear(Outcome)]
                for outcome in outcomes:
                    asking.ack(outcome)
                return welcome, outcomes, await asking.hello()

    welcome, outcomes, again = asyncio.run(scene())

    assert (welcome.capacity, welcome.holding, welcome.draining) == (1, (), False)
    assert [(outcome.status, json.loads(bytes(outcome.result))) for outcome in outcomes] == [
        ("success", "Hello, Ada!"),
        ("success", 42),
    ]
    assert outcomes[0].started_at <= outcomes[0].completed_at
    assert again.holding == ()


def test_an_outcome_is_kept_and_sent_to_whoever_says_hello_until_it_is_acknowledged(context: Context) -> None:
    async def scene() -> tuple[Outcome, Welcome, Outcome, Outcome]:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance) as first:
                await first.hello()
                first.execute("add", {"a": 1, "b": 2}, attempt=2, claim=9)
                told = await first.hear(Outcome)
            with scheduler(context, instance, epoch=2) as second:
                welcome = await second.hello()
                told_again = await second.hear(Outcome)
                second.execute("add", {"a": 1, "b": 2}, attempt=2, claim=9)
                return told, welcome, told_again, await second.hear(Outcome)

    told, welcome, told_again, repeated = asyncio.run(scene())

    assert welcome.holding == (("e1", 2, 9),)
    times = [(outcome.claim, outcome.started_at, outcome.completed_at) for outcome in (told, told_again, repeated)]
    assert times == [times[0]] * 3


def test_a_duplicate_of_acknowledged_work_is_stale_and_a_newer_claim_is_run(context: Context) -> None:
    async def scene() -> tuple[Refused, Outcome]:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance) as asking:
                await asking.hello()
                asking.execute("greet", {}, claim=5)
                asking.ack(await asking.hear(Outcome))
                asking.execute("greet", {}, claim=5)
                refused = await asking.hear(Refused)
                asking.execute("greet", {}, attempt=2, claim=6)
                return refused, await asking.hear(Outcome)

    refused, outcome = asyncio.run(scene())

    assert (refused.claim, refused.reason) == (5, "stale")
    assert (outcome.attempt, outcome.claim, outcome.status) == (2, 6, "success")


def test_work_for_another_boot_is_answered_by_a_stranger(context: Context) -> None:
    async def scene() -> tuple[InstanceInfo, Stranger, Stranger]:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance) as asking:
                asking.say(asking.hello_to(boot_id="earlier"))
                at_hello = await asking.hear(Stranger)
                asking.execute("greet", {}, boot_id="earlier")
                return instance, at_hello, await asking.hear(Stranger)

    instance, at_hello, at_execute = asyncio.run(scene())

    assert at_hello == at_execute == Stranger(instance_id=instance.instance_id, boot_id=instance.boot_id)


@pytest.mark.parametrize(
    ("method", "fields", "reason"), [("fly", {}, "unknown_method"), ("greet", {"epoch": 4}, "stale")]
)
def test_work_that_must_not_begin_is_refused(
    context: Context, method: str, fields: dict[str, Any], reason: str
) -> None:
    async def scene() -> Refused:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance, epoch=5) as asking:
                await asking.hello()
                asking.execute("greet", {"name": "Ada"}, execution_id="e0")
                await asking.hear(Outcome)
                asking.execute(method, {}, **fields)
                return await asking.hear(Refused)

    assert asyncio.run(scene()).reason == reason


def test_a_method_that_fails_is_an_error_with_its_words(context: Context) -> None:
    async def scene() -> Outcome:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance) as asking:
                await asking.hello()
                asking.execute("add", {"a": 1, "b": "x"})
                return await asking.hear(Outcome)

    outcome = asyncio.run(scene())

    assert outcome.status == "error"
    assert outcome.error is not None
    assert outcome.error.type == "TypeError"
    assert "plain_handler.py" in (outcome.error.traceback or "")


def test_it_pulses_by_itself_and_answers_a_probe(context: Context) -> None:
    async def scene() -> tuple[InstanceInfo, Pulse, Pulse]:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance) as asking:
                await asking.hello()
                by_itself = await asking.hear(Pulse)
                asking.say({"type": "probe", "nonce": 77})
                while not (probed := await asking.hear(Pulse)).nonce:
                    pass
                return instance, by_itself, probed

    instance, by_itself, probed = asyncio.run(scene())

    assert (by_itself.boot_id, by_itself.nonce) == (instance.boot_id, 0)
    assert probed.nonce == 77


def test_what_makes_no_sense_is_passed_over(context: Context) -> None:
    async def scene() -> Outcome:
        async with running(context) as (_, _, instance):
            with scheduler(context, instance) as asking:
                for frames in ([b"nonsense"], [b"", b"two"], [b"[]"], [b'{"v":2,"messages":[]}'], [b'{"v":1}']):
                    asking.say_raw(*frames)
                asking.say({"type": "execute"})
                await asking.hello()
                asking.execute("greet", {})
                return await asking.hear(Outcome)

    assert asyncio.run(scene()).status == "success"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(context: Context, number: signal.Signals) -> None:
    async def scene() -> tuple[InstanceInfo, HandlerDeregister, int]:
        async with running(context) as (registry, process, instance):
            process.send_signal(number)
            return instance, await registry.left.get(), await process.wait()

    instance, goodbye, code = asyncio.run(scene())

    assert (goodbye.instance_id, goodbye.boot_id) == (instance.instance_id, instance.boot_id)
    assert code == 0


@pytest.mark.parametrize("cause", ["signal", "drain message"])
def test_draining_it_refuses_new_work_and_stays_until_its_outcomes_are_acknowledged(
    context: Context, cause: str
) -> None:
    async def scene() -> tuple[Refused, int]:
        async with running(context) as (registry, process, instance):
            with scheduler(context, instance) as asking:
                await asking.hello()
                asking.execute("greet", {})
                outcome = await asking.hear(Outcome)
                if cause == "signal":
                    process.terminate()
                else:
                    asking.say({"type": "drain"})
                while not (await asking.hear(Pulse)).draining:
                    pass
                asking.execute("greet", {}, execution_id="e2")
                refused = await asking.hear(Refused)
                asking.ack(outcome)
                await registry.left.get()
                return refused, await process.wait()

    refused, code = asyncio.run(scene())

    assert (refused.execution_id, refused.reason) == ("e2", "draining")
    assert code == 0
