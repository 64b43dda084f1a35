"""What can be done to a handler."""

from schedulezero.protocol.commands import HandlerDrain, HandlerPause, HandlerPing, HandlerResume
from schedulezero.web.microsites.acting import back_of, reason_of, told
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.wording import duration, path_to
from schedulezero.web.routes import Reply


async def ping(visit: Visit) -> Reply:
    asked = visit.scheduler.call(HandlerPing(handler_id=_id(visit)))
    return await told(
        asked, _page(visit), lambda pong: f"{pong.instance_id} answered within {duration(pong.round_trip_ms)}."
    )


async def pause(visit: Visit) -> Reply:
    asked = visit.scheduler.call(HandlerPause(handler_id=_id(visit), reason=reason_of(visit)))
    return await told(asked, _page(visit), lambda _: f"{_id(visit)} is paused: it is given no more work.")


async def resume(visit: Visit) -> Reply:
    asked = visit.scheduler.call(HandlerResume(handler_id=_id(visit), reason=reason_of(visit)))
    return await told(asked, _page(visit), lambda _: f"{_id(visit)} is resumed: it is given work again.")


async def drain(visit: Visit) -> Reply:
    asked = visit.scheduler.call(HandlerDrain(handler_id=_id(visit), reason=reason_of(visit)))
    return await told(
        asked,
        _page(visit),
        lambda drained: f"Told to finish and stop: {', '.join(drained.instances) or 'no instance'}.",
    )


def _id(visit: Visit) -> str:
    return visit.path["handler_id"]


def _page(visit: Visit) -> str:
    return back_of(visit, path_to("handlers", _id(visit)))
