"""Registry, scheduler and handlers on one loop, linked by real sockets and over a real database file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import zmq
from prometheus_client import CollectorRegistry

from schedulezero.handler import Handler
from schedulezero.protocol.answers import RunAccepted
from schedulezero.protocol.commands import Command, ExecutionGet, RunNow
from schedulezero.protocol.link.calls import CommandClient, Context
from schedulezero.protocol.values import ExecutionDetail, RunRequest
from schedulezero.registry.service import RegistryService
from schedulezero.runtime.clock import SystemClock
from schedulezero.runtime.metrics import LoopMetrics, RegistryMetrics, SchedulerMetrics
from schedulezero.runtime.settings import DatabaseSettings, Endpoints, RegistrySettings, SchedulerSettings, Settings
from schedulezero.scheduler.service import SchedulerService
from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.waiting import becomes


class Parts:
    """What runs, and the clients of its two services.

    Args:
        directory: for the database and the registry's snapshot.
        context: the ZeroMQ context of all.
        events: where the scheduler hears the registry's events, if not at the registry.
        database: the URL of the database, if not a file in the directory.
    """

    def __init__(self, directory: Path, context: Context, events: str | None, database: str | None) -> None:
        registry, registry_events, scheduler, scheduler_events = free_ports(4)
        self.settings = Settings(
            state_dir=str(directory),
            registry=RegistrySettings(port=registry, events_port=registry_events, metrics_port=0),
            scheduler=SchedulerSettings(port=scheduler, events_port=scheduler_events, metrics_port=0),
            database=DatabaseSettings(url=database) if database else DatabaseSettings(),
        )
        self.context, self._events = context, events
        self.registry = CommandClient(context, self.settings.registry.connecting.commands, "the registry")
        self.scheduler = CommandClient(context, self.settings.scheduler.connecting.commands, "the scheduler")
        self._serving: dict[str, asyncio.Task[None]] = {}

    # -- services --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running_registry(self) -> AsyncIterator[RegistryService]:
        metrics = CollectorRegistry()
        service = RegistryService(
            self.settings,
            SystemClock(),
            self.context,
            metrics=RegistryMetrics.on(metrics),
            loop_metrics=LoopMetrics.on(metrics),
        )
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    @asynccontextmanager
    async def running_scheduler(self) -> AsyncIterator[SchedulerService]:
        metrics, registry = CollectorRegistry(), self.settings.registry.connecting
        service = SchedulerService(
            self.settings,
            SystemClock(),
            self.context,
            metrics=SchedulerMetrics.on(metrics),
            loop_metrics=LoopMetrics.on(metrics),
            registry=Endpoints(commands=registry.commands, events=self._events or registry.events),
        )
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    # -- handlers --------------------------------------------------------------------------------------------------

    async def serve(self, handler: Handler, instance_id: str, method: str = "noop") -> None:
        """Serve a handler, and return once it has run `method`, which takes no parameter."""
        registry = self.settings.registry.connecting.commands
        serving = handler.serve(
            registry=registry, bind="tcp://127.0.0.1:0", instance_id=instance_id, context=self.context
        )
        self._serving[instance_id] = asyncio.create_task(serving)

        async def runs_there() -> bool:
            answer = await self.run(handler.id, method, wait_seconds=5)
            return answer.status == "success"

        await becomes(runs_there, what=f"a run on {handler.id}")

    async def cut(self, instance_id: str) -> None:
        """End an instance at once, with what it runs."""
        serving = self._serving.pop(instance_id)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    # -- commands --------------------------------------------------------------------------------------------------

    async def ask[R](self, command: Command[R]) -> R:
        return await self.scheduler.call(command)

    async def run(
        self, handler_id: str, method: str, *, wait_seconds: float = 0, key: str | None = None, **params: Any
    ) -> RunAccepted:
        request = RunRequest(
            handler_id=handler_id, method_name=method, job_params=msgspec.Raw(msgspec.json.encode(params))
        )
        return await self.ask(RunNow(run=request, wait_seconds=wait_seconds, idempotency_key=key))

    async def execution(self, execution_id: str) -> ExecutionDetail:
        return await self.ask(ExecutionGet(execution_id=execution_id))

    async def ended(self, execution_id: str) -> ExecutionDetail:
        """Return an execution once it has ended."""

        async def look() -> ExecutionDetail | None:
            record = await self.execution(execution_id)
            return record if record.completed_at is not None else None

        return await becomes(look, what=f"the end of execution {execution_id}")

    async def close(self) -> None:
        for instance_id in list(self._serving):
            await self.cut(instance_id)
        self.registry.close()
        self.scheduler.close()


@asynccontextmanager
async def running_parts(
    directory: Path, *, events: str | None = None, database: str | None = None
) -> AsyncIterator[Parts]:
    """Start registry and scheduler; handlers are served in the block."""
    context: Context = zmq.Context()
    try:
        parts = Parts(directory, context, events, database)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(parts.running_registry())
            await stack.enter_async_context(parts.running_scheduler())
            stack.push_async_callback(parts.close)
            yield parts
    finally:
        context.destroy(linger=0)
