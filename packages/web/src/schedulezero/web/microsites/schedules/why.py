"""Why it did, did not, or will run at an instant: what is asked of a schedule's page, and what it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schedulezero.protocol.answers import Explanation
from schedulezero.protocol.commands import ScheduleExplain
from schedulezero.protocol.errors import Problem, ScheduleZeroError
from schedulezero.protocol.values import ScheduleRecord
from schedulezero.web.microsites import forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.schedules.evidence import Fact, facts_of
from schedulezero.web.microsites.site import Visit

_NAME = "why"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A question, as the page shows it, and its answer.

    Attributes:
        field: where the instant is typed in.
        faults: what is wrong and belongs to no field.
        problem: why there is no answer to what was asked.
        explanation: the answer; None where nothing was asked, or it was refused.
        facts: the evidence of the answer.
    """

    field: Field
    faults: Sequence[str] = ()
    problem: Problem | None = None
    explanation: Explanation | None = None
    facts: Sequence[Fact] = ()


async def why(visit: Visit, schedule: ScheduleRecord) -> Why:
    """Return the question that is in the address, answered."""
    asked = forms.typed(visit.query).get(_NAME, "")
    field = replace(_field(schedule), value=asked)
    if not asked:
        return Why(field=field)
    try:
        explanation = await visit.scheduler.call(ScheduleExplain(schedule_id=schedule.id, at=asked.strip()))
    except ScheduleZeroError as error:
        beside, faults = forms.placed(error.problem, {"at": _NAME})
        return Why(field=replace(field, error=beside.get(_NAME, "")), faults=faults, problem=error.problem)
    return Why(field=field, explanation=explanation, facts=facts_of(explanation))


def _field(schedule: ScheduleRecord) -> Field:
    zone = schedule.trigger_config.timezone or "the schedule's time zone"
    hint = f"past or to come, such as 2026-12-24T08:00, in {zone} unless it ends in Z"
    return Field(name=_NAME, label="At", hint=hint)
