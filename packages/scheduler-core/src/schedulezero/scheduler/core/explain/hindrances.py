"""What an execution had to wait for, what it waits for now, and what stands against an instant that is to come."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from schedulezero.protocol.states import FINAL, Status
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.explain.facts import Cause, Facts, Hindrance
from schedulezero.scheduler.core.explain.verdict import Case, Evidence, interval
from schedulezero.scheduler.core.model import SECOND, Execution, SpellKind
from schedulezero.scheduler.core.policies import due_at

_STOPPING: tuple[tuple[SpellKind, Cause], ...] = (
    ("system_pause", "everything_paused"),
    ("handler_pause", "handler_paused"),
    ("handler_offline", "no_handler"),
)
"""What keeps executions that are decided from being handed out."""

_SCOPES = {"paused": "schedule", "everything_paused": "everything", "handler_paused": "handler"}


def due(case: Case, instant: int) -> int:
    """Return when an instant is to be decided: itself, and its jitter where the schedule is as it was."""
    schedule = case.facts.schedule
    if schedule is None or case.fires is None or not case.is_as_it_was(schedule, case.facts.row):
        return instant
    return due_at(schedule.id, schedule.generation, case.fires, schedule.request.jitter_seconds, instant)


def began_at(row: Execution, facts: Facts) -> int | None:
    """Return when the first attempt of an execution began."""
    starts = (row.started_at, *(attempt.started_at for attempt in facts.attempts))
    return min((start for start in starts if start is not None), default=None)


def before_it_began(case: Case, row: Execution) -> tuple[Hindrance, ...]:
    """Return what made an execution begin, or end without having begun, later than a second after its instant."""
    until = began_at(row, case.facts) or row.completed_at or case.now
    return (*_before_it_was_decided(case, row), *_before_it_was_handed_out(case, row, until))


def _before_it_was_decided(case: Case, row: Execution) -> Iterator[Hindrance]:
    due_then = due(case, case.at)
    if due_then - case.at > SECOND:
        yield Hindrance(cause="jitter", began=case.at, ended=due_then)
    if row.created_at - due_then <= SECOND:
        return
    down = case.facts.down(due_then, row.created_at)
    yield from (Hindrance(cause="scheduler_down", began=gap.began, ended=gap.ended, note=gap.why) for gap in down)
    if not down:
        yield Hindrance(cause="scheduler_behind", began=due_then, ended=row.created_at)


def _before_it_was_handed_out(case: Case, row: Execution, until: int) -> Iterator[Hindrance]:
    if until - row.created_at <= SECOND:
        return
    found = list(_known_causes(case.facts, row, until))
    yield from found or [Hindrance(cause="no_slot", began=row.created_at, ended=until)]


def _known_causes(facts: Facts, row: Execution, until: int) -> Iterator[Hindrance]:
    for kind, cause in _STOPPING:
        yield from (Hindrance.of(cause, spell) for spell in facts.during(kind, row.created_at, until))
    other = facts.other
    if other is not None and other.completed_at is not None and other.completed_at > row.created_at:
        yield Hindrance(cause="overlap", began=row.created_at, ended=other.completed_at, execution_id=other.id)


def in_the_way_now(case: Case, row: Execution) -> Hindrance:
    """Return what an execution waits for, of several the one that keeps it longest."""
    facts = case.facts
    for kind, cause in _STOPPING[:2]:
        if spell := facts.lasting(kind):
            return Hindrance.of(cause, spell)
    if row.status is Status.RETRYING and row.ready_at > case.now:
        return Hindrance(cause="retry", began=case.now, ended=row.ready_at)
    if row.serial and facts.other is not None and facts.other.status not in FINAL:
        return Hindrance(cause="overlap", began=row.created_at, execution_id=facts.other.id)
    return _of_the_handler(facts) or Hindrance(cause="no_slot", began=row.created_at)


def _of_the_handler(facts: Facts) -> Hindrance | None:
    presence = facts.presence
    if spell := facts.lasting("handler_offline"):
        return Hindrance.of("no_handler", spell)
    if presence is None or presence.ready:
        return None
    return Hindrance(cause="no_method" if presence.refusing else "no_handler")


def against(case: Case) -> tuple[Hindrance, ...]:
    """Return what would keep a coming instant from running if it lasted."""
    return tuple(_against(case.facts))


def _against(facts: Facts) -> Iterator[Hindrance]:
    kinds: tuple[tuple[SpellKind, Cause], ...] = (("schedule_pause", "paused"), ("quarantine", "quarantined"))
    for kind, cause in (*kinds, *_STOPPING):
        if spell := facts.lasting(kind):
            yield Hindrance.of(cause, spell)
    if not facts.seen and facts.lasting("handler_offline") is None:
        yield Hindrance(cause="no_handler")


def by_reason(one: Hindrance, facts: Facts) -> Evidence:
    """Return what is known of one that is the reason given, by the names that a skip for that reason has."""
    match one.cause:
        case "paused" | "everything_paused" | "handler_paused":
            return {
                "paused_at": _moment(one.began),
                "paused_by": one.actor,
                "note": one.note,
                "scope": _SCOPES[one.cause],
            }
        case "quarantined":
            return {"error": one.note, "since": _moment(one.began)}
        case "no_handler":
            is_offline = one.began is not None or not facts.seen
            return {"offline": [interval(one.began, one.ended)] if is_offline else []}
        case "overlap":
            started_at = facts.other.started_at if facts.other is not None else None
            return {"running_execution_id": one.execution_id, "started_at": _moment(started_at)}
        case _:
            return {}


def as_evidence(hindrances: tuple[Hindrance, ...]) -> list[Evidence]:
    """Return each as its cause, from, to, and what else is known of it."""
    return [_as_evidence(one) for one in hindrances]


def _as_evidence(one: Hindrance) -> Evidence:
    known: dict[str, Any] = {"by": one.actor, "note": one.note, "execution_id": one.execution_id}
    told = {name: value for name, value in known.items() if value is not None}
    return {"cause": one.cause, **interval(one.began, one.ended), **told}


def _moment(instant: int | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
