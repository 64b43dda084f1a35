"""The list of schedules, by id."""

from collections.abc import Sequence

from msgspec.structs import asdict

from schedulezero.protocol.commands import ScheduleList
from schedulezero.protocol.errors import Problem, ScheduleZeroError
from schedulezero.protocol.values import ScheduleRecord
from schedulezero.web.api.schedules import ScheduleQuery
from schedulezero.web.microsites import forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.listing import Filters, refused
from schedulezero.web.microsites.schedules.actions import run_key
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.sorting import Column, words
from schedulezero.web.routes import Reply

_FIELDS = (
    Field(name="q", label="Search", hint="in ids, names and descriptions"),
    Field(name="handler_id", label="Handler"),
    Field(name="tag", label="Tag"),
    Field(
        name="paused",
        label="Paused",
        kind="select",
        choices=(("", "whether or not"), ("true", "paused"), ("false", "not paused")),
    ),
)


_COLUMNS = (
    Column(name="name", label="Schedule", key=lambda schedule: words(schedule.name or schedule.id)),
    Column(name="trigger", label="Trigger", key=lambda schedule: words(schedule.trigger)),
    Column(name="handler", label="Job", key=lambda schedule: words(f"{schedule.handler_id} {schedule.method_name}")),
    Column(name="next", label="Next", key=lambda schedule: schedule.next_fire_time),
    Column(name="last", label="Last", key=lambda schedule: schedule.last_fire_time),
    Column(name="state", label="State", key=lambda schedule: schedule.state),
    Column(name="actions", label="Actions"),
)


async def show(visit: Visit) -> Reply:
    filters = Filters(path="/schedules", typed=forms.typed(visit.query), fields=_FIELDS, columns=_COLUMNS)
    try:
        found = await visit.scheduler.call(ScheduleList(**asdict(filters.read(ScheduleQuery))))
        return _page(visit, filters, filters.ordered(found.schedules), found.next_cursor)
    except ScheduleZeroError as error:
        return refused(error.problem, _page(visit, filters, problem=error.problem))


def _page(
    visit: Visit,
    filters: Filters,
    schedules: Sequence[ScheduleRecord] = (),
    cursor: str | None = None,
    problem: Problem | None = None,
) -> Reply:
    fields, faults = filters.shown(problem)
    return visit.render(
        "schedules/list.html",
        here="schedules",
        filters=filters,
        fields=fields,
        faults=faults,
        is_refused=problem is not None,
        schedules=schedules,
        next=filters.next(cursor),
        run_key=run_key,
    )
