"""Handlers: who is there, what they offer; ping, drain, pause, resume."""

from bisect import bisect_right
from collections.abc import Iterable

from msgspec import UNSET, UnsetType

from schedulezero.protocol.answers import Done, Drained, PongAnswer
from schedulezero.protocol.commands import (
    HandlerDrain,
    HandlerGet,
    HandlerList,
    HandlerPause,
    HandlerPauses,
    HandlerPing,
    HandlerResume,
    Limit,
)
from schedulezero.protocol.errors import Code
from schedulezero.protocol.values import HandlerDetail, HandlerRecord, Input, Value
from schedulezero.web.api.fields import Reason
from schedulezero.web.routes import Call, Nothing, Reply, Route


class HandlerQuery(Input):
    """Which handlers; `q` is searched in ids and method names, `cursor` is the `next_cursor` of the part before."""

    q: str | None = None
    limit: Limit = 100
    cursor: str | None = None
    include_total: bool = False


class HandlerListing(Value):
    """Handlers, by id."""

    handlers: tuple[HandlerRecord, ...]
    count: int
    limit: int
    next_cursor: str | None
    total: int | UnsetType = UNSET


async def list_all(call: Call[None, HandlerQuery]) -> Reply:
    return Reply.of(listing(await call.gateway.backend.handlers(), call.query))


def listing(known: Iterable[HandlerRecord], query: HandlerQuery) -> HandlerListing:
    """Return the part of the known handlers that a query asks for."""
    found = sorted((handler for handler in known if _is_asked_for(handler, query)), key=_id)
    start = bisect_right(found, query.cursor, key=_id) if query.cursor is not None else 0
    part = found[start : start + query.limit]
    return HandlerListing(
        handlers=tuple(part),
        count=len(part),
        limit=query.limit,
        next_cursor=part[-1].id if start + query.limit < len(found) else None,
        total=len(found) if query.include_total else UNSET,
    )


async def show(call: Call[None, Nothing]) -> Reply:
    return Reply.of(await call.gateway.backend.handler(call.path["handler_id"]))


async def ping(call: Call[Nothing, Nothing]) -> Reply:
    return await call.ask(HandlerPing(handler_id=call.path["handler_id"]))


async def drain(call: Call[Reason, Nothing]) -> Reply:
    return await call.ask(HandlerDrain(handler_id=call.path["handler_id"], reason=call.body.reason))


async def pause(call: Call[Reason, Nothing]) -> Reply:
    return await call.ask(HandlerPause(handler_id=call.path["handler_id"], reason=call.body.reason))


async def resume(call: Call[Reason, Nothing]) -> Reply:
    return await call.ask(HandlerResume(handler_id=call.path["handler_id"], reason=call.body.reason))


def _is_asked_for(handler: HandlerRecord, query: HandlerQuery) -> bool:
    sought = (query.q or "").casefold()
    return any(sought in name.casefold() for name in (handler.id, *handler.methods))


def _id(handler: HandlerRecord) -> str:
    return handler.id


_ONE = "/api/handlers/{handler_id}"
_UNKNOWN = (Code.HANDLER_NOT_FOUND,)

ROUTES = (
    Route(
        method="GET",
        path="/api/handlers",
        summary="List the handlers, by id.",
        serve=list_all,
        query=HandlerQuery,
        answers={200: HandlerListing},
        asks=(HandlerList, HandlerPauses),
    ),
    Route(
        method="GET",
        path=_ONE,
        summary="Show a handler, with the JSON Schema and docstring of each method.",
        serve=show,
        answers={200: HandlerDetail},
        asks=(HandlerGet, HandlerPauses),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/ping",
        summary="Measure a round trip between the scheduler and the handler.",
        serve=ping,
        body=Nothing,
        answers={200: PongAnswer},
        asks=(HandlerPing,),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/drain",
        summary="Tell the handler's instances to finish what they have and stop.",
        serve=drain,
        body=Reason,
        answers={200: Drained},
        asks=(HandlerDrain,),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/pause",
        summary="Give the handler no more work.",
        serve=pause,
        body=Reason,
        answers={200: Done},
        asks=(HandlerPause,),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/resume",
        summary="Give the handler work again.",
        serve=resume,
        body=Reason,
        answers={200: Done},
        asks=(HandlerResume,),
        errors=_UNKNOWN,
    ),
)
