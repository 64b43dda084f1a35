"""What can be done to a schedule."""

import uuid

from schedulezero.protocol.commands import ScheduleDelete, SchedulePause, ScheduleResume, ScheduleRun
from schedulezero.web.microsites.acting import back_of, reason_of, told
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.wording import path_to
from schedulezero.web.routes import Reply


async def pause(visit: Visit) -> Reply:
    asked = visit.scheduler.call(SchedulePause(schedule_id=_id(visit), reason=reason_of(visit)))
    return await told(
        asked, back_of(visit, _page(visit)), lambda _: f"{_id(visit)} is paused: it does not fire until it is resumed."
    )


async def resume(visit: Visit) -> Reply:
    asked = visit.scheduler.call(ScheduleResume(schedule_id=_id(visit), reason=reason_of(visit)))
    return await told(asked, back_of(visit, _page(visit)), lambda _: f"{_id(visit)} is resumed.")


async def run(visit: Visit) -> Reply:
    """A button that is pressed twice runs it once: the second press has the key of the first."""
    asked = visit.scheduler.call(ScheduleRun(schedule_id=_id(visit), idempotency_key=visit.form.get("key")))
    return await told(
        asked,
        back_of(visit, _page(visit)),
        lambda _: f"{_id(visit)} runs now.",
        to=lambda accepted: back_of(visit, path_to("executions", accepted.execution_id)),
    )


def run_key() -> str:
    """Return a key for one press of a button."""
    return uuid.uuid4().hex


async def delete(visit: Visit) -> Reply:
    asked = visit.scheduler.call(ScheduleDelete(schedule_id=_id(visit)))
    return await told(asked, _page(visit), lambda _: f"{_id(visit)} is deleted.", to=lambda _: "/schedules")


def _id(visit: Visit) -> str:
    return visit.path["schedule_id"]


def _page(visit: Visit) -> str:
    return path_to("schedules", _id(visit))
