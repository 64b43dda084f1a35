"""The list of handlers, by id."""

from collections.abc import Sequence

from schedulezero.protocol.errors import Problem, ScheduleZeroError
from schedulezero.protocol.values import HandlerRecord
from schedulezero.web.api.handlers import HandlerQuery, listing
from schedulezero.web.microsites import forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.listing import Filters, refused
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.sorting import Column, words
from schedulezero.web.routes import Reply

_FIELDS = (Field(name="q", label="Search", hint="in ids and methods"),)

_COLUMNS = (
    Column(name="id", label="Handler", key=lambda handler: words(handler.id)),
    Column(name="status", label="Status", key=lambda handler: handler.status),
    Column(name="methods", label="Methods", key=lambda handler: len(handler.methods)),
    Column(name="running", label="Instances", key=lambda handler: sum(one.running for one in handler.instances)),
    Column(name="actions", label="Actions"),
)


async def show(visit: Visit) -> Reply:
    filters = Filters(path="/handlers", typed=forms.typed(visit.query), fields=_FIELDS, columns=_COLUMNS)
    try:
        found = listing(await visit.gateway.backend.handlers(), filters.read(HandlerQuery))
        return _page(visit, filters, filters.ordered(found.handlers), found.next_cursor)
    except ScheduleZeroError as error:
        return refused(error.problem, _page(visit, filters, problem=error.problem))


def _page(
    visit: Visit,
    filters: Filters,
    handlers: Sequence[HandlerRecord] = (),
    cursor: str | None = None,
    problem: Problem | None = None,
) -> Reply:
    fields, faults = filters.shown(problem)
    return visit.render(
        "handlers/list.html",
        here="handlers",
        filters=filters,
        fields=fields,
        faults=faults,
        is_refused=problem is not None,
        handlers=handlers,
        next=filters.next(cursor),
    )
