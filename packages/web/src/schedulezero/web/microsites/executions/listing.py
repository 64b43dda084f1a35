"""The list of executions, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from schedulezero.protocol.errors import Problem, ScheduleZeroError
from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import ExecutionRecord
from schedulezero.web.api.executions import ExecutionQuery
from schedulezero.web.microsites import forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.listing import Filters, refused
from schedulezero.web.microsites.site import Visit
from schedulezero.web.microsites.sorting import Column, words
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


_COLUMNS = (
    Column(name="created", label="Created", key=lambda record: record.created_at),
    Column(name="status", label="Status", key=lambda record: record.status),
    Column(name="method", label="Method", key=lambda record: words(record.method_name)),
    Column(name="handler", label="Handler", key=lambda record: words(record.handler_id)),
    Column(name="schedule", label="Schedule", key=lambda record: words(record.schedule_id)),
    Column(name="duration", label="Duration", key=lambda record: record.duration_ms),
    Column(name="says", label="Says", key=lambda record: words(summary(record) or None)),
    Column(name="actions", label="Actions"),
)


async def show(visit: Visit) -> Reply:
    filters = Filters(path="/executions", typed=_in_utc(forms.typed(visit.query)), fields=_FIELDS, columns=_COLUMNS)
    try:
        asked: ExecutionQuery = filters.read(ExecutionQuery)
        found = await visit.scheduler.call(asked.command())
        return _page(visit, filters, filters.ordered(found.records), found.next_cursor)
    except ScheduleZeroError as error:
        return refused(error.problem, _page(visit, filters, problem=error.problem))


def _page(
    visit: Visit,
    filters: Filters,
    records: Sequence[ExecutionRecord] = (),
    cursor: str | None = None,
    problem: Problem | None = None,
) -> Reply:
    fields, faults = filters.shown(problem)
    return visit.render(
        "executions/list.html",
        here="executions",
        host=visit.host,
        filters=filters,
        fields=fields,
        faults=faults,
        is_refused=problem is not None,
        records=records,
        next=filters.next(cursor),
        summary=summary,
        final=FINAL,
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
