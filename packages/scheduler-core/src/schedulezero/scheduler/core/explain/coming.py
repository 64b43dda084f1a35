"""What is to become of an instant that is not decided yet."""

from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.explain.hindrances import against, as_evidence, by_reason, due
from schedulezero.scheduler.core.explain.ledger import paused, quarantined
from schedulezero.scheduler.core.explain.verdict import Case, Verdict, seconds


def held_back(case: Case) -> Verdict | None:
    """An instant that a pause or a quarantine has covered is skipped, before its row exists too."""
    schedule = case.facts.schedule
    assert schedule is not None
    if case.at > case.now or case.at <= schedule.decided_through:
        return None
    if schedule.error is not None:
        text, evidence = quarantined(case, case.now)
        return Verdict(decision="skipped", reason="quarantined", text=text, evidence=evidence)
    if schedule.pause is not None or case.facts.lasting("system_pause") is not None:
        text, evidence = paused(case, case.now)
        return Verdict(decision="skipped", reason="paused", text=text, evidence=evidence)
    return None


def upcoming(case: Case) -> Verdict:
    """An instant that is still to come, or to be decided in this moment."""
    due_then, hindrances = due(case, case.at), against(case)
    text = case.words.upcoming(case.at, due_then, case.now, hindrances, case.facts)
    if case.fires is not None:
        text += "".join(map(case.words.remark, case.fires.remarks(case.at)))
    evidence = {
        "due_at": to_datetime(due_then),
        "in_seconds": max(seconds(due_then - case.now), 0),
        "against": as_evidence(hindrances),
    }
    if not hindrances:
        return Verdict(decision="upcoming", text=text, evidence=evidence)
    first = hindrances[0]
    known = {**by_reason(first, case.facts), **evidence}
    return Verdict(decision="upcoming", reason=first.cause, text=text, evidence=known)
