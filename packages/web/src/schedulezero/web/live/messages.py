"""What is said over `GET /ws`, and its description, for the document of an API that knows no WebSockets of its own."""

from typing import Annotated, Any

from msgspec import Meta, field

from schedulezero.protocol.values import Input, Json, Time, Value
from schedulezero.web.http.errors import Error

MOST_PATTERNS = 100

ABOUT = (
    "Connect with a WebSocket client and send a LiveSubscription, as often as you like; the last one counts, and "
    "nothing acknowledges it. What comes is a LiveEvent for each event that was subscribed to, a LiveGap where events "
    "were left out, and a LiveError for a message that is none, after which the earlier subscription still holds. "
    "Within a family, the part of a type before the dot, `seq` rises within one `epoch`. Events are hints: after a gap "
    "or a reconnection, fetch anew what you rely on. A server that stops closes with 1001."
)


class LiveSubscription(Input, kw_only=True):
    """What a client wants to be told of: types of events such as `execution.finished`, `execution.*`, or `*`."""

    subscribe: Annotated[tuple[str, ...], Meta(max_length=MOST_PATTERNS)]


class LiveEvent(Value):
    """What has happened. `data` is the record as it stands since: an execution, a schedule, or an instance."""

    type: str
    epoch: str
    seq: int
    time: Time
    data: Json


class LiveGap(Value, tag_field="type", tag="gap"):
    """Events of a family that were left out, both ends included; 0 where it cannot be known which."""

    family: str
    from_: int = field(name="from")
    to: int


class LiveError(Value, tag_field="type", tag="error"):
    """What was wrong with a client's message."""

    error: Error


FROM_CLIENT = (LiveSubscription,)
FROM_SERVER = (LiveEvent, LiveGap, LiveError)


def operation(schemas: dict[Any, dict[str, Any]], failures: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI operation of `GET /ws`.

    Args:
        schemas: the schema of each message.
        failures: the responses to a handshake that is refused.
    """
    return {
        "operationId": "live_follow",
        "summary": "Follow events as they happen, over a WebSocket.",
        "description": ABOUT,
        "tags": ["live"],
        "parameters": [],
        "responses": {"101": {"description": "Switching Protocols: the WebSocket is open."}, **failures},
        "x-websocket": {
            "from-client": [schemas[type_] for type_ in FROM_CLIENT],
            "from-server": [schemas[type_] for type_ in FROM_SERVER],
        },
    }
