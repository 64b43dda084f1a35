"""Commands that make, cancel or replay executions by hand."""

from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from schedulezero.protocol.answers import BatchAccepted, RunAccepted
from schedulezero.protocol.commands import RunBatch, RunNow, ScheduleRun
from schedulezero.protocol.errors import Code, Detail, Problem, ScheduleZeroError
from schedulezero.protocol.events import ExecutionCreated, ExecutionFinished
from schedulezero.protocol.states import FINAL, Reason, Status
from schedulezero.protocol.values import JobRequest, RunRequest
from schedulezero.scheduler.core import admission, lifecycle
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.inputs import Asked
from schedulezero.scheduler.core.memory import Memory
from schedulezero.scheduler.core.model import (
    SECOND,
    Await,
    Execution,
    IdempotencyKey,
    RememberKey,
    Schedule,
    shard_of,
)
from schedulezero.scheduler.core.planner import expiry

KEY_LIFETIME = 24 * 3600 * SECOND
"""How long an idempotency key is kept."""

_IN_FLIGHT = 60 * SECOND
"""How long a key is held in memory: longer than a key that was just committed can stay unseen by a reader."""


class Runs:
    """Serves the commands on executions. Each raises ScheduleZeroError where it refuses, and has then done nothing."""

    def __init__(self, memory: Memory, ids: IdSource) -> None:
        self._memory = memory
        self._ids = ids

    def run_now(self, draft: Draft, asked: Asked, command: RunNow, now: int) -> None:
        if self._answer_again(draft, asked, command.wait_seconds, now):
            return
        execution = self._accept(draft, command.run, now)
        self._remember(draft, asked, command.idempotency_key, (execution.id,), now)
        self._answer_or_wait(draft, asked, execution, command.wait_seconds, now)

    def run_schedule(self, draft: Draft, asked: Asked, command: ScheduleRun, schedule: Schedule, now: int) -> None:
        """Run a schedule's job now, with the options of the schedule."""
        if self._answer_again(draft, asked, command.wait_seconds, now):
            return
        request = schedule.request
        if command.job_params is not None:
            request = replace(request, job_params=Raw(msgspec.json.encode(command.job_params)))
        execution = self._accept(draft, request, now, schedule_id=schedule.id, shard=schedule.shard)
        self._remember(draft, asked, command.idempotency_key, (execution.id,), now)
        self._answer_or_wait(draft, asked, execution, command.wait_seconds, now)

    def run_batch(self, draft: Draft, asked: Asked, command: RunBatch, now: int) -> None:
        prior = self._prior(asked)
        if prior is None:
            self._check_all(command.runs)
            ids = tuple(self._accept(draft, run, now, checked=True).id for run in command.runs)
            self._remember(draft, asked, command.idempotency_key, ids, now)
        else:
            ids = prior.execution_ids
        draft.answer(asked.ticket, BatchAccepted(execution_ids=ids))

    def cancel(self, draft: Draft, asked: Asked, execution_id: str, now: int) -> None:
        execution = self._known(asked, execution_id)
        if execution.status in FINAL:
            message = f"execution {execution_id} has ended already: {execution.status}"
            raise ScheduleZeroError.of(Code.CONFLICT, message, path="execution_id")
        draft.answer(asked.ticket, lifecycle.cancel(self._memory, draft, execution, now))

    def replay(self, draft: Draft, asked: Asked, execution_id: str, now: int) -> None:
        """Run an ended execution's job again, with the options that it had."""
        original = self._known(asked, execution_id)
        if original.status not in FINAL:
            message = f"execution {execution_id} is {original.status}; only one that has ended can be run again"
            raise ScheduleZeroError.of(Code.CONFLICT, message, path="execution_id")
        admission.check_room(self._memory, original.handler_id, 1)
        execution = Execution(
            id=self._ids.next(now),
            shard=original.shard,
            handler_id=original.handler_id,
            method_name=original.method_name,
            params=original.params,
            status=Status.PENDING,
            priority=original.priority,
            created_at=now,
            ready_at=now,
            retry=original.retry,
            schedule_id=original.schedule_id,
            timeout_seconds=original.timeout_seconds,
            expires_at=now + original.expires_at - original.created_at if original.expires_at is not None else None,
            tags=original.tags,
            retry_of=original.id,
            notify=original.notify,
        )
        execution = self._admit(draft, execution, now)
        draft.answer(asked.ticket, lifecycle.run_answer(execution))

    def wait_ended(self, draft: Draft, execution_id: str, ticket: Any) -> None:
        """Answer somebody whose patience is over before the execution is."""
        waiting = self._memory.waiters.get(execution_id, [])
        if ticket in waiting:
            waiting.remove(ticket)
            draft.answer(ticket, RunAccepted(status="accepted", execution_id=execution_id))

    # -- acceptance ----------------------------------------------------------------------------------------------

    def _check_all(self, runs: tuple[RunRequest, ...]) -> None:
        details: list[Detail] = []
        first: ScheduleZeroError | None = None
        for index, run in enumerate(runs):
            try:
                admission.check(self._memory, run)
            except ScheduleZeroError as error:
                placed = error.under(f"runs[{index}]")
                first = first or placed
                details.extend(placed.problem.details)
        if first is not None:
            message = f"{details[0].path}: {details[0].message}" if details else str(first)
            problem = Problem(code=first.code, message=message, details=tuple(details[:100]))
            raise ScheduleZeroError(replace(problem, retry_after=first.problem.retry_after))
        for handler_id in dict.fromkeys(run.handler_id for run in runs):
            more = sum(run.handler_id == handler_id for run in runs)
            admission.check_room(self._memory, handler_id, more)

    def _accept(
        self,
        draft: Draft,
        job: JobRequest,
        now: int,
        *,
        schedule_id: str | None = None,
        shard: int | None = None,
        checked: bool = False,
    ) -> Execution:
        if not checked:
            admission.check(self._memory, job)
            admission.check_room(self._memory, job.handler_id, 1)
        spec = admission.method_spec(self._memory, job.handler_id, job.method_name)
        id_ = self._ids.next(now)
        execution = Execution(
            id=id_,
            shard=shard if shard is not None else shard_of(id_),
            handler_id=job.handler_id,
            method_name=job.method_name,
            params=bytes(job.job_params).decode(),
            status=Status.PENDING,
            priority=job.priority,
            created_at=now,
            ready_at=now,
            retry=admission.retry_of((job.retry, spec.retry if spec else None)),
            schedule_id=schedule_id,
            timeout_seconds=admission.timeout_of(job, spec),
            expires_at=expiry(job.expires_after_seconds, now),
            tags=job.tags,
            notify=job.notify,
        )
        return self._admit(draft, execution, now)

    def _admit(self, draft: Draft, execution: Execution, now: int) -> Execution:
        """Let an execution wait for its handler, or skip it where it waits for nobody and there is none."""
        if execution.expires_at == now and not self._memory.live_instances_of(execution.handler_id):
            return self._skip_at_once(draft, execution, now)
        return self._insert(draft, execution)

    def _insert(self, draft: Draft, execution: Execution) -> Execution:
        self._memory.admit(execution)
        draft.insert(execution)
        draft.publish(ExecutionCreated, execution)
        return execution

    def _skip_at_once(self, draft: Draft, execution: Execution, now: int) -> Execution:
        skipped = replace(execution, status=Status.SKIPPED, reason=Reason.NO_HANDLER, completed_at=now)
        draft.insert(skipped)
        draft.publish(ExecutionFinished, skipped)
        return skipped

    def _known(self, asked: Asked, execution_id: str) -> Execution:
        execution = self._memory.executions.get(execution_id)
        if execution is not None:
            return execution
        if asked.found is None:
            message = f"there is no execution {execution_id}"
            raise ScheduleZeroError.of(Code.EXECUTION_NOT_FOUND, message, path="execution_id")
        if asked.found.status not in FINAL and not self._memory.is_left(asked.found):
            message = f"execution {execution_id} has just ended; read it again"
            raise ScheduleZeroError.of(Code.CONFLICT, message, path="execution_id")
        return asked.found

    # -- answers -------------------------------------------------------------------------------------------------

    def _answer_or_wait(self, draft: Draft, asked: Asked, execution: Execution, seconds: float, now: int) -> None:
        if seconds and execution.status not in FINAL:
            self._memory.waiters.setdefault(execution.id, []).append(asked.ticket)
            self._memory.wait_ends.add(now + round(seconds * SECOND), (execution.id, asked.ticket))
            draft.do(Await(ticket=asked.ticket, execution_id=execution.id))
        else:
            draft.answer(asked.ticket, lifecycle.run_answer(execution))

    def _answer_again(self, draft: Draft, asked: Asked, seconds: float, now: int) -> bool:
        """Answer a key that was used before with what it led to; return whether that was so."""
        prior = self._prior(asked)
        if prior is None:
            return False
        execution = self._memory.executions.get(prior.execution_ids[0]) or asked.found
        if execution is None and asked.prior is None:
            message = f"the run of idempotency key {prior.key!r} has just ended and is being stored; ask again"
            raise ScheduleZeroError.of(Code.UNAVAILABLE, message, retry_after=1)
        if execution is None:
            message = f"what the idempotency key {prior.key!r} led to has been removed; use a new key"
            raise ScheduleZeroError.of(Code.IDEMPOTENCY_CONFLICT, message, path="idempotency_key")
        self._answer_or_wait(draft, asked, execution, seconds, now)
        return True

    def _prior(self, asked: Asked) -> IdempotencyKey | None:
        key = getattr(asked.command, "idempotency_key", None)
        if key is None:
            return None
        prior = self._memory.keys.get((asked.caller, key)) or asked.prior
        if prior is not None and prior.digest != asked.digest:
            message = f"the idempotency key {key!r} was used with another body; use a new key"
            raise ScheduleZeroError.of(Code.IDEMPOTENCY_CONFLICT, message, path="idempotency_key")
        return prior

    def _remember(self, draft: Draft, asked: Asked, key: str | None, ids: tuple[str, ...], now: int) -> None:
        if key is None:
            return
        digest = asked.digest
        used = IdempotencyKey(caller=asked.caller, key=key, digest=digest, execution_ids=ids, created_at=now)
        self._memory.keys[asked.caller, key] = used
        self._memory.key_ends.add(now + _IN_FLIGHT, (asked.caller, key))
        draft.write(RememberKey(key=used))
