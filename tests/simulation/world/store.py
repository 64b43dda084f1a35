"""The scheduler's store over the model of the database: what the service asks of it, and no more."""

from collections.abc import Callable, Collection, Sequence
from random import Random

from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.inputs import Loaded, Upcoming
from schedulezero.scheduler.core.model import SHARDS, Change, Execution, IdempotencyKey, Place, Schedule
from schedulezero.scheduler.store import Conflict, DataRefused, Fenced, OutcomeUnknown, StoreUnavailable

from ..model.database import Database
from .agenda import SECOND, Agenda

Commit = Callable[[Sequence[Sequence[Change]]], Sequence[DataRefused | None]]


class Disk:
    """What becomes of commits. The seed decides, unless `sound`.

    Args:
        random: what decides.
        agenda: when a late commit arrives.
        note: told what becomes of a commit that does not go well.
    """

    def __init__(self, random: Random, agenda: Agenda, note: Callable[..., None]) -> None:
        self.sound = False
        self.failures = 0
        """How many of the next commits fail, with nothing stored, whatever the seed says."""
        self.late = True
        """Whether commits of unknown outcome may arrive later."""
        self._random, self._agenda, self._note = random, agenda, note

    def commit(self, commit: Commit, groups: Sequence[Sequence[Change]]) -> Sequence[DataRefused | None]:
        """Commit, or fail in one of four ways.

        Raises:
            StoreUnavailable: nothing is stored.
            OutcomeUnknown: all is stored, or nothing, or all will be unless the epoch rises first.
        """
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable.because("the disk")
        luck = 1.0 if self.sound else self._random.random()
        if luck >= 0.02:
            return commit(groups)
        self._note("a commit fails, luck {}", luck)
        if luck < 0.005:
            raise StoreUnavailable.because("the disk")
        if luck < 0.01:
            commit(groups)
        elif luck < 0.015 and self.late:
            self._agenda.after(self._random.randint(1_000, 2 * SECOND), lambda: _arrive(commit, groups))
        raise OutcomeUnknown.because("the line")


def _arrive(commit: Commit, groups: Sequence[Sequence[Change]]) -> None:
    """A commit that nobody waits for any more: the epoch has been raised, or will be after it.

    The database tells its watch of a conflict that there must not be.
    """
    try:
        commit(groups)
    except (Fenced, Conflict):
        return


class NothingOwed:
    """Webhooks are not simulated: they are delivered from threads of their own."""

    def count(self) -> int:
        return 0

    def receivers(self, _limit: int) -> list[str]:
        return []


class ModelStore:
    """As :class:`schedulezero.scheduler.store.Store`. It is its own ownership, writer, reader and retention.

    Args:
        database: the rows.
        disk: what becomes of commits.
        owner: the scheduler's name.
        alone: whether no other owner is waited for, as on SQLite.
    """

    def __init__(self, database: Database, disk: Disk, owner: str, lease_seconds: float, *, alone: bool) -> None:
        self.notifications = NothingOwed()
        self.history = None
        """What people ask about the past is not simulated."""
        self.ownership = self.writer = self.reader = self.retention = self.figures = self
        self.epoch = 0
        self.shards: frozenset[int] = frozenset()
        self._database, self._disk, self._owner, self._alone = database, disk, owner, alone
        self._lease = round(lease_seconds * SECOND)
        self.acquire()

    # -- ownership -----------------------------------------------------------------------------------------------

    def acquire(self) -> frozenset[int]:
        self.epoch = self._database.acquire(self._owner, self._lease, alone=self._alone)
        self.shards = frozenset(range(SHARDS)) if self.epoch else frozenset()
        return self.shards

    def renew(self) -> int:
        self._database.renew(self._owner, self.epoch, self._lease)
        return self._database.now()

    def close(self) -> None:
        self._database.release(self._owner, self.epoch)

    # -- writer and retention ------------------------------------------------------------------------------------

    def commit(self, groups: Sequence[Sequence[Change]]) -> Sequence[DataRefused | None]:
        epoch = self.epoch
        return self._disk.commit(lambda some: self._database.commit(self._owner, epoch, some), groups)

    def forget_keys(self, before: int, limit: int) -> int:
        old = [id_ for id_, key in self._database.keys.items() if key.created_at < before][:limit]
        for id_ in old:
            del self._database.keys[id_]
        return len(old)

    def carry_over(self, _now: int, _limit: int) -> bool:
        """The figures are not simulated: none of the rules rests on them."""
        return False

    def return_space(self, _pages: int) -> bool:
        """Rows in memory take no pages of a file."""
        return False

    # -- reader --------------------------------------------------------------------------------------------------

    def load(self, *, epoch: int, window: int, line: int, agenda: int) -> Loaded:
        return self._database.load(epoch, window=window, line=line, agenda=agenda)

    def upcoming(self, after: Place | None, *, limit: int) -> Upcoming:
        return self._database.upcoming(after, limit)

    def schedule(self, schedule_id: str) -> Schedule | None:
        return self._database.schedules.get(schedule_id)

    def ids_beside(self, schedule_id: str) -> tuple[str, ...]:
        return self._database.beside(schedule_id)

    def pending(self, handler_id: str, method_name: str, *, limit: int) -> list[Execution]:
        return self._database.pending(handler_id, method_name, limit=limit)

    def execution(self, execution_id: str) -> Execution | None:
        return self._database.executions.get(execution_id)

    def idempotency_key(self, caller: str, key: str) -> IdempotencyKey | None:
        return self._database.keys.get((caller, key))

    def last_status(self, schedule_ids: Collection[str]) -> dict[str, Status]:
        """The last status is for people's eyes; nothing is decided by it."""
        return {}
