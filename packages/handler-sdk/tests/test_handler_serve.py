"""A handler on real sockets, between a registry and schedulers."""

import asyncio
import logging
import selectors
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import zmq

from schedulezero.handler import Context, Handler, HandlerError, SettingsError
from schedulezero.protocol.commands import HandlerDeregister, HandlerHeartbeat
from schedulezero.protocol.envelope import MAX_PARCEL_ITEMS
from schedulezero.protocol.handling import Drain, Probe, Pulse, Refused, Report, Stranger, Welcome

WAIT_SECONDS = 20


class Scene:
    """A context, a registry and a served handler, and schedulers made on demand; all is closed at the end."""

    def __init__(self, handler: Handler, fakes: Any, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.handler, self.context = handler, context
        self._make_registry, self._make_scheduler = fakes
        self._open: list[Any] = []
        self.registry = self.new_registry()
        self.serving = self.serve()

    def serve(self) -> "asyncio.Task[None]":
        return asyncio.ensure_future(self.handler.serve(registry=self.registry.endpoint, context=self.context))

    def new_registry(self, *arguments: Any, **options: Any) -> Any:
        self._open.append(self._make_registry(self.context, *arguments, **options))
        return self._open[-1]

    async def connect(self, name: str = "s") -> Any:
        """Return a scheduler that was made welcome, with the registration it knows."""
        self.instance = await self.registry.registration()
        return await self.join(name)

    async def join(self, name: str) -> Any:
        scheduler = self._make_scheduler(self.context, self.instance, name)
        self._open.append(scheduler)
        scheduler.hello()
        scheduler.welcome = await scheduler.heard.take(Welcome)
        return scheduler

    async def close(self) -> None:
        self.serving.cancel()
        await asyncio.gather(self.serving, return_exceptions=True)
        for each in self._open:
            each.close()


@pytest.fixture
def play(fakes: Any) -> Callable[..., None]:
    @asynccontextmanager
    async def stage(handler: Handler) -> AsyncIterator[Scene]:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        scene = Scene(handler, fakes, context)
        try:
            yield scene
        finally:
            await scene.close()
            context.term()

    def play(
        handler: Handler, script: Callable[[Scene], Awaitable[None]], loop: Callable[[], Any] | None = None
    ) -> None:
        async def perform() -> None:
            async with stage(handler) as scene:
                await script(scene)

        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(perform())

    return play


def new_handler() -> Handler:
    handler = Handler("reports", version="1.2")

    @handler.method
    def add(a: int, b: int = 1) -> int:
        """Add two numbers."""
        return a + b

    @handler.method
    async def speak(ctx: Context) -> None:
        ctx.log.info("hello", n=1)
        ctx.progress(1, 2)

    @handler.method
    async def wait() -> None:
        await asyncio.Event().wait()

    return handler


def test_an_instance_registers_with_all_it_offers_and_sends_heartbeats(play: Any) -> None:
    async def script(scene: Scene) -> None:
        info = await scene.registry.registration()

        assert (info.handler_id, info.capacity, info.version) == ("reports", 16, "1.2")
        assert next((method.name, method.doc) for method in info.methods) == ("add", "Add two numbers.")
        assert info.address.startswith("tcp://127.0.0.1:")
        first, second = [await scene.registry.heard.take(HandlerHeartbeat) for _ in range(2)]
        assert first == second
        assert (first.instance_id, first.boot_id, first.draining) == (info.instance_id, info.boot_id, False)

    play(new_handler(), script)


def test_a_run_goes_from_execute_to_outcome_and_is_forgotten_when_acknowledged(play: Any) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        assert (scheduler.welcome.boot_id, scheduler.welcome.holding) == (scene.instance.boot_id, ())

        scheduler.execute("e1", "add", b'{"a": 1}')
        outcome = await scheduler.outcome("e1")

        assert (outcome.status, bytes(outcome.result)) == ("success", b"2")
        assert outcome.started_at <= outcome.completed_at
        scheduler.hello()
        assert (await scheduler.heard.take(Welcome)).holding == (("e1", 1, 1),)
        scheduler.acknowledge(outcome)
        scheduler.hello()
        assert (await scheduler.heard.take(Welcome)).holding == ()

    play(new_handler(), script)


def test_lines_and_progress_come_before_the_outcome(play: Any) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        scheduler.execute("e1", "speak")
        await scheduler.outcome("e1")

        assert [item.event for item in scheduler.heard.items if isinstance(item, Report)] == ["hello", "progress"]

    play(new_handler(), script)


def test_many_runs_take_few_frames(play: Any) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        before = scheduler.frames
        scheduler.say(*[scheduler.work(f"e{n}", "speak") for n in range(MAX_PARCEL_ITEMS)])
        for n in range(MAX_PARCEL_ITEMS):
            await scheduler.outcome(f"e{n}")

        assert scheduler.frames - before <= MAX_PARCEL_ITEMS / 4

    play(new_handler(), script)


def test_an_outcome_is_delivered_to_the_scheduler_that_comes_back(play: Any) -> None:
    async def script(scene: Scene) -> None:
        first = await scene.connect()
        first.execute("e1", "add", b'{"a": 1}')
        await first.outcome("e1")
        first.close()

        second = await scene.join("s")

        assert second.welcome.holding == (("e1", 1, 1),)
        assert (await second.outcome("e1")).status == "success"

    play(new_handler(), script)


def test_what_ends_while_no_scheduler_is_there_is_kept_for_the_one_that_comes_back(play: Any) -> None:
    release, ended = threading.Event(), asyncio.Event()
    handler = new_handler()

    @handler.method
    async def held() -> None:
        await asyncio.to_thread(release.wait, WAIT_SECONDS)
        ended.set()

    async def script(scene: Scene) -> None:
        first = await scene.connect()
        first.execute("e1", "held")
        await first.pulse()
        first.close()
        release.set()
        await ended.wait()

        second = await scene.join("s")

        assert (await second.outcome("e1")).status == "success"

    play(handler, script)


def test_a_duplicate_does_not_run_again(play: Any) -> None:
    runs: list[int] = []
    handler = new_handler()
    handler.method(name="count")(lambda: runs.append(1))

    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        scheduler.execute("e1", "count")
        outcome = await scheduler.outcome("e1")
        scheduler.execute("e1", "count")
        assert await scheduler.outcome("e1") == outcome
        scheduler.acknowledge(outcome)
        scheduler.execute("e1", "count")
        assert (await scheduler.heard.take(Refused)).reason == "stale"
        assert runs == [1]

    play(handler, script)


def test_a_hello_and_work_for_another_boot_are_turned_away(play: Any) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        here = Stranger(instance_id=scene.instance.instance_id, boot_id=scene.instance.boot_id)

        scheduler.hello(boot_id="earlier")
        assert await scheduler.heard.take(Stranger) == here
        scheduler.execute("e1", "add", boot_id="earlier")
        assert await scheduler.heard.take(Stranger) == here

    play(new_handler(), script)


@pytest.mark.parametrize(
    "frames",
    [[b"junk"], [b"{}"], [b""], [b"", b"{}"], [b'{"v":1,"messages":[{"type":"boom"}]}'], [b'{"v":9,"messages":[]}']],
)
def test_a_frame_that_is_no_parcel_is_logged_and_the_instance_lives(
    play: Any, frames: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        scheduler.say_raw(*frames)
        scheduler.say(Probe(nonce=3))

        assert (await scheduler.heard.take(Pulse, lambda pulse: pulse.nonce == 3)).boot_id == scene.instance.boot_id
        assert [record.message for record in caplog.records if "no parcel" in record.message]

    play(new_handler(), script)


def test_every_second_a_pulse_tells_that_the_program_lives(play: Any) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        scheduler.execute("e1", "wait")

        assert (await scheduler.heard.take(Pulse)).running == 1

    play(new_handler(), script)


# -- the registry -----------------------------------------------------------------------------------------------------


def test_an_instance_registers_anew_when_the_registry_has_forgotten_it(play: Any) -> None:
    async def script(scene: Scene) -> None:
        first = await scene.registry.registration()
        scene.registry.knows = False

        assert await scene.registry.registration() == first

    play(new_handler(), script)


def test_an_instance_waits_for_a_registry_that_comes_later_and_says_so_once(
    play: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedulezero.handler.registration.ANSWER_SECONDS", 0.05)
    monkeypatch.setattr("schedulezero.handler.registration.RETRY_SECONDS", 0.05)
    caplog.set_level(logging.INFO, "schedulezero.handler")

    async def script(scene: Scene) -> None:
        await scene.registry.registration()
        await scene.registry.heard.take(HandlerHeartbeat)
        endpoint = scene.registry.endpoint
        scene.registry.close()
        registering = scene.handler._server._registration  # type: ignore[union-attr]
        async with asyncio.timeout(WAIT_SECONDS):
            for _ in range(3):
                await _next_trouble(registering, monkeypatch)
        later = scene.new_registry(endpoint)
        later.knows = False
        await later.registration()
        for _ in range(2):
            await later.heard.take(HandlerHeartbeat)

        texts = [record.message for record in caplog.records]
        assert len([text for text in texts if "trying on: it does not answer" in text]) == 1
        assert len([text for text in texts if text.startswith("registered reports")]) == 2

    play(new_handler(), script)


async def _next_trouble(registering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until a try has failed."""
    failed = asyncio.Event()
    note = type(registering)._note_trouble

    def noted(trouble: str) -> None:
        note(registering, trouble)
        failed.set()

    monkeypatch.setattr(registering, "_note_trouble", noted)
    await failed.wait()


# -- the end ----------------------------------------------------------------------------------------------------------


def test_a_drain_refuses_new_work_finishes_the_old_and_deregisters(play: Any) -> None:
    release = threading.Event()
    handler = new_handler()
    handler.method(name="held")(lambda: release.wait(WAIT_SECONDS))

    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        scheduler.execute("e1", "held")
        scheduler.say(Drain())
        await scheduler.pulse(draining=True)
        await scene.registry.heard.take(HandlerHeartbeat, lambda beat: beat.draining)
        scheduler.execute("e2", "add", b'{"a": 1}')
        assert (await scheduler.heard.take(Refused)).reason == "draining"
        release.set()
        outcome = await scheduler.outcome("e1")
        assert not scene.serving.done()
        scheduler.acknowledge(outcome)
        async with asyncio.timeout(WAIT_SECONDS):
            await scene.serving
        assert await scene.registry.heard.take(HandlerDeregister)

    play(handler, script)


def test_a_program_can_drain_its_handler_and_serve_it_again(play: Any) -> None:
    async def script(scene: Scene) -> None:
        first = await scene.registry.registration()
        scene.handler.drain()
        async with asyncio.timeout(WAIT_SECONDS):
            await scene.serving
        scene.serving = scene.serve()

        assert (await scene.registry.registration()).boot_id != first.boot_id

    play(new_handler(), script)


def test_cancelling_serve_stops_at_once_and_deregisters(play: Any) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        scheduler.execute("e1", "wait")
        await scheduler.pulse()
        scene.serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scene.serving

        assert await scene.registry.heard.take(HandlerDeregister)

    play(new_handler(), script)


def test_a_handler_is_served_once_at_a_time(play: Any) -> None:
    async def script(scene: Scene) -> None:
        await scene.registry.registration()
        with pytest.raises(HandlerError, match="reports is being served already"):
            await scene.serve()

    play(new_handler(), script)


def test_an_address_that_is_taken_is_a_setting_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("SCHEDULEZERO_HANDLER_BIND", f"tcp://127.0.0.1:{taken.getsockname()[1]}")

        with pytest.raises(SettingsError, match=r"SCHEDULEZERO_HANDLER_BIND=.*cannot listen on"):
            asyncio.run(new_handler().serve())


# -- embedding --------------------------------------------------------------------------------------------------------


def test_it_serves_over_inproc_in_the_process_of_others(fakes: Any) -> None:
    make_registry, make_scheduler = fakes

    async def scenario() -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        registry = make_registry(context, "inproc://registry")
        serving = asyncio.ensure_future(
            new_handler().serve(registry="inproc://registry", bind="inproc://demo", instance_id="demo", context=context)
        )
        instance = await registry.registration()
        assert (instance.address, instance.instance_id) == ("inproc://demo", "demo")
        scheduler = make_scheduler(context, instance)
        scheduler.hello()
        scheduler.execute("e1", "add", b'{"a": 1}')
        assert (await scheduler.outcome("e1")).status == "success"
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        scheduler.close()
        registry.close()
        context.term()

    asyncio.run(scenario())


class BareLoop(asyncio.SelectorEventLoop):
    """A loop without readers and signal handlers, as Windows' default one is."""

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())

    def add_reader(self, *_: Any) -> None:  # type: ignore[override]
        raise NotImplementedError

    def remove_reader(self, *_: Any) -> bool:
        raise NotImplementedError

    def add_signal_handler(self, *_: Any) -> None:  # type: ignore[override]
        raise NotImplementedError


def test_it_serves_on_a_loop_without_readers(play: Any) -> None:
    async def script(scene: Scene) -> None:
        scheduler = await scene.connect()
        scheduler.execute("e1", "add", b'{"a": 1}')
        scheduler.acknowledge(await scheduler.outcome("e1"))
        scheduler.say(Drain())
        async with asyncio.timeout(WAIT_SECONDS):
            await scene.serving

    play(new_handler(), script, BareLoop)
