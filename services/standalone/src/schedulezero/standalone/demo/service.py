"""The demo's handlers and schedules in a process."""

import asyncio

from schedulezero.handler import Handler
from schedulezero.protocol.commands import HandlerPing, ScheduleCreate
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.link.calls import CommandClient, Context
from schedulezero.runtime.clock import SystemClock
from schedulezero.runtime.logging import get_logger
from schedulezero.standalone.demo.clock_tower import ClockTower
from schedulezero.standalone.demo.desk import Desk
from schedulezero.standalone.demo.schedules import demo_schedules

_CONNECT_SECONDS = 5.0
_PING_SECONDS = 0.02

_log = get_logger()


class Demo:
    """Serves the handlers, and sees that the schedules are there.

    Args:
        context: the process's ZeroMQ context.
        scheduler_endpoint: where the scheduler answers commands.
        registry_endpoint: where the registry answers commands.
    """

    name = "demo"

    def __init__(self, context: Context, *, scheduler_endpoint: str, registry_endpoint: str) -> None:
        self._context = context
        self._scheduler_endpoint = scheduler_endpoint
        self._registry_endpoint = registry_endpoint
        self._clock = SystemClock()
        self._handlers = demo_handlers(self._clock)
        self._serving: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Return once the handlers are served and the schedules are there."""
        self._serving = [asyncio.create_task(self._serve(handler)) for handler in self._handlers]
        scheduler = CommandClient(self._context, self._scheduler_endpoint, "the scheduler")
        try:
            await self._schedule(scheduler)
            await self._connect(scheduler)
        except BaseException:
            await self._cut()
            raise
        finally:
            scheduler.close()

    async def stop(self) -> None:
        """Finish what runs; when cancelled, give it up."""
        for handler in self._handlers:
            handler.drain()
        try:
            await asyncio.gather(*self._serving)
        except asyncio.CancelledError:
            await self._cut()
            raise

    async def wait_failed(self) -> None:
        """Wait as long as the handlers are served; raise what has ended one."""
        done, _ = await asyncio.wait(self._serving, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        # All have been drained on demand, which is no failure.
        await asyncio.get_running_loop().create_future()

    async def _serve(self, handler: Handler) -> None:
        await handler.serve(
            registry=self._registry_endpoint,
            bind="tcp://127.0.0.1:0",
            instance_id=f"{handler.id}-demo",
            context=self._context,
        )

    async def _schedule(self, scheduler: CommandClient) -> None:
        for schedule in demo_schedules(self._clock.now()):
            await scheduler.call(ScheduleCreate(schedule=schedule))

    async def _connect(self, scheduler: CommandClient) -> None:
        """Wait until the scheduler reaches the handlers, so that whoever is told of the demo finds it at work."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                for handler in self._handlers:
                    await _reached(scheduler, handler.id)
        except TimeoutError:
            _log.warning("demo.not_connected_yet", waited_seconds=_CONNECT_SECONDS)

    async def _cut(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


async def _reached(scheduler: CommandClient, handler_id: str) -> None:
    while True:
        try:
            await scheduler.call(HandlerPing(handler_id=handler_id), timeout=1)
        except ScheduleZeroError:
            await asyncio.sleep(_PING_SECONDS)
        else:
            return


def demo_handlers(clock: SystemClock) -> tuple[Handler, ...]:
    """Return the handlers of the demo."""
    return (
        Handler.from_object("handler_12345", Desk(), version="demo"),
        Handler.from_object("clock_tower", ClockTower(clock), version="demo"),
    )
