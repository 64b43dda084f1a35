"""One schedule: what it is, when it fires next, what came of it lately."""

import asyncio

import msgspec
from msgspec import Raw

from schedulezero.protocol.answers import PreviewAnswer
from schedulezero.protocol.commands import ExecutionFilter, ExecutionList, ScheduleGet, TriggerPreview
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.values import ScheduleRecord
from schedulezero.web.microsites.schedules.texts import options_of
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.wording import pretty, summary
from schedulezero.web.routes import Reply

_FIRES = 10
_NEWEST = 10


async def show(visit: Visit) -> Reply:
    id_ = visit.path["schedule_id"]
    newest = ExecutionList(filter=ExecutionFilter(schedule_id=id_), limit=_NEWEST)
    schedule = await visit.scheduler.call(ScheduleGet(schedule_id=id_))
    preview, executions = await asyncio.gather(upcoming(visit, schedule), visit.scheduler.call(newest))
    return visit.render(
        "schedules/single.html",
        here="schedules",
        schedule=schedule,
        options=options_of(schedule),
        trigger=pretty(Raw(msgspec.json.encode(schedule.trigger_config))),
        preview=preview,
        records=executions.records,
        summary=summary,
    )


async def confirm(visit: Visit) -> Reply:
    schedule = await visit.scheduler.call(ScheduleGet(schedule_id=visit.path["schedule_id"]))
    return visit.render("schedules/delete.html", here="schedules", schedule=schedule)


async def upcoming(visit: Visit, schedule: ScheduleRecord) -> PreviewAnswer:
    """Return the next fire times of its trigger; why there are none, where the trigger itself is at fault."""
    try:
        return await visit.scheduler.call(TriggerPreview(trigger_config=schedule.trigger_config, count=_FIRES))
    except ScheduleZeroError as error:
        if error.code is not Code.INVALID_VALUE:
            raise
        return PreviewAnswer(fire_times=(), warnings=(str(error),))
