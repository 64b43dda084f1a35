"""Triggers: when would this fire?"""

from typing import Annotated

from msgspec import Meta

from schedulezero.protocol.answers import PreviewAnswer
from schedulezero.protocol.commands import TriggerPreview
from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.protocol.values import Input
from schedulezero.web.api.fields import Instant
from schedulezero.web.routes import Call, Nothing, Reply, Route


class PreviewRequest(Input, kw_only=True):
    """Which trigger; `after` stands for the instant of creation, now when left out."""

    trigger_config: TriggerConfig
    count: Annotated[int, Meta(ge=1, le=1000)] = 10
    after: Instant | None = None


async def preview(call: Call[PreviewRequest, Nothing]) -> Reply:
    body = call.body
    return await call.ask(TriggerPreview(trigger_config=body.trigger_config, count=body.count, after=body.after))


ROUTES = (
    Route(
        method="POST",
        path="/api/triggers/preview",
        summary="List the next fire times of a trigger, with warnings about clock changes.",
        serve=preview,
        body=PreviewRequest,
        answers={200: PreviewAnswer},
        asks=(TriggerPreview,),
    ),
)
