"""Why an instant is none that a schedule fires at."""

from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.explain.verdict import Case, Evidence, Verdict, since
from schedulezero.scheduler.core.model import Execution
from schedulezero.scheduler.core.triggers import Mismatch

_NOT_DUE = "not_due"


def of_a_deleted_schedule(case: Case) -> Verdict | None:
    """Of a schedule that is gone, its rows are all that is known."""
    if case.facts.schedule is not None:
        return None
    before, after = _fire_time(case.facts.earlier), _fire_time(case.facts.later)
    text = case.words.deleted(before, after)
    return _not_due(text, _evidence("schedule_id", "deleted", before, after))


def before_it_was_so(case: Case) -> Verdict | None:
    """What a schedule was before its last change of times is not kept; its rows are."""
    schedule = case.facts.schedule
    assert schedule is not None
    if case.is_as_it_was(schedule):
        return None
    if case.at < schedule.created_at:
        text, field = case.words.not_yet_created(schedule), "created_at"
    else:
        text, field = case.words.changed_since(since(schedule)), "trigger_config"
    following = case.fires.next(since(schedule)) if case.fires is not None else None
    return _not_due(text, _evidence(field, to_datetime(since(schedule)), None, following))


def not_a_fire_time(case: Case) -> Verdict | None:
    """Which field does not admit the instant."""
    mismatch, schedule = case.mismatch, case.facts.schedule
    if mismatch is None:
        return None
    assert schedule is not None
    previous, following = _neighbours(case)
    text = case.words.mismatched(case.at, mismatch, previous, following, schedule)
    told = {"field": mismatch.field, "value": _value(mismatch), **_more(mismatch)}
    return _not_due(text, {**told, **_around(previous, following)})


def out_of_runs(case: Case) -> Verdict | None:
    """Whether the schedule has had, or will have had, all its runs."""
    schedule = case.facts.schedule
    assert schedule is not None
    most = schedule.request.max_runs
    if most is None or case.fires is None or case.at <= schedule.decided_through:
        return None
    left = max(most - schedule.runs, 0)
    if left:
        before, exact = case.fires.count(schedule.decided_through, case.at - 1)
        if before < left or not exact:
            return None
    words, last = case.words, schedule.last_fire
    text = words.will_be_out_of_runs(most, left) if left else words.out_of_runs(most, last)
    return _not_due(text, _evidence("max_runs", most, last, None))


def _neighbours(case: Case) -> tuple[int | None, int | None]:
    """Return the fire times before and after an instant, as long as the schedule has had its present ones."""
    schedule = case.facts.schedule
    assert schedule is not None
    assert case.fires is not None
    return case.fires.latest(min(since(schedule), schedule.decided_through), case.at - 1), case.fires.next(case.at)


def _value(mismatch: Mismatch) -> object:
    return to_datetime(mismatch.bound) if mismatch.bound is not None else mismatch.value


def _more(mismatch: Mismatch) -> Evidence:
    more: Evidence = {"wanted": mismatch.wanted} if mismatch.wanted is not None else {}
    parts = [{"field": part.field, "value": _value(part), **_more(part)} for part in mismatch.parts]
    return more | ({"parts": parts} if parts else {})


def _evidence(field: str, value: object, previous: int | None, following: int | None) -> Evidence:
    return {"field": field, "value": value, **_around(previous, following)}


def _around(previous: int | None, following: int | None) -> Evidence:
    return {
        "previous": to_datetime(previous) if previous is not None else None,
        "next": to_datetime(following) if following is not None else None,
    }


def _fire_time(row: Execution | None) -> int | None:
    return row.fire_time if row is not None else None


def _not_due(text: str, evidence: Evidence) -> Verdict:
    return Verdict(decision="not_due", reason=_NOT_DUE, text=text, evidence=evidence)
