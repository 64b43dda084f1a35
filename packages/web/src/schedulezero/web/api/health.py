"""Is it there, is it well, can it work?"""

from typing import Literal

from schedulezero.protocol.commands import Ping, SystemHealth
from schedulezero.protocol.errors import Code, Detail, Problem, ScheduleZeroError
from schedulezero.protocol.values import Pause, Value
from schedulezero.web.backend import Components
from schedulezero.web.routes import Call, Nothing, Reply, Route


class Health(Value):
    """How the system is; `degraded` when a component is not `ok`. `paused` is a pause of everything."""

    status: Literal["ok", "degraded"]
    version: str
    components: Components
    paused: Pause | None
    service: Literal["schedulezero"] = "schedulezero"


class Alive(Value):
    """This process answers."""

    status: Literal["ok"] = "ok"


async def report(call: Call[None, Nothing]) -> Reply:
    now = await call.gateway.backend.condition()
    health = Health(
        status="degraded" if now.components.faults else "ok",
        version=call.gateway.version,
        components=now.components,
        paused=now.paused,
    )
    return Reply.of(health)


async def live(_call: Call[None, Nothing]) -> Reply:
    return Reply.of(Alive())


async def ready(call: Call[None, Nothing]) -> Reply:
    faults = (await call.gateway.backend.condition()).components.faults
    if faults:
        details = tuple(Detail(path=f"components.{name}", message=fault) for name, fault in faults.items())
        message = f"not ready: {', '.join(faults)}"
        raise ScheduleZeroError(Problem(code=Code.UNAVAILABLE, message=message, details=details, retry_after=1))
    return Reply.of(Alive())


ROUTES = (
    Route(
        method="GET",
        path="/api/health",
        summary="Tell how each component is; 200 also when one is away.",
        serve=report,
        answers={200: Health},
    ),
    Route(
        method="GET",
        path="/api/health/live",
        summary="Tell that this process answers.",
        serve=live,
        answers={200: Alive},
    ),
    Route(
        method="GET",
        path="/api/health/ready",
        summary="Tell whether registry, scheduler and database can work.",
        serve=ready,
        answers={200: Alive},
        asks=(Ping, SystemHealth),
    ),
)
