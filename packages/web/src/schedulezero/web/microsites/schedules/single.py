"""One schedule: what it is, when it fires next, what came of it lately."""

import asyncio

import msgspec
from msgspec import Raw

from schedulezero.protocol.commands import ExecutionFilter, ExecutionList, ScheduleGet
from schedulezero.runtime.clock import to_datetime
from schedulezero.web.microsites.listing import refused
from schedulezero.web.microsites.schedules.actions import run_key
from schedulezero.web.microsites.schedules.texts import options_of
from schedulezero.web.microsites.schedules.upcoming import upcoming
from schedulezero.web.microsites.schedules.why import why
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.wording import pretty, summary
from schedulezero.web.routes import Reply

_NEWEST = 10


async def show(visit: Visit) -> Reply:
    id_ = visit.path["schedule_id"]
    newest = ExecutionList(filter=ExecutionFilter(schedule_id=id_), limit=_NEWEST)
    schedule = await visit.scheduler.call(ScheduleGet(schedule_id=id_))
    now = to_datetime(visit.gateway.clock.now())
    coming, executions, asked = await asyncio.gather(
        upcoming(visit.scheduler, schedule, now), visit.scheduler.call(newest), why(visit, schedule)
    )
    page = visit.render(
        "schedules/single.html",
        here="schedules",
        schedule=schedule,
        options=options_of(schedule),
        trigger=pretty(Raw(msgspec.json.encode(schedule.trigger_config))),
        coming=coming,
        run_key=run_key,
        records=executions.records,
        summary=summary,
        asked=asked,
    )
    return page if asked.problem is None else refused(asked.problem, page)


async def confirm(visit: Visit) -> Reply:
    schedule = await visit.scheduler.call(ScheduleGet(schedule_id=visit.path["schedule_id"]))
    return visit.render("schedules/delete.html", here="schedules", schedule=schedule)
