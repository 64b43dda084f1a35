"""Forgets what nobody will ask for any more, and puts away what is over, in small batches between the commits."""

from collections.abc import AsyncIterator, Callable
from functools import partial

from schedulezero.runtime.clock import Clock
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.settings import DatabaseSettings
from schedulezero.scheduler.core.model import SECOND
from schedulezero.scheduler.core.runs import KEY_LIFETIME
from schedulezero.scheduler.pipeline import Pipeline
from schedulezero.scheduler.store import Store
from schedulezero.scheduler.store.retention import Ages, Cleared, Position

_DAY = 24 * 3600 * SECOND
_BATCH = 250
_BATCHES_A_ROUND = 20
_PAGES = 250
_log = get_logger()


class Sweeper:
    """Removes executions that are old, but none that the machine would still write to.

    Args:
        pipeline: whose memory and writer are asked.
        store: what is swept.
    """

    def __init__(self, pipeline: Pipeline, store: Store) -> None:
        self._pipeline, self._store = pipeline, store

    async def sweep(self, ages: Ages, most: int | None = None) -> AsyncIterator[int]:
        """Remove what is old, at most `most`; yield after each batch how many it has removed."""
        position: Position | None = None
        while True:
            cleared = await self._clear(ages, position, most)
            most = None if most is None else most - cleared.removed
            yield cleared.removed
            position = cleared.position
            if position is None:
                return

    async def _clear(self, ages: Ages, after: Position | None, most: int | None) -> Cleared:
        spared = self._extended()
        clear = self._store.retention.clear_executions
        return await self._pipeline.committer.run(lambda: clear(ages, _BATCH, after=after, most=most, spared=spared))

    def _extended(self) -> frozenset[str]:
        """Return the skipped rows that a next skip would extend, as of the moment at which the batch takes its turn."""
        memory = self._pipeline.memory
        return frozenset(row.id for row in memory.last_skips) if memory is not None else frozenset()


class Cleaner:
    """Removes idempotency keys that are over their 24 hours, and executions beyond what is to be kept.

    The figures of the minutes that are over are carried over, too.

    Args:
        pipeline: whose writer is shared.
        store: what is cleaned.
        clock: the present.
        settings: what is to be kept.
    """

    name = "scheduler.cleaner"

    def __init__(self, pipeline: Pipeline, store: Store, clock: Clock, settings: DatabaseSettings) -> None:
        self._pipeline, self._store, self._clock, self._settings = pipeline, store, clock, settings
        self._sweeper = Sweeper(pipeline, store)
        self._sweeps: list[AsyncIterator[int]] = []
        self._removed = 0

    @property
    def interval(self) -> float:
        """Seconds; short while there is more to do, so that a stop never waits for long."""
        return 0.1 if self._sweeps else 600.0

    async def run_once(self) -> None:
        """Begin a sweep, or go on with the one that is under way."""
        if not self._sweeps:
            self._sweeps = await self._begin()
        for _ in range(_BATCHES_A_ROUND):
            if not await self._go_on():
                break

    async def _begin(self) -> list[AsyncIterator[int]]:
        """Return what is to be swept: keys, then spells, then what is too old and the oldest of what is too much."""
        now, settings = self._clock.now(), self._settings
        sweeps = [self._forget(partial(self._store.retention.forget_keys, now - KEY_LIFETIME, _BATCH))]
        if settings.keep_days:
            old = now - settings.keep_days * _DAY
            sweeps.append(self._forget(partial(self._store.history.forget_spells, old, _BATCH)))
        ages = Ages(failed=_limit(now, settings.keep_failed_days), others=_limit(now, settings.keep_days))
        if max(ages):
            sweeps.append(self._sweeper.sweep(ages))
        if settings.keep_executions:
            stored = await self._pipeline.committer.run(self._store.retention.count_executions)
            excess = stored - settings.keep_executions
            sweeps += [self._sweeper.sweep(Ages.all_before(now), excess)] if excess > 0 else []
        return [*sweeps, self._carry_over(now), self._return_space()]

    async def _go_on(self) -> bool:
        """Do one batch; return whether there is more to do."""
        if not self._sweeps:
            return False
        try:
            removed = await anext(self._sweeps[0], None)
        except BaseException:
            self._sweeps = []
            raise
        if removed is None:
            self._end_sweep()
        else:
            self._removed += removed
        return bool(self._sweeps)

    def _end_sweep(self) -> None:
        del self._sweeps[0]
        if not self._sweeps and self._removed:
            _log.info("executions.cleared", removed=self._removed)
            self._removed = 0

    async def _carry_over(self, now: int) -> AsyncIterator[int]:
        """Put the figures of minutes that are over where they are kept, a batch at a time."""
        while await self._pipeline.committer.run(lambda: self._store.figures.carry_over(now, _BATCH)):
            yield 0

    async def _forget(self, forget: Callable[[], int]) -> AsyncIterator[int]:
        """Forget what is no execution, a batch at a time."""
        while await self._pipeline.committer.run(forget) >= _BATCH:
            yield 0

    async def _return_space(self) -> AsyncIterator[int]:
        while await self._pipeline.committer.run(lambda: self._store.retention.return_space(_PAGES)):
            yield 0


def _limit(now: int, days: int) -> int:
    """Return before when what ended is too old; 0, before everything, where it is kept for ever."""
    return now - days * _DAY if days else 0
