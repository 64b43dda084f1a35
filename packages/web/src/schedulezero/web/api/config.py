"""The settings that anyone may read."""

from typing import Any

from schedulezero.web.routes import Call, Nothing, Reply, Route


async def show(call: Call[None, Nothing]) -> Reply:
    return Reply.of(call.gateway.public_settings)


ROUTES = (
    Route(
        method="GET",
        path="/api/config",
        summary="Show the public part of the settings.",
        serve=show,
        answers={200: dict[str, Any]},
    ),
)
