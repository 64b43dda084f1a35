"""The moves of an execution, by name, each through the transition table; and what every move brings with it.

A move is written with the status and the claim it starts from, so that nothing is written over what it did not see.
"""

from typing import cast

from msgspec import Raw
from msgspec.structs import replace

from schedulezero.protocol.answers import RunAccepted
from schedulezero.protocol.events import (
    Event,
    ExecutionCreated,
    ExecutionFinished,
    ExecutionRetrying,
    ExecutionStarted,
)
from schedulezero.protocol.handling import Cancel
from schedulezero.protocol.states import FINAL, Reason, Status, Step, after
from schedulezero.protocol.values import Ended, Failure
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.memory import Instance, Memory
from schedulezero.scheduler.core.model import Execution

_TOLD_AS: dict[Status, type[Event]] = {
    Status.PENDING: ExecutionCreated,
    Status.RUNNING: ExecutionStarted,
    Status.RETRYING: ExecutionRetrying,
    **dict.fromkeys(FINAL, ExecutionFinished),
}


def claim(memory: Memory, draft: Draft, execution: Execution, instance: Instance, now: int) -> Execution:
    """Hand the next attempt to an instance. `started_at` is ours until the instance tells its own."""
    claimed = replace(
        execution,
        status=after(execution.status, Step.CLAIM),
        attempt=execution.attempt + 1,
        claim=memory.next_claim(now),
        instance_id=instance.info.instance_id,
        boot_id=instance.info.boot_id,
        started_at=now,
    )
    instance.take(claimed)
    if claimed.timeout_seconds is not None:
        overtime = now + round(claimed.timeout_seconds * 1_000_000) + memory.limits.timeout_grace
        memory.overtime.add(overtime, (claimed.id, claimed.claim))
    _move(memory, draft, execution, claimed)
    return claimed


def requeue(memory: Memory, draft: Draft, execution: Execution) -> None:
    """Take back an attempt that never began; it does not count."""
    status = after(execution.status, Step.REQUEUE)
    _leave_instance(memory, execution)
    waiting = replace(execution, status=status, attempt=execution.attempt - 1, instance_id=None, boot_id=None)
    _move(memory, draft, execution, replace(waiting, started_at=None))


def retry(memory: Memory, draft: Draft, execution: Execution, ready_at: int) -> None:
    """Try again at `ready_at`."""
    _leave_instance(memory, execution)
    _move(memory, draft, execution, replace(execution, status=after(execution.status, Step.RETRY), ready_at=ready_at))


def conclude(
    memory: Memory,
    draft: Draft,
    execution: Execution,
    step: Step,
    now: int,
    *,
    started_at: int | None = None,
    result: str | None = None,
    error: Failure | None = None,
    reason: Reason | None = None,
) -> Execution:
    """End an execution by a step that leads to a final status; answer those who wait for it."""
    _leave_instance(memory, execution)
    ended = replace(
        execution,
        status=after(execution.status, step),
        started_at=started_at if started_at is not None else execution.started_at,
        completed_at=now,
        result=result,
        error=error,
        reason=reason,
    )
    _move(memory, draft, execution, ended)
    for ticket in memory.waiters.pop(ended.id, ()):
        draft.answer(ticket, run_answer(ended))
    return ended


def cancel(memory: Memory, draft: Draft, execution: Execution, now: int) -> Execution:
    """Cancel what has not begun; ask the instance to stop what runs."""
    if execution.status is not Status.RUNNING:
        return conclude(memory, draft, execution, Step.CANCEL, now)
    if execution.cancel_requested:
        return execution
    asked = replace(execution, cancel_requested=True)
    draft.update(execution, asked)
    memory.executions[asked.id] = asked
    instance = memory.instances.get(str(asked.boot_id))
    if instance is not None and instance.open:
        draft.send(instance.info.boot_id, Cancel(execution_id=asked.id, attempt=asked.attempt, claim=asked.claim))
    return asked


def cancel_all_of(memory: Memory, draft: Draft, schedule_id: str, now: int) -> None:
    """Cancel every execution of a schedule that has not ended."""
    for id_ in list(memory.current.get(schedule_id, ())):
        execution = memory.executions.get(id_)
        if execution is not None:
            cancel(memory, draft, execution, now)


def run_answer(execution: Execution) -> RunAccepted:
    """Return what somebody who ran it now is told: `accepted` until it has ended."""
    if execution.status not in FINAL:
        return RunAccepted(status="accepted", execution_id=execution.id)
    return RunAccepted(
        status=cast("Ended", execution.status.value),
        execution_id=execution.id,
        result=Raw((execution.result or "null").encode()),
        error=execution.error,
    )


def _move(memory: Memory, draft: Draft, before: Execution, moved: Execution) -> None:
    draft.update(before, moved)
    memory.move(before, moved)
    draft.publish(_TOLD_AS[moved.status], moved)


def _leave_instance(memory: Memory, execution: Execution) -> None:
    instance = memory.instances.get(execution.boot_id) if execution.boot_id is not None else None
    if instance is not None:
        instance.release(execution.id)
