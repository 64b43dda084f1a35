"""The form of a schedule, to create one or to change one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from schedulezero.protocol.answers import PreviewAnswer
from schedulezero.protocol.commands import ScheduleCreate, ScheduleGet, SchedulePatch, ScheduleUpdate, TriggerPreview
from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.protocol.validation import check_params, decode
from schedulezero.protocol.values import HandlerRecord, ScheduleRecord, ScheduleRequest
from schedulezero.web.backend import PROBE_SECONDS
from schedulezero.web.http.errors import headers_of, status_of
from schedulezero.web.microsites import flash, forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.schedules import fields, texts
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.wording import path_to
from schedulezero.web.routes import Reply

_FIRES = 10
_BEGINNING = {
    "job_params": "{}",
    fields.TRIGGER_TYPE: "interval",
    "if_exists": "error",
    "overlap": "skip",
    "catch_up": "latest",
    "notify.on": fields.TOLD_OF,
}


async def blank(visit: Visit) -> Reply:
    """The form of a new schedule; the query string may fill in fields of it."""
    return await _form(visit, {**_BEGINNING, **forms.typed(visit.query)})


async def create(visit: Visit) -> Reply:
    typed = visit.form
    try:
        if _asks_for_preview(visit):
            return await _form(visit, typed, preview=await _preview(visit))
        request = decode(msgspec.json.encode(texts.request_of(typed)), ScheduleRequest)
        check_params(request.job_params)
        created = await visit.scheduler.call(ScheduleCreate(schedule=request))
    except ScheduleZeroError as error:
        return await _form(visit, typed, problem=error.problem)
    id_ = created.schedule_id
    told = f"{id_} is created." if created.created else f"{id_} is there already, and was kept as it is."
    return flash.leading_to(path_to("schedules", id_), told)


async def edit(visit: Visit) -> Reply:
    schedule = await _schedule(visit)
    return await _form(visit, texts.texts_of(schedule), schedule=schedule)


async def change(visit: Visit) -> Reply:
    """Change the fields that differ from what the schedule has; nothing if it was changed since the form was shown."""
    schedule = await _schedule(visit)
    try:
        if _asks_for_preview(visit):
            return await _form(visit, visit.form, schedule=schedule, preview=await _preview(visit))
        return await _save(visit, schedule)
    except ScheduleZeroError as error:
        return await _form(visit, visit.form, schedule=schedule, problem=error.problem)


async def _save(visit: Visit, schedule: ScheduleRecord) -> Reply:
    if visit.form.get("updated_at") != schedule.updated_at.isoformat():
        message = "Somebody has changed this schedule since; save again to put what stands here in its place."
        raise ScheduleZeroError.of(Code.CONFLICT, message)
    page = path_to("schedules", schedule.id)
    patch = texts.patch_of(visit.form, texts.texts_of(schedule))
    if not patch:
        return flash.leading_to(page, "Nothing was changed.")
    command = ScheduleUpdate(
        schedule_id=schedule.id,
        patch=decode(msgspec.json.encode(patch), SchedulePatch),
        if_version=schedule.version,
    )
    await visit.scheduler.call(command)
    return flash.leading_to(page, f"{schedule.id} is changed.")


async def _schedule(visit: Visit) -> ScheduleRecord:
    return await visit.scheduler.call(ScheduleGet(schedule_id=visit.path["schedule_id"]))


def _asks_for_preview(visit: Visit) -> bool:
    return visit.form.get("do") == "preview"


async def _preview(visit: Visit) -> PreviewAnswer:
    body = msgspec.json.encode(texts.trigger_of(visit.form))
    try:
        trigger: Any = decode(body, TriggerConfig)
    except ScheduleZeroError as error:
        raise error.under("trigger_config") from None
    return await visit.scheduler.call(TriggerPreview(trigger_config=trigger, count=_FIRES))


async def _form(
    visit: Visit,
    typed: Mapping[str, str],
    *,
    schedule: ScheduleRecord | None = None,
    problem: Problem | None = None,
    preview: PreviewAnswer | None = None,
) -> Reply:
    beside, faults = forms.placed(problem, texts.names(typed)) if problem is not None else ({}, ())
    shown = forms.filled(fields.EVERY, typed, beside)
    handlers = await _known_handlers(visit)
    page = visit.render(
        "schedules/form.html",
        here="schedules",
        schedule=schedule,
        parts=fields,
        fields=shown,
        opened=[title for title, group in fields.OPTIONS.items() if any(_is_set(shown[one.name]) for one in group)],
        faults=faults,
        has_faults=problem is not None,
        preview=preview,
        handlers=[handler.id for handler in handlers],
        methods=sorted({method for handler in handlers for method in handler.methods}),
    )
    return page if problem is None else replace(page, status=status_of(problem), headers=headers_of(problem))


def _is_set(field: Field) -> bool:
    return bool(field.error) or texts.is_unusual(field.name, field.value)


async def _known_handlers(visit: Visit) -> tuple[HandlerRecord, ...]:
    """They are suggestions only: without the registry the form has none."""
    try:
        return await visit.gateway.backend.handlers(timeout=PROBE_SECONDS)
    except ScheduleZeroError:
        return ()
