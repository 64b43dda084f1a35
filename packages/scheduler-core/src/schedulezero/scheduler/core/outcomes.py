"""How attempts end: what an instance says of them, what is concluded from its silence, and what comes next."""

import math
from random import Random

from schedulezero.protocol.handling import Ack, Claimed, Outcome, Refused
from schedulezero.protocol.states import Status, Step
from schedulezero.protocol.values import Failure, RetryPolicy
from schedulezero.runtime.clock import from_datetime
from schedulezero.scheduler.core import lifecycle
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.memory import Instance, Memory
from schedulezero.scheduler.core.model import SECOND, Attempt, AttemptStatus, Execution, InsertAttempt

_LARGEST_EXPONENT = 700.0
_FULL_FOR = SECOND // 5
"""How long an instance that said it is full is left alone, unless something of its ends before."""


class Outcomes:
    """Takes what attempts come to. `random` spreads the retries."""

    def __init__(self, memory: Memory, random: Random) -> None:
        self._memory = memory
        self._random = random

    def outcome(self, draft: Draft, instance: Instance, outcome: Outcome, now: int) -> None:
        """Write an outcome and acknowledge it; one of an older claim changes nothing, and is acknowledged too."""
        execution = self._current(outcome)
        if execution is not None:
            instance.full_until = 0
            self._settle(draft, instance, execution, outcome, now)
        ack = Ack(execution_id=outcome.execution_id, attempt=outcome.attempt, claim=outcome.claim)
        draft.send(instance.info.boot_id, ack)

    def refused(self, draft: Draft, instance: Instance, refused: Refused, now: int) -> None:
        """Give work that an instance did not begin to whoever takes it next."""
        execution = self._current(refused)
        if execution is None:
            return
        match refused.reason:
            case "draining":
                instance.draining = True
            case "unknown_method":
                instance.methods.pop(execution.method_name, None)
            case "full" | "stale":
                instance.full_until = now + _FULL_FOR
                self._memory.retries.add(instance.full_until, "")
        lifecycle.requeue(self._memory, draft, execution)

    def lost(self, draft: Draft, execution: Execution, now: int) -> None:
        """End an attempt whose instance is gone: nobody will ever tell how it went.

        That says nothing against the job, so the next attempt waits for nothing but an instance.
        """
        where = f"instance {execution.instance_id}"
        error = Failure(type="Lost", message=f"{where} went away during attempt {execution.attempt}")
        self._unsuccessful(draft, execution, "lost", error, now, may_retry=execution.retry.on_lost, retry_after=0)

    def overtime(self, draft: Draft, execution: Execution, now: int) -> None:
        """End an attempt that its instance should have stopped by now, as timed out."""
        error = Failure(type="Timeout", message=f"no outcome after {execution.timeout_seconds:g} s and a grace")
        self._unsuccessful(draft, execution, "timeout", error, now)

    def _current(self, claimed: Claimed) -> Execution | None:
        execution = self._memory.executions.get(claimed.execution_id)
        if execution is None or execution.status is not Status.RUNNING or execution.claim != claimed.claim:
            return None
        return execution

    def _settle(self, draft: Draft, instance: Instance, execution: Execution, outcome: Outcome, now: int) -> None:
        started, ended = from_datetime(outcome.started_at), from_datetime(outcome.completed_at)
        instance.pace.ended(ended - started)
        if outcome.status == "success":
            result = bytes(outcome.result).decode()
            memory = self._memory
            lifecycle.conclude(memory, draft, execution, Step.SUCCEED, ended, started_at=started, result=result)
        else:
            error = outcome.error or _untold(outcome.status)
            self._unsuccessful(
                draft,
                execution,
                outcome.status,
                error,
                now,
                started_at=started,
                ended_at=ended,
                may_retry=not outcome.final,
                retry_after=outcome.retry_after_seconds,
            )

    def _unsuccessful(
        self,
        draft: Draft,
        execution: Execution,
        status: AttemptStatus,
        error: Failure,
        now: int,
        *,
        started_at: int | None = None,
        ended_at: int | None = None,
        may_retry: bool = True,
        retry_after: float | None = None,
    ) -> None:
        began = started_at if started_at is not None else execution.started_at
        ended = ended_at if ended_at is not None else now
        draft.write(InsertAttempt(attempt=_attempt(execution, status, error, began, ended)))
        cancelled = status == "cancelled" or execution.cancel_requested
        if not cancelled and may_retry and execution.attempt < execution.retry.max_attempts:
            delay = retry_after if retry_after is not None else self._delay(execution.retry, execution.attempt)
            lifecycle.retry(self._memory, draft, execution, now + round(delay * SECOND))
            return
        step = Step.CANCEL if cancelled else Step.TIME_OUT if status == "timeout" else Step.FAIL
        lifecycle.conclude(self._memory, draft, execution, step, ended, started_at=began, error=error)

    def _delay(self, retry: RetryPolicy, attempt: int) -> float:
        """Return the seconds before the next attempt: exponential back-off, capped, times 1 - jitter to 1 + jitter."""
        growth = math.exp(min((attempt - 1) * math.log(retry.factor), _LARGEST_EXPONENT))
        delay = min(retry.base_seconds * growth, retry.max_seconds)
        return delay * self._random.uniform(1 - retry.jitter, 1 + retry.jitter)


def _untold(status: AttemptStatus) -> Failure:
    """Return what is told of an attempt of which its handler tells nothing more."""
    if status == "cancelled":
        return Failure(type="Cancelled", message="the attempt was asked to stop, and did")
    return Failure(type=status, message="the handler gave no reason")


def _attempt(
    execution: Execution, status: AttemptStatus, error: Failure, started_at: int | None, ended: int
) -> Attempt:
    return Attempt(
        execution_id=execution.id,
        attempt=execution.attempt,
        claim=execution.claim,
        instance_id=execution.instance_id,
        started_at=started_at,
        completed_at=ended,
        status=status,
        error=error,
    )
