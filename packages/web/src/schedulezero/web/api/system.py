"""The whole system: pause and resume."""

from schedulezero.protocol.answers import Done
from schedulezero.protocol.commands import SystemPause, SystemResume
from schedulezero.web.api.fields import Reason
from schedulezero.web.routes import Call, Nothing, Reply, Route


async def pause(call: Call[Reason, Nothing]) -> Reply:
    return await call.ask(SystemPause(reason=call.body.reason))


async def resume(call: Call[Reason, Nothing]) -> Reply:
    return await call.ask(SystemResume(reason=call.body.reason))


ROUTES = (
    Route(
        method="POST",
        path="/api/pause",
        summary="Start nothing more, on any handler.",
        serve=pause,
        body=Reason,
        answers={200: Done},
        asks=(SystemPause,),
    ),
    Route(
        method="POST",
        path="/api/resume",
        summary="Start work again.",
        serve=resume,
        body=Reason,
        answers={200: Done},
        asks=(SystemResume,),
    ),
)
