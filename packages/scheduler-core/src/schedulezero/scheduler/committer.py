"""Steps become durable in batches, then their effects happen: one batch is at the disk, one is being filled."""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from schedulezero.protocol.errors import Code, Problem
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.core.model import Change, Effect, Step
from schedulezero.scheduler.store.errors import DataRefused, Fenced, OutcomeUnknown, StoreUnavailable
from schedulezero.scheduler.waiting import Waiting
from schedulezero.scheduler.weights import weight_of

_BATCH = 400
"""Changes: some 8 ms of writing. What they lead to does not wait for all that was decided meanwhile."""

Commit = Callable[[Sequence[Sequence[Change]]], Sequence[DataRefused | None]]
"""Writes groups of changes in one transaction and returns, for each, why it alone was refused, or None."""


class _Weighed(NamedTuple):
    """A step, and how much of memory it holds, about."""

    step: Step
    weight: int


class Committer:
    """Queues steps, commits them off the loop, and hands their effects over on the loop, in order.

    Args:
        commit: called in a thread of its own, never twice at a time.
        perform: called on the loop with effects whose changes are durable.
        failed: called on the loop when what memory holds is not what the database holds any more; every step that
            was queued has then been refused, whoever waited for the end of a run has been told that it was accepted,
            and nothing more is taken until :meth:`reopen`.
        metrics: batch sizes and times.
        monotonic: seconds.
        proof_seconds: how long a commit, or a renewal, proves from its beginning that the shards are still ours. After
            that, the effects of a step without changes wait for a new proof too: a process that was stopped and
            replaced does nothing more when it goes on.
    """

    def __init__(
        self,
        commit: Commit,
        perform: Callable[[Sequence[Effect]], None],
        failed: Callable[[Exception], None],
        metrics: SchedulerMetrics,
        monotonic: Callable[[], float],
        proof_seconds: float = math.inf,
    ) -> None:
        self._commit, self._perform, self._failed = commit, perform, failed
        self._metrics, self._monotonic = metrics, monotonic
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._waiting = Waiting()
        self._filling: list[_Weighed] = []
        self._writing: list[Step] = []
        self._filling_changes = 0
        self._filling_weight = self._writing_weight = 0
        self._proof_seconds, self._proved_at = proof_seconds, monotonic()
        self._flush_is_due = False
        self._closed_by: Exception | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def backlog(self) -> int:
        """How many steps are not durable yet."""
        return len(self._filling) + len(self._writing)

    @property
    def backlog_bytes(self) -> int:
        """How much of memory they hold, about."""
        return self._filling_weight + self._writing_weight

    @property
    def is_full(self) -> bool:
        """Whether the next batch is full while another one is at the disk."""
        return bool(self._writing) and self._filling_changes >= _BATCH

    def add(self, step: Step) -> None:
        """Take a step; its effects happen after everything that was added before it."""
        if self._closed_by is not None:
            self._perform(self._waiting.refusals([step], _as_problem(self._closed_by)))
        elif not step.changes and not self.backlog and self._is_proved():
            self._waiting.follow(step.effects)
            self._perform(step.effects)
        elif step.changes or step.effects:
            weight = weight_of(step)
            self._filling.append(_Weighed(step, weight))
            self._filling_changes += len(step.changes)
            self._filling_weight += weight
            self._flush_soon()

    async def run[T](self, task: Callable[[], T]) -> T:
        """Run something else in the writer's thread, between batches."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, task)

    async def renew(self, renewal: Callable[[], object]) -> None:
        """Run what proves that the shards are still ours. Where they are not, give up as after a failed commit."""
        began = self._monotonic()
        try:
            await self.run(renewal)
        except Fenced as fenced:
            if self._closed_by is None:
                self._give_up(fenced)
            raise
        self._proved_at = began

    async def settled(self) -> None:
        """Return when everything that was added is durable, or refused."""
        await self._idle.wait()

    def reopen(self) -> None:
        """Take steps again, after memory was loaded anew."""
        self._closed_by = None

    def close(self) -> None:
        """End the writer's thread, after what it is at."""
        self._writer.shutdown(wait=True)

    def _flush_soon(self) -> None:
        """Flush at the end of this turn of the loop, so that what happens in it shares a transaction, or a few."""
        self._idle.clear()
        if not self._flush_is_due and not self._writing:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        self._take_batch()
        groups = [step.changes for step in self._writing if step.changes]
        if not groups and self._is_proved():
            self._written([])
            return
        loop = asyncio.get_running_loop()
        began = self._monotonic()
        commit = loop.run_in_executor(self._writer, self._timed_commit, groups)
        commit.add_done_callback(lambda ended: self._commit_ended(ended, began))

    def _take_batch(self) -> None:
        """Let the first steps that fill a batch be written next."""
        count = changes = weight = 0
        for step in self._filling:
            count, changes, weight = count + 1, changes + len(step.step.changes), weight + step.weight
            if changes >= _BATCH:
                break
        self._writing, self._writing_weight = [step.step for step in self._filling[:count]], weight
        del self._filling[:count]
        self._filling_changes -= changes
        self._filling_weight -= weight

    def _is_proved(self) -> bool:
        return self._monotonic() - self._proved_at < self._proof_seconds

    def _timed_commit(self, groups: Sequence[Sequence[Change]]) -> Sequence[DataRefused | None]:
        began = self._monotonic()
        refused = self._commit(groups)
        self._metrics.commit_seconds.observe(self._monotonic() - began)
        self._metrics.commit_batch_size.observe(sum(map(len, groups)))
        return refused

    def _commit_ended(self, commit: "asyncio.Future[Sequence[DataRefused | None]]", began: float) -> None:
        error = commit.exception()
        if self._closed_by is not None:
            # A renewal has met the fence meanwhile, and this commit has too.
            return
        if error is None:
            self._proved_at = began
            self._written(commit.result())
        elif isinstance(error, Exception):
            self._give_up(error)
        else:
            raise error

    def _written(self, refused: Sequence[DataRefused | None]) -> None:
        written, self._writing = self._writing, []
        self._writing_weight = 0
        verdicts = iter(refused)
        spoilt: DataRefused | None = None
        effects: list[Effect] = []
        for step in written:
            verdict = next(verdicts) if step.changes else None
            effects += self._effects(step, verdict, spoilt)
            spoilt = spoilt or verdict
        self._perform(effects)
        if spoilt is not None:
            self._give_up(spoilt)
        elif self._filling:
            self._flush_soon()
        else:
            self._idle.set()

    def _effects(self, step: Step, verdict: DataRefused | None, spoilt: DataRefused | None) -> Sequence[Effect]:
        """Return what is to be performed of a step of a batch that was written.

        What came behind a refused step may rest on it. Where it is stored itself, that is told, and it sends nothing:
        memory is read anew, and whoever it was for is greeted again. Where it has stored nothing, nothing comes of it.
        """
        if verdict is not None:
            return self._waiting.refusals([step], verdict.problem)
        if spoilt is not None and not step.changes:
            return self._waiting.refusals([step], _as_problem(spoilt))
        effects = step.effects if spoilt is None else self._waiting.without_sends(step.effects)
        self._waiting.follow(effects)
        return effects

    def _give_up(self, error: Exception) -> None:
        """Refuse what is queued. What was decided after a batch that failed stands on what did not happen."""
        self._closed_by = error
        lost = [*self._writing, *(step.step for step in self._filling)]
        self._writing, self._filling = [], []
        self._filling_changes = self._filling_weight = self._writing_weight = 0
        self._perform([*self._waiting.refusals(lost, _as_problem(error)), *self._waiting.release()])
        self._idle.set()
        self._failed(error)


def _as_problem(error: Exception) -> Problem:
    """Return what a step that has failed with others is told; a value that was refused is not its own."""
    if isinstance(error, OutcomeUnknown | StoreUnavailable | Fenced):
        return error.problem
    message = f"nothing was stored, and the scheduler reads its state anew: {error}"
    return Problem(code=Code.UNAVAILABLE, message=message, retry_after=1)
