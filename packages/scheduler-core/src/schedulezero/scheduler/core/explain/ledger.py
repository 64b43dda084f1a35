"""What the ledger's row says of an instant, and that it is not there any more."""

from schedulezero.protocol.states import Reason, Status
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.explain.facts import Hindrance
from schedulezero.scheduler.core.explain.hindrances import (
    as_evidence,
    before_it_began,
    began_at,
    by_reason,
    in_the_way_now,
)
from schedulezero.scheduler.core.explain.verdict import Case, Evidence, Verdict, interval, of_spells, seconds
from schedulezero.scheduler.core.model import Execution, Schedule, Spell


def recorded(case: Case) -> Verdict | None:
    """What became of an instant that has a row. Not every instant that a range reaches over was one of its own."""
    row, schedule = case.facts.row, case.facts.schedule
    if row is None or (_is_inside(row, case.at) and _is_none_of_its_own(case, row, schedule)):
        return None
    verdict = _skipped(case, row) if row.status is Status.SKIPPED else _to_run(case, row)
    return _with_remarks(case, verdict)


def removed(case: Case) -> Verdict | None:
    """That an instant was decided, but has no row."""
    schedule = case.facts.schedule
    if schedule is None or case.at > schedule.decided_through:
        return None
    through = to_datetime(schedule.decided_through)
    evidence = {"decided_through": through}
    return Verdict(decision="unknown", reason="removed", text=case.words.removed(), evidence=evidence)


def _is_inside(row: Execution, at: int) -> bool:
    return row.covers_from is not None and at not in (row.covers_from, row.covers_to, row.fire_time)


def _is_none_of_its_own(case: Case, row: Execution, schedule: Schedule | None) -> bool:
    return schedule is not None and case.is_as_it_was(schedule, row) and case.mismatch is not None


def _with_remarks(case: Case, verdict: Verdict) -> Verdict:
    """Add what clock changes have made of the instant."""
    facts = case.facts
    if facts.schedule is None or case.fires is None or not case.is_as_it_was(facts.schedule, facts.row):
        return verdict
    remarks = "".join(map(case.words.remark, case.fires.remarks(case.at)))
    return Verdict(
        decision=verdict.decision,
        reason=verdict.reason,
        text=verdict.text + remarks,
        evidence=verdict.evidence,
        execution_id=verdict.execution_id,
    )


# -- that runs, or ran ------------------------------------------------------------------------------------------------


def _to_run(case: Case, row: Execution) -> Verdict:
    if row.status in (Status.PENDING, Status.RETRYING):
        return _waits(case, row)
    causes = before_it_began(case, row)
    text = _said_of(case, row, _late(case, row, causes))
    return _verdict(row, text, None, _of_run(case, row, causes))


def _said_of(case: Case, row: Execution, late: str) -> str:
    words = case.words
    said = words.stands_for_all(row) if row.covers_from is not None else ""
    match row.status:
        case Status.SUCCESS:
            ended = words.success(row, late)
        case Status.ERROR:
            ended = words.error(row, late)
        case Status.TIMEOUT:
            ended = words.timeout(row, late)
        case Status.CANCELLED:
            schedule = case.facts.schedule
            by_policy = schedule is not None and schedule.request.overlap == "cancel_running"
            ended = words.cancelled(row, late, by_policy=by_policy)
        case _:
            ended = words.running(row, late)
    return f"{said} {ended}".strip()


def _late(case: Case, row: Execution, causes: tuple[Hindrance, ...]) -> str:
    began = began_at(row, case.facts)
    return case.words.late(began - case.at, causes, case.facts) if causes and began is not None else ""


def _of_run(case: Case, row: Execution, causes: tuple[Hindrance, ...]) -> Evidence:
    began = began_at(row, case.facts)
    late = None if began is None else seconds(began - case.at)
    return {"attempts": row.attempt, "late_by_seconds": late, "waited_for": as_evidence(causes)}


def _waits(case: Case, row: Execution) -> Verdict:
    hindrance = in_the_way_now(case, row)
    text = case.words.waiting(row, hindrance, case.facts)
    waits_for = as_evidence((hindrance,))[0]
    evidence = {"attempts": row.attempt, **by_reason(hindrance, case.facts), "waits_for": waits_for}
    return _verdict(row, text, hindrance.cause, evidence)


# -- that was skipped -------------------------------------------------------------------------------------------------


def _skipped(case: Case, row: Execution) -> Verdict:
    text, evidence = _of_skip(case, row)
    return _verdict(row, text, row.reason, evidence)


def _of_skip(case: Case, row: Execution) -> tuple[str, Evidence]:
    match row.reason:
        case Reason.OVERLAP:
            return _overlapped(case, row)
        case Reason.PAUSED:
            return paused(case, row.completed_at or case.now)
        case Reason.QUARANTINED:
            return quarantined(case, row.completed_at or case.now)
        case Reason.NO_HANDLER:
            offline = case.facts.during("handler_offline", _decided(case, row), row.completed_at or case.now)
            return case.words.no_handler(offline, case.facts), {"offline": _offline(case, offline)}
        case Reason.EXPIRED:
            return _expired(case, row)
        case _:
            return _misfired(case, row)


def _decided(case: Case, row: Execution) -> int:
    """Return about when the instant was decided: a row is extended while the reason stays the same."""
    return max(case.at, row.created_at)


def _overlapped(case: Case, row: Execution) -> tuple[str, Evidence]:
    other, schedule = case.facts.other, case.facts.schedule
    evidence = {
        "running_execution_id": other.id if other is not None else None,
        "started_at": None if other is None or other.started_at is None else to_datetime(other.started_at),
        "ended_at": None if other is None or other.completed_at is None else to_datetime(other.completed_at),
    }
    same = schedule is not None and schedule.generation == row.generation
    return case.words.overlap(other, schedule if same else None), evidence


def _misfired(case: Case, row: Execution) -> tuple[str, Evidence]:
    decided = row.created_at if row.created_at >= case.at else row.completed_at or case.now
    down, schedule = case.facts.down(case.at, decided), case.facts.schedule
    evidence = {
        "scheduler_down": [interval(gap.began, gap.ended) for gap in down],
        "late_by_seconds": seconds(decided - case.at),
    }
    same = schedule is not None and schedule.generation == row.generation
    return case.words.misfire(decided - case.at, decided, down, schedule if same else None), evidence


def _expired(case: Case, row: Execution) -> tuple[str, Evidence]:
    causes = before_it_began(case, row) or (Hindrance(cause="no_slot", began=row.created_at, ended=row.completed_at),)
    offline = case.facts.during("handler_offline", row.created_at, row.completed_at or case.now)
    evidence = {
        "expires_at": to_datetime(row.expires_at) if row.expires_at is not None else None,
        "offline": _offline(case, offline),
        "waited_for": as_evidence(causes),
    }
    return case.words.expired(row, causes), evidence


def _offline(case: Case, offline: tuple[Spell, ...]) -> list[Evidence]:
    return of_spells(offline) if case.facts.seen else [interval(None, None)]


def paused(case: Case, until: int) -> tuple[str, Evidence]:
    """Say which pause held an instant back that was, or would be, accounted for at `until`."""
    own = _holding(case, case.facts.during("schedule_pause", case.at, until))
    all_ = _holding(case, case.facts.during("system_pause", case.at, until))
    # The one through the instant; a decision that came some milliseconds late is under the next one.
    spell = min((one for one in (own, all_) if one is not None), key=lambda one: max(one.began, case.at), default=None)
    everything = spell is not None and spell is not own
    evidence = {
        "paused_at": to_datetime(spell.began) if spell is not None else None,
        "paused_by": spell.actor if spell is not None else None,
        "note": spell.note if spell is not None else None,
        "scope": "everything" if everything else "schedule",
        "resumed_at": to_datetime(spell.ended) if spell is not None and spell.ended is not None else None,
    }
    return case.words.paused(spell, everything=everything, facts=case.facts), evidence


def quarantined(case: Case, until: int) -> tuple[str, Evidence]:
    """Say which quarantine held an instant back that was, or would be, accounted for at `until`."""
    spell = _holding(case, case.facts.during("quarantine", case.at, until))
    schedule = case.facts.schedule
    error = spell.note if spell is not None else schedule.error if schedule is not None else None
    evidence = {
        "error": error,
        "since": to_datetime(spell.began) if spell is not None else None,
        "until": to_datetime(spell.ended) if spell is not None and spell.ended is not None else None,
    }
    return case.words.quarantined(spell, error, case.facts), evidence


def _holding(case: Case, spells: tuple[Spell, ...]) -> Spell | None:
    """Return the spell through the instant, else the first one after it."""
    through = (one for one in spells if one.began <= case.at and (one.ended is None or one.ended >= case.at))
    return next(through, spells[0] if spells else None)


def _verdict(row: Execution, text: str, reason: str | None, evidence: Evidence) -> Verdict:
    return Verdict(decision=row.status.value, reason=reason, text=text, evidence=evidence, execution_id=row.id)
