"""The list of schedules, by id."""

from msgspec.structs import asdict

from schedulezero.protocol.answers import SchedulePage
from schedulezero.protocol.commands import ScheduleList
from schedulezero.protocol.errors import Problem, ScheduleZeroError
from schedulezero.web.api.schedules import ScheduleQuery
from schedulezero.web.microsites import forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.listing import Filters, refused
from schedulezero.web.microsites.site import Visit
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


async def show(visit: Visit) -> Reply:
    filters = Filters(path="/schedules", typed=forms.typed(visit.query), fields=_FIELDS)
    try:
        found = await visit.scheduler.call(ScheduleList(**asdict(filters.read(ScheduleQuery))))
        return _page(visit, filters, found, None)
    except ScheduleZeroError as error:
        return refused(error.problem, _page(visit, filters, None, error.problem))


def _page(visit: Visit, filters: Filters, found: SchedulePage | None, problem: Problem | None) -> Reply:
    fields, faults = filters.shown(problem)
    return visit.render(
        "schedules/list.html",
        here="schedules",
        filters=filters,
        fields=fields,
        faults=faults,
        is_refused=problem is not None,
        schedules=found.schedules if found else (),
        next=filters.next(found.next_cursor) if found else None,
    )
