"""The services behind the gateway: whom it asks, and what it puts together from their answers."""

import asyncio
from collections.abc import Awaitable
from typing import Literal, Self

from msgspec.structs import replace

from schedulezero.protocol.answers import PausedHandlers, SchedulerHealth, ServiceInfo
from schedulezero.protocol.commands import HandlerGet, HandlerList, HandlerPauses, Ping, SystemHealth
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.link.calls import CommandClient, Context
from schedulezero.protocol.values import HandlerDetail, HandlerRecord, Pause, Value

PROBE_SECONDS = 1.0
"""How long is waited for what an answer can do without."""


class Component(Value):
    """The state of one part of the system; `message` says what is wrong with it."""

    status: Literal["ok", "unavailable", "failing", "unknown"]
    message: str | None = None
    version: str | None = None


class Components(Value):
    """The parts that the gateway stands on."""

    registry: Component
    scheduler: Component
    database: Component

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong, by component; empty when all is well."""
        parts = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: part.message or part.status for name, part in parts.items() if part.status != "ok"}


class Condition(Value):
    """How the system is: its components, and whether and why everything is paused."""

    components: Components
    paused: Pause | None


class Backend:
    """The scheduler and the registry.

    Args:
        scheduler: the link to the scheduler.
        registry: the link to the registry.
    """

    def __init__(self, *, scheduler: CommandClient, registry: CommandClient) -> None:
        self.scheduler = scheduler
        self.registry = registry

    @classmethod
    def connect(cls, context: Context, *, scheduler_endpoint: str, registry_endpoint: str) -> Self:
        """Begin to connect to both; neither needs to be there yet."""
        return cls(
            scheduler=CommandClient(context, scheduler_endpoint, "the scheduler"),
            registry=CommandClient(context, registry_endpoint, "the registry"),
        )

    def close(self) -> None:
        """Close both links; whoever still waits is told."""
        self.scheduler.close()
        self.registry.close()

    async def handlers(self, *, timeout: float | None = None) -> tuple[HandlerRecord, ...]:
        """Return the registry's handlers, by id, with the scheduler's pauses while it answers.

        Args:
            timeout: how long the registry's answer is waited for, in seconds; the link's own where left out.

        Raises:
            ScheduleZeroError: the registry does not answer.
        """
        page, pauses = await asyncio.gather(self.registry.call(HandlerList(), timeout=timeout), self._pauses())
        return tuple(_paused(handler, pauses) for handler in page.handlers)

    async def handler(self, handler_id: str) -> HandlerDetail:
        """Return one handler with its methods, and whether it is paused.

        Raises:
            ScheduleZeroError: it is not known, or the registry does not answer.
        """
        detail, pauses = await asyncio.gather(self.registry.call(HandlerGet(handler_id=handler_id)), self._pauses())
        return _paused(detail, pauses)

    async def condition(self) -> Condition:
        """Ask every part how it is; answers within about a second, whatever is away."""
        registry, scheduler = await asyncio.gather(
            _outcome(self.registry.call(Ping(), timeout=PROBE_SECONDS)),
            _outcome(self.scheduler.call(SystemHealth(), timeout=PROBE_SECONDS)),
        )
        components = Components(
            registry=_component(registry), scheduler=_component(scheduler), database=_database(scheduler)
        )
        return Condition(components=components, paused=getattr(scheduler, "paused", None))

    async def _pauses(self) -> dict[str, Pause]:
        answer = await _outcome(self.scheduler.call(HandlerPauses(), timeout=PROBE_SECONDS))
        return answer.handlers if isinstance(answer, PausedHandlers) else {}


async def _outcome[T](asked: Awaitable[T]) -> T | ScheduleZeroError:
    try:
        return await asked
    except ScheduleZeroError as error:
        return error


def _paused[H: HandlerRecord](handler: H, pauses: dict[str, Pause]) -> H:
    pause = pauses.get(handler.id)
    return handler if pause is None else replace(handler, paused=True, pause=pause)


def _component(told: ServiceInfo | SchedulerHealth | ScheduleZeroError) -> Component:
    if isinstance(told, ScheduleZeroError):
        return Component(status="unavailable", message=str(told))
    return Component(status="ok", version=told.version)


def _database(scheduler: SchedulerHealth | ScheduleZeroError) -> Component:
    if isinstance(scheduler, ScheduleZeroError):
        return Component(status="unknown", message="the scheduler, which alone opens it, does not answer")
    if scheduler.database != "ok":
        return Component(status="failing", message=scheduler.database)
    return Component(status="ok")
