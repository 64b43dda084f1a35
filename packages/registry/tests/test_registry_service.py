"""The registry over real sockets: asked by a plain REQ, by our own clients, and by those who send nonsense."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from schedulezero.protocol.answers import Directory, Done, Heard, Registered, ServiceInfo
from schedulezero.protocol.commands import (
    HandlerDeregister,
    HandlerGet,
    HandlerHeartbeat,
    HandlerList,
    HandlerLost,
    HandlerRegister,
    Ping,
    RegistrySnapshot,
)
from schedulezero.protocol.envelope import MAX_PART_BYTES
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.events import HandlerUnresponsive, RegistryEvent
from schedulezero.protocol.link.calls import CommandClient
from schedulezero.protocol.link.feed import Mirror
from schedulezero.protocol.link.sockets import Change, DrainedSocket, monitor, open_socket
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import HandlerDetail, InstanceInfo, MethodSpec
from schedulezero.registry import directory
from schedulezero.registry.service import RegistryService
from schedulezero.runtime.clock import SystemClock
from schedulezero.runtime.errors import StartError
from schedulezero.runtime.metrics import LoopMetrics, RegistryMetrics
from schedulezero.runtime.service import FallibleService
from schedulezero.runtime.settings import Endpoints, RegistrySettings, Settings

ANY_PORT = Endpoints(commands="tcp://127.0.0.1:*", events="tcp://127.0.0.1:*")


def instance(boot_id: str = "b1", handler_id: str = "reports") -> InstanceInfo:
    methods = (MethodSpec(name="do_work", doc="Works."),)
    return InstanceInfo(
        handler_id=handler_id, instance_id="i1", boot_id=boot_id, address="tcp://127.0.0.1:5001", methods=methods
    )


class Town:
    """A process with a registry in it: the service, its context, its metrics."""

    def __init__(self, state: Path, endpoints: list[Endpoints]) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.samples = CollectorRegistry()
        self.service = RegistryService(
            Settings(state_dir=str(state), registry=RegistrySettings(lease_seconds=10.0)),
            SystemClock(),
            self.context,
            metrics=RegistryMetrics.on(self.samples),
            loop_metrics=LoopMetrics.on(self.samples),
            endpoints=endpoints,
        )

    def client(self, number: int = 0) -> CommandClient:
        return CommandClient(self.context, self.service.addresses[number].commands, "registry", timeout=5)


@asynccontextmanager
async def running(state: Path, *endpoints: Endpoints) -> AsyncIterator[Town]:
    town = Town(state, list(endpoints) or [ANY_PORT])
    try:
        async with asyncio.timeout(20):
            await town.service.start()
            yield town
    finally:
        await town.service.stop()
        town.context.destroy(linger=0)


@asynccontextmanager
async def asking(town: Town, number: int = 0) -> AsyncIterator[CommandClient]:
    client = town.client(number)
    try:
        yield client
    finally:
        client.close()


class Follower:
    """Follows a registry through a Mirror; whoever waits for something to be so is woken by each change."""

    def __init__(self, town: Town, client: CommandClient) -> None:
        self.snapshots: list[Directory] = []
        self.events: list[RegistryEvent] = []
        self._changed = asyncio.Event()
        self.mirror = Mirror(
            town.context,
            town.service.addresses[0].events,
            "handler",
            RegistryEvent,
            lambda: client.call(RegistrySnapshot()),
            lambda snapshot: (snapshot.epoch, snapshot.seq),
            lambda snapshot: self._take(self.snapshots, snapshot),
            lambda event: self._take(self.events, event),
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def _take(self, kept: list[Any], told: Any) -> None:
        kept.append(told)
        self._changed.set()


# -- a plain REQ socket ---------------------------------------------------------------------------------------------


def ask(address: str, *requests: bytes) -> list[Any]:
    """Send each request from a REQ socket of its own, as a program in any language would; return the answers."""
    answers = []
    with zmq.Context() as context:
        for request in requests:
            with context.socket(zmq.REQ) as socket:
                socket.setsockopt(zmq.LINGER, 0)
                socket.setsockopt(zmq.RCVTIMEO, 5_000)
                socket.connect(address)
                socket.send(request)
                answers.append(json.loads(socket.recv()))
    return answers


def request(body: dict[str, Any], **envelope: Any) -> bytes:
    return json.dumps({"v": 1, "id": "7", "body": body, **envelope}).encode()


def test_a_plain_req_socket_registers_beats_and_lists(tmp_path: Path) -> None:
    info = {"handler_id": "h", "instance_id": "i", "boot_id": "b", "address": "tcp://10.0.0.9:1", "methods": []}
    who = {"instance_id": "i", "boot_id": "b"}
    requests = [
        request({"type": "handler.register", "instance": info}),
        request({"type": "handler.heartbeat", **who, "running": 2}),
        request({"type": "handler.list"}),
    ]

    async def scenario() -> list[Any]:
        async with running(tmp_path) as town:
            return await asyncio.to_thread(ask, town.service.addresses[0].commands, *requests)

    registered, heard, listed = asyncio.run(scenario())

    assert registered == {"v": 1, "id": "7", "ok": {"heartbeat_seconds": 1.0, "lease_seconds": 10.0}}
    assert heard["ok"] == {"known": True}
    [handler] = listed["ok"]["handlers"]
    assert (handler["id"], handler["status"], handler["instances"][0]["running"]) == ("h", "Connected", 2)


@pytest.mark.parametrize(
    ("sent", "id_", "code", "path"),
    [
        (b"", "", "malformed_json", None),
        (b"\xff\xfe", "", "malformed_json", None),
        (b'{"v":1,"id":"7","body":' + b"[" * 100_000, "", "malformed_json", None),
        (b'{"v":1}', "", "invalid_value", "id"),
        (request({"type": "handler.list"}, v=9), "", "unsupported_version", "v"),
        (b'{"v":9,"something":"else"}', "", "unsupported_version", "v"),
        (request({"type": "handler.lisst"}), "7", "invalid_value", "type"),
        (request({"type": "handler.heartbeat", "instance_id": "i"}), "7", "invalid_value", "boot_id"),
        (request({"type": "handler.get", "handler_id": "nobody"}), "7", "handler_not_found", "handler_id"),
    ],
    ids=["empty", "binary", "deep", "no id", "version", "other shape", "unknown", "field", "handler"],
)
def test_what_cannot_be_served_is_refused_in_words_and_the_next_is_served(
    tmp_path: Path, sent: bytes, id_: str, code: str, path: str | None
) -> None:
    async def scenario() -> list[Any]:
        async with running(tmp_path) as town:
            return await asyncio.to_thread(ask, town.service.addresses[0].commands, sent, request({"type": "ping"}))

    refused, pong = asyncio.run(scenario())

    assert (refused["id"], refused["error"]["code"]) == (id_, code)
    assert [detail["path"] for detail in refused["error"].get("details", [])] == ([path] if path else [])
    assert pong["ok"]["service"] == "registry"


def test_messages_without_delimiter_are_dropped_and_the_next_is_served(tmp_path: Path) -> None:
    async def scenario() -> ServiceInfo:
        async with running(tmp_path) as town, asking(town) as client:
            rude = open_socket(town.context, zmq.DEALER)
            rude.connect(town.service.addresses[0].commands)
            for frames in ([b"x"], [b"x", b"y"], [b""]):
                rude.send_multipart(frames)
            rude.send_multipart([b"", request({"type": "ping"})])
            answered = asyncio.Event()
            drained = DrainedSocket(rude, lambda _answers: answered.set())
            await answered.wait()
            drained.close()
            return await client.call(Ping())

    assert asyncio.run(scenario()).service == "registry"


def test_who_sends_an_oversized_frame_is_disconnected_and_the_others_are_served(tmp_path: Path) -> None:
    async def scenario() -> object:
        async with running(tmp_path) as town, asking(town) as client:
            await client.call(HandlerRegister(instance=instance()))
            rude, dropped = open_socket(town.context, zmq.DEALER), asyncio.Event()

            def changed(change: Change, _endpoint: str) -> None:
                if change is Change.DISCONNECTED:
                    dropped.set()

            watch = monitor(rude, changed)
            rude.connect(town.service.addresses[0].commands)
            rude.send_multipart([b"", b"x" * (MAX_PART_BYTES + 1)])
            await dropped.wait()
            watch.close()
            rude.close(linger=0)
            return await client.call(HandlerHeartbeat(instance_id="i1", boot_id="b1"))

    assert asyncio.run(scenario()) == Heard(known=True)


# -- our own clients ------------------------------------------------------------------------------------------------


def test_an_instance_comes_is_described_and_goes(tmp_path: Path) -> None:
    async def scenario() -> list[Any]:
        async with running(tmp_path) as town, asking(town) as client:
            return [
                await client.call(command)
                for command in (
                    HandlerRegister(instance=instance()),
                    HandlerGet(handler_id="reports"),
                    HandlerLost(instance_id="i1", boot_id="b1"),
                    HandlerHeartbeat(instance_id="i1", boot_id="b1", draining=True),
                    HandlerDeregister(instance_id="i1", boot_id="b1"),
                    HandlerList(),
                )
            ]

    registered, described, lost, heard, gone, page = asyncio.run(scenario())

    assert registered == Registered(heartbeat_seconds=1.0, lease_seconds=10.0)
    assert (described.status, described.method_specs[0].doc) == (HandlerStatus.CONNECTED, "Works.")
    assert lost == Done()
    assert heard == Heard(known=True)
    assert gone == Done()
    assert [handler.status for handler in page.handlers] == [HandlerStatus.DISCONNECTED]


def test_what_the_registry_refuses_reaches_the_asker(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(tmp_path) as town, asking(town) as client:
            await client.call(HandlerRegister(instance=instance()))
            await client.call(HandlerGet(handler_id="report"))

    with pytest.raises(ScheduleZeroError, match="did you mean reports") as refusal:
        asyncio.run(scenario())

    assert refusal.value.code is Code.HANDLER_NOT_FOUND


def test_a_fault_of_our_own_is_answered_and_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_directory: directory.Directory) -> None:
        raise RuntimeError("a bug")

    async def scenario() -> tuple[Code, Heard]:
        async with running(tmp_path) as town, asking(town) as client:
            await client.call(HandlerRegister(instance=instance()))
            monkeypatch.setattr(directory.Directory, "page", broken)
            with pytest.raises(ScheduleZeroError) as refusal:
                await client.call(HandlerList())
            return refusal.value.code, await client.call(HandlerHeartbeat(instance_id="i1", boot_id="b1"))

    assert asyncio.run(scenario()) == (Code.INTERNAL, Heard(known=True))


def test_a_mirror_starts_from_the_snapshot_and_follows_the_facts(tmp_path: Path) -> None:
    async def scenario() -> Follower:
        async with running(tmp_path) as town, asking(town) as client:
            await client.call(HandlerRegister(instance=instance(boot_id="b1")))
            follower = Follower(town, client)
            await follower.until(lambda: bool(follower.snapshots))
            for draining in itertools.cycle((True, False)):
                if follower.events:
                    break
                await client.call(HandlerHeartbeat(instance_id="i1", boot_id="b1", draining=draining))
            await client.call(HandlerRegister(instance=instance(boot_id="b2")))
            await client.call(HandlerDeregister(instance_id="i1", boot_id="b2"))
            await follower.until(lambda: told(follower)[-1] == ("handler.disconnected", "b2"))
            await follower.mirror.close()
            return follower

    def told(follower: Follower) -> list[tuple[str, str]]:
        return [(str(event.__struct_config__.tag), event.data.info.boot_id) for event in follower.events]

    follower = asyncio.run(scenario())

    assert follower.snapshots[0].seq == 1
    assert told(follower)[-3:] == [
        ("handler.disconnected", "b1"),
        ("handler.connected", "b2"),
        ("handler.disconnected", "b2"),
    ]


def test_a_silent_instance_leaves_connected_within_five_seconds(tmp_path: Path) -> None:
    async def scenario() -> float:
        async with running(tmp_path) as town, asking(town) as client:
            follower = Follower(town, client)
            await client.call(HandlerRegister(instance=instance()))
            registered = asyncio.get_running_loop().time()
            await follower.until(lambda: any(isinstance(event, HandlerUnresponsive) for event in follower.events))
            await follower.mirror.close()
            listed = await client.call(HandlerGet(handler_id="reports"))
            assert listed.status is HandlerStatus.UNRESPONSIVE
            return asyncio.get_running_loop().time() - registered

    assert 2.9 < asyncio.run(scenario()) < 5


def test_two_processes_under_one_instance_id_are_warned_of_with_the_setting(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(tmp_path) as town, asking(town) as client:
            for boot_id in ("a", "b", "a", "b"):
                await client.call(HandlerRegister(instance=instance(boot_id=boot_id)))

    with capture_logs() as logs:
        asyncio.run(scenario())

    [warning] = [line for line in logs if line["log_level"] == "warning"]
    assert (warning["event"], warning["instance_id"]) == ("registry.instance_id_contested", "i1")
    assert "SCHEDULEZERO_HANDLER_INSTANCE_ID" in warning["remedy"]


# -- from start to stop ---------------------------------------------------------------------------------------------


def test_it_serves_tcp_and_inproc_alike(tmp_path: Path) -> None:
    inside = Endpoints(commands="inproc://registry", events="inproc://registry-events")

    async def scenario() -> HandlerDetail:
        async with running(tmp_path, ANY_PORT, inside) as town, asking(town, 0) as tcp, asking(town, 1) as inproc:
            assert town.service.addresses[1] == inside
            await tcp.call(HandlerRegister(instance=instance()))
            return await inproc.call(HandlerGet(handler_id="reports"))

    assert asyncio.run(scenario()).status is HandlerStatus.CONNECTED


def test_after_a_restart_handlers_are_known_and_asked_to_register(tmp_path: Path) -> None:
    async def life(*commands: Any) -> list[Any]:
        async with running(tmp_path) as town, asking(town) as client:
            return [await client.call(command) for command in commands]

    beat, get = HandlerHeartbeat(instance_id="i1", boot_id="b1"), HandlerGet(handler_id="reports")
    asyncio.run(life(HandlerRegister(instance=instance())))
    known, heard, _, back = asyncio.run(life(get, beat, HandlerRegister(instance=instance()), get))

    assert (known.status, known.methods) == (HandlerStatus.DISCONNECTED, ("do_work",))
    assert heard == Heard(known=False)
    assert back.status is HandlerStatus.CONNECTED


def test_a_follower_outlives_a_restart_of_the_registry(tmp_path: Path) -> None:
    async def scenario() -> Follower:
        async with running(tmp_path) as first, asking(first) as client:
            await client.call(HandlerRegister(instance=instance()))
            follower = Follower(first, client)
            await follower.until(lambda: bool(follower.snapshots))
            await first.service.stop()
            async with running(tmp_path, *first.service.addresses):
                await follower.until(lambda: len(follower.snapshots) > 1)
            await follower.mirror.close()
            return follower

    before, after = (follower := asyncio.run(scenario())).snapshots[0], follower.snapshots[-1]
    assert before.epoch != after.epoch
    assert [state.status for state in before.instances] == [HandlerStatus.CONNECTED]
    assert [state.status for state in after.instances] == [HandlerStatus.DISCONNECTED]


def test_the_snapshot_is_written_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "handler_registry.yaml"

    async def scenario() -> str:
        async with running(tmp_path) as town, asking(town) as client:
            await client.call(HandlerRegister(instance=instance()))
            while not path.exists():  # noqa: ASYNC110 - a file tells no one that it is there
                await asyncio.sleep(0.02)
            return path.read_text()

    assert "instance_id: i1" in asyncio.run(scenario())


def test_handlers_are_counted_by_status(tmp_path: Path) -> None:
    def counted(town: Town) -> dict[str, float | None]:
        name = "schedulezero_handlers"
        return {status: town.samples.get_sample_value(name, {"status": status}) for status in HandlerStatus}

    async def scenario() -> dict[str, float | None]:
        async with running(tmp_path) as town, asking(town) as client:
            await client.call(HandlerRegister(instance=instance()))
            while not counted(town)["Connected"]:  # noqa: ASYNC110 - a gauge tells no one that it was set
                await asyncio.sleep(0.02)
            return counted(town)

    assert asyncio.run(scenario()) == {"Connected": 1, "Draining": 0, "Unresponsive": 0, "Disconnected": 0}


@pytest.mark.parametrize(
    ("socket", "variable"),
    [("commands", "SCHEDULEZERO_ZRPC_PORT"), ("events", "SCHEDULEZERO_REGISTRY_EVENTS_PORT")],
)
def test_a_taken_port_is_one_clear_line_and_leaves_nothing_open(tmp_path: Path, socket: str, variable: str) -> None:
    async def scenario() -> StartError:
        async with running(tmp_path / "a") as first:
            taken = {socket: getattr(first.service.addresses[0], socket)}
            free = {"commands": "inproc://commands", "events": "inproc://events"}
            second = Town(tmp_path / "b", [Endpoints(**free | taken)])
            with pytest.raises(StartError) as failure:
                await second.service.start()
            second.context.term()
            return failure.value

    error = str(asyncio.run(scenario()))
    assert variable in error
    assert "in use" in error
    assert "\n" not in error


def test_a_snapshot_that_cannot_be_kept_is_said_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def scenario() -> None:
        town = Town(tmp_path / "file", [ANY_PORT])
        with pytest.raises(StartError, match="SCHEDULEZERO_REGISTRY_PATH"):
            await town.service.start()
        assert town.service.addresses == ()
        town.context.term()

    asyncio.run(scenario())


def test_it_is_a_service_that_says_how_it_is(tmp_path: Path) -> None:
    async def scenario() -> list[object]:
        town = Town(tmp_path, [ANY_PORT])
        assert isinstance(town.service, FallibleService)
        states = [town.service.health()["status"]]
        await town.service.start()
        states.append(town.service.health()["status"])
        await town.service.stop()
        town.context.term()
        return states

    assert asyncio.run(scenario()) == ["starting", "ok"]
