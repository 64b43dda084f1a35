"""Why did it run, why did it not, or will it? What is asked for, the facts found, and the core's conclusion."""

from typing import NamedTuple

from schedulezero.protocol.answers import Explanation
from schedulezero.protocol.commands import ScheduleExplain
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import FINAL, Reason
from schedulezero.runtime.clock import Clock
from schedulezero.scheduler.core.explain import Facts, Presence, accounting_row, explain, since
from schedulezero.scheduler.core.model import Execution, Schedule, Spell, SpellKind, replace
from schedulezero.scheduler.core.triggers import Zone, find_zone, parse_instant
from schedulezero.scheduler.store.history import History, Past


class Question(Frozen):
    """What is asked, when, and what was found for it."""

    facts: Facts
    at: int
    now: int


class _Around(NamedTuple):
    earlier: Execution | None
    later: Execution | None


class Explaining:
    """Answers in two steps, so that the machine can be asked between them. Each may be called in any thread.

    Args:
        history: the past.
        clock: the present.
        timezone: the instance's, for schedules that are gone.
    """

    def __init__(self, history: History, clock: Clock, timezone: str) -> None:
        self._history, self._clock, self._timezone = history, clock, timezone

    def find(self, query: ScheduleExplain) -> Question:
        """Find the facts.

        Raises:
            ScheduleZeroError: schedule_not_found; invalid_value at `at`; unavailable.
        """
        now = self._clock.now()
        with self._history.read() as past:
            schedule = past.schedule(query.schedule_id)
            if schedule is None and next(past.generations(query.schedule_id), None) is None:
                message = f"there is no schedule {query.schedule_id}, and nothing is recorded of one"
                raise ScheduleZeroError.of(Code.SCHEDULE_NOT_FOUND, message, path="schedule_id")
            zone = _zone_of(schedule, self._timezone)
            at = parse_instant(query.at, zone, "at")
            return Question(facts=_facts(past, query.schedule_id, schedule, zone, at, now), at=at, now=now)

    def conclude(self, question: Question, presence: Presence | None) -> Explanation:
        """Return the answer; `presence` is that of the handler that the facts are about."""
        return explain(replace(question.facts, presence=presence), question.at, question.now)


def _zone_of(schedule: Schedule | None, timezone: str) -> Zone:
    written = schedule.request.trigger_config.timezone if schedule is not None else None
    return find_zone(written or timezone)


def _facts(past: Past, schedule_id: str, schedule: Schedule | None, zone: Zone, at: int, now: int) -> Facts:
    around = _around(past, schedule_id, schedule, at)
    row = accounting_row(around.earlier, around.later, at)
    facts = Facts(
        schedule_id=schedule_id,
        zone=zone,
        schedule=schedule,
        row=row,
        earlier=around.earlier,
        later=around.later,
        attempts=tuple(past.attempts(row.id)) if row is not None else (),
        other=_in_the_way(past, schedule_id, row, at, now) if row is not None else None,
    )
    seen = past.known_handler(facts.handler_id) is not None
    return replace(facts, seen=seen, spells=_spells(past, facts, at, now))


def _around(past: Past, schedule_id: str, schedule: Schedule | None, at: int) -> _Around:
    """Return the rows around the instant, of the present generation, else of an earlier one that accounts for it."""
    present = _Around(None, None)
    if schedule is not None:
        present = _Around(*past.around(schedule_id, schedule.generation, at))
        if at >= since(schedule) or accounting_row(*present, at) is not None:
            return present
    nearest = present
    for generation in past.generations(schedule_id):
        around = _Around(*past.around(schedule_id, generation, at))
        if accounting_row(*around, at) is not None:
            return around
        nearest = _Around(nearest.earlier or around.earlier, around.later or nearest.later)
    return nearest


def _in_the_way(past: Past, schedule_id: str, row: Execution, at: int, now: int) -> Execution | None:
    """Return what overlapped a skipped one, or what an execution that goes one after another had to wait for."""
    if row.reason is Reason.OVERLAP:
        moment, last = max(at, row.created_at), row.completed_at or row.created_at
        return past.unended(schedule_id, moment, max(moment, last), but=row.id, earlier=False)
    if not row.serial:
        return None
    moment = now if row.status not in FINAL and row.started_at is None else row.created_at
    return past.unended(schedule_id, moment, row.created_at, but=row.id, earlier=True)


def _spells(past: Past, facts: Facts, at: int, now: int) -> dict[SpellKind, tuple[Spell, ...]]:
    """Return what held from the instant on, or from now on where it is still to come."""
    ended = facts.row.completed_at if facts.row is not None else None
    first, last = min(at, now), max(ended or now, min(at, now))
    subjects: dict[SpellKind, str] = {
        "system_pause": "",
        "scheduler_up": "",
        "schedule_pause": facts.schedule_id,
        "quarantine": facts.schedule_id,
        "handler_pause": facts.handler_id,
        "handler_offline": facts.handler_id,
    }
    return {kind: tuple(past.spells(kind, subject, first, last)) for kind, subject in subjects.items()}
