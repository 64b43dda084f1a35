"""The list of executions, newest first."""

from collections.abc import Mapping
from datetime import datetime

from schedulezero.protocol.answers import ExecutionPage
from schedulezero.protocol.errors import Problem, ScheduleZeroError
from schedulezero.protocol.states import Status
from schedulezero.web.api.executions import ExecutionQuery
from schedulezero.web.microsites import forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.listing import Filters, refused
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.wording import summary
from schedulezero.web.routes import Reply

_INSTANT_HINT = "such as 2026-11-23T06:00, in UTC"

_FIELDS = (
    Field(name="handler_id", label="Handler"),
    Field(name="method_name", label="Method"),
    Field(name="schedule_id", label="Schedule"),
    Field(name="tag", label="Tag"),
    Field(name="since", label="Created since", hint=_INSTANT_HINT),
    Field(name="until", label="Created until", hint=_INSTANT_HINT),
    Field(name="q", label="Search", hint="in ids and method names"),
    Field(name="status", label="Status", kind="checks", choices=tuple((status, status) for status in Status)),
)


async def show(visit: Visit) -> Reply:
    filters = Filters(path="/executions", typed=_in_utc(forms.typed(visit.query)), fields=_FIELDS)
    try:
        asked: ExecutionQuery = filters.read(ExecutionQuery)
        return _page(visit, filters, await visit.scheduler.call(asked.command()), None)
    except ScheduleZeroError as error:
        return refused(error.problem, _page(visit, filters, None, error.problem))


def _page(visit: Visit, filters: Filters, found: ExecutionPage | None, problem: Problem | None) -> Reply:
    fields, faults = filters.shown(problem)
    return visit.render(
        "executions/list.html",
        here="executions",
        host=visit.host,
        filters=filters,
        fields=fields,
        faults=faults,
        is_refused=problem is not None,
        records=found.records if found else (),
        next=filters.next(found.next_cursor) if found else None,
        summary=summary,
    )


def _in_utc(typed: Mapping[str, str]) -> Mapping[str, str]:
    """A time without its zone is meant in UTC, as the pages show times."""
    return {name: _with_zone(text) if name in ("since", "until") else text for name, text in typed.items()}


def _with_zone(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo is not None else f"{moment.isoformat()}Z"
