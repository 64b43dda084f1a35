"""The programs of the world: the real services, with nothing of theirs replaced but sockets, clock and disk."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry

from schedulezero.handler import Context as JobContext
from schedulezero.handler import Fail, Handler, Retry
from schedulezero.handler.method import Offer
from schedulezero.handler.serve import Server
from schedulezero.handler.settings import Settings as HandlerSettings
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.link.calls import CommandClient
from schedulezero.registry.service import RegistryService
from schedulezero.runtime.metrics import LoopMetrics, RegistryMetrics, SchedulerMetrics
from schedulezero.runtime.settings import DatabaseSettings, Endpoints, Settings
from schedulezero.scheduler.service import SchedulerService

from ..model.promises import Asking, Promises
from ..model.watch import Watch
from .process import Process

REGISTRY = Endpoints(commands="tcp://registry:4242", events="tcp://registry:4243")
SCHEDULERS = tuple(
    Endpoints(commands=f"tcp://scheduler-{n}:4244", events=f"tcp://scheduler-{n}:4245") for n in range(2)
)
"""Where a scheduler listens; a second one, where there is a standby, listens at the second place."""
_SECONDS = (0, 0.01, 0.5, 2, 7)
"""What jobs may take."""
_KEEP_ALL = DatabaseSettings(keep_days=0, keep_failed_days=0, keep_executions=0)
_SETTINGS = Settings(state_dir="/simulated", database=_KEEP_ALL)


def registry(process: Process, context: Any) -> Coroutine[Any, Any, None]:
    """The registry, until it is killed."""
    metrics = CollectorRegistry()
    service = RegistryService(
        _SETTINGS,
        process,
        context,
        metrics=RegistryMetrics.on(metrics),
        loop_metrics=LoopMetrics.on(metrics),
        endpoints=[REGISTRY],
    )
    return _serve(service)


def scheduler(process: Process, context: Any, place: Endpoints) -> tuple[SchedulerService, Coroutine[Any, Any, None]]:
    """A scheduler, and what runs it until it is killed."""
    metrics = CollectorRegistry()
    service = SchedulerService(
        _SETTINGS,
        process,
        context,
        metrics=SchedulerMetrics.on(metrics),
        loop_metrics=LoopMetrics.on(metrics),
        endpoints=[place],
        registry=REGISTRY,
    )
    return service, _serve(service)


async def _serve(service: Any) -> None:
    await service.start()
    await service.wait_failed()


def handler(
    handler_id: str, instance_id: str, capacity: int, context: Any, jobs: "Jobs"
) -> tuple[Server, Coroutine[Any, Any, None]]:
    """An instance of a handler, and what runs it until it is killed or drained."""
    offered = Handler(handler_id)
    offered.method(jobs.work)
    offered.method(concurrency=1)(jobs.alone)
    settings = HandlerSettings(
        registry=REGISTRY.commands,
        bind="tcp://handlers:0",
        advertise=None,
        capacity=capacity,
        instance_id=instance_id,
        drain_seconds=10,
    )
    server = Server(Offer(handler_id=handler_id, version=None, methods=offered.methods), settings, context)
    return server, server.run()


class Jobs:
    """What handlers do: it takes a while, and ends in some way.

    Args:
        watch: told of each claim that is begun.
        random: what decides how long and how.
    """

    def __init__(self, watch: Watch, random: Random) -> None:
        self.takes: float | None = None
        """Seconds after which every job succeeds; None leaves that to chance."""
        self._watch, self._random = watch, random

    async def work(self, ctx: JobContext) -> list[object]:
        return await self._do(ctx)

    async def alone(self, ctx: JobContext) -> list[object]:
        return await self._do(ctx)

    async def _do(self, ctx: JobContext) -> list[object]:
        execute = ctx._execute
        self._watch.begun(execute.boot_id, execute.execution_id, execute.claim)
        ctx.log.info("begun", claim=execute.claim)
        await asyncio.sleep(self._random.choice(_SECONDS) if self.takes is None else self.takes)
        luck = 1.0 if self.takes is not None else self._random.random()
        if luck < 0.15:
            raise RuntimeError("it went wrong")
        if luck < 0.2:
            raise Fail("for good")
        if luck < 0.25:
            raise Retry("later", after=1)
        return [execute.boot_id, execute.claim]


async def user(
    context: Any,
    place: Endpoints,
    promises: Promises,
    next_asking: Callable[[], Asking | None],
    pause: Callable[[], float],
) -> None:
    """Somebody who asks one thing after another, without waiting for the answers."""
    client = CommandClient(context, place.commands, "the scheduler")
    under_way: set[asyncio.Task[None]] = set()
    while True:
        asking = next_asking()
        if asking is not None:
            task = asyncio.create_task(_ask(client, promises, asking))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.sleep(pause())


async def _ask(client: CommandClient, promises: Promises, asking: Asking) -> None:
    ticket = promises.ask(asking)
    try:
        promises.answer(ticket, await client.call(asking.command))
    except ScheduleZeroError as error:
        promises.refuse(ticket, error.problem)
