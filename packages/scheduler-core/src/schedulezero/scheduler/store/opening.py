"""The store as a whole: opened, migrated and owned, or refused."""

from typing import Self

from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.scheduler.store.filelock import FileLock
from schedulezero.scheduler.store.history import History
from schedulezero.scheduler.store.leases import Ownership
from schedulezero.scheduler.store.migrations import upgrade
from schedulezero.scheduler.store.notifications import Notifications
from schedulezero.scheduler.store.reads import Reader
from schedulezero.scheduler.store.retention import Retention
from schedulezero.scheduler.store.writes import Writer


class Store:
    """An open database: who owns it, what writes it and what reads it.

    On SQLite it owns all shards from the start. Elsewhere it owns those that are free or expired: call
    `ownership.acquire` again until it has what it needs.
    """

    def __init__(self, engines: Engines, ownership: Ownership, lock: FileLock | None) -> None:
        self.ownership = ownership
        self.writer = Writer(engines.writer, ownership)
        self.retention = Retention(engines.writer, ownership)
        self.notifications = Notifications(engines.writer, engines.reader, ownership)
        self.reader = Reader(engines.reader)
        self.history = History(engines.writer, engines.reader, ownership)
        self._engines = engines
        self._lock = lock

    @classmethod
    def open(cls, url: str, *, owner: str, lease_seconds: float = 5) -> Self:
        """Open the database at `url`, bring it to this code's schema and take its shards.

        Args:
            url: see :func:`.open_engines`.
            owner: the scheduler's name, another one for each start of the program.
            lease_seconds: how long the shards stay its own without renewal; SQLite needs none.

        Raises:
            CannotOpen: it cannot be used, OwnedElsewhere: another process has it (SQLite), SchemaTooNew.
            StoreUnavailable: it does not answer now.
        """
        engines = open_engines(url)
        lock = None
        try:
            lock = FileLock.take(engines.file) if engines.file else None
            upgrade(engines.writer)
            ownership = Ownership(engines.writer, owner=owner, lease_seconds=lease_seconds, alone=lock is not None)
            ownership.acquire()
        except BaseException:
            engines.close()
            if lock is not None:
                lock.release()
            raise
        return cls(engines, ownership, lock)

    def close(self) -> None:
        """Leave the shards to others and let go of the database.

        Raises:
            StoreUnavailable, OutcomeUnknown: it did not answer; it is let go of all the same.
        """
        try:
            self.ownership.release()
        finally:
            self._engines.close()
            if self._lock is not None:
                self._lock.release()
