"""Why did it run, why did it not, or will it? Answered from the ledger's rows and from what held at the time.

Pure, as all of the core: the shell finds the :class:`Facts`, :func:`explain` draws the conclusion, `words` says it.
"""

from collections.abc import Callable, Iterator

from schedulezero.protocol.answers import Explanation
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.explain import coming, ledger, times
from schedulezero.scheduler.core.explain.facts import Facts, Presence, accounting_row, presence_of
from schedulezero.scheduler.core.explain.verdict import Case, Verdict, since

__all__ = ["Facts", "Presence", "accounting_row", "explain", "presence_of", "since"]

_QUESTIONS: tuple[Callable[[Case], Verdict | None], ...] = (
    ledger.recorded,
    times.of_a_deleted_schedule,
    times.before_it_was_so,
    times.not_a_fire_time,
    times.out_of_runs,
    coming.held_back,
    ledger.removed,
    coming.upcoming,
)
"""In this order; the first that has an answer gives it."""


def explain(facts: Facts, at: int, now: int) -> Explanation:
    """Return what became, or is to become, of an instant.

    Args:
        facts: what is known around it.
        at: the instant, microseconds UTC.
        now: the present, microseconds UTC.
    """
    verdict = next(_verdicts(Case(facts=facts, at=at, now=now)))
    return Explanation(
        schedule_id=facts.schedule_id,
        at=to_datetime(at),
        decision=verdict.decision,
        reason=verdict.reason,
        text=verdict.text,
        evidence=verdict.evidence,
        execution_id=verdict.execution_id,
    )


def _verdicts(case: Case) -> Iterator[Verdict]:
    for question in _QUESTIONS:
        verdict = question(case)
        if verdict is not None:
            yield verdict
