"""Forgets what nobody will ask for any more, in small batches between the commits."""

from schedulezero.runtime.clock import Clock
from schedulezero.scheduler.committer import Committer
from schedulezero.scheduler.core.runs import KEY_LIFETIME
from schedulezero.scheduler.store import Store


class Cleaner:
    """Removes idempotency keys that are over their 24 hours."""

    name = "scheduler.cleaner"
    interval = 600.0

    def __init__(self, committer: Committer, store: Store, clock: Clock) -> None:
        self._committer, self._store, self._clock = committer, store, clock

    async def run_once(self) -> None:
        before = self._clock.now() - KEY_LIFETIME
        await self._committer.run(lambda: self._store.retention.forget_keys(before))
