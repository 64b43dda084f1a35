"""The store as a whole: opened, migrated and owned, or refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.scheduler.store.errors import CannotOpen, OutcomeUnknown, StoreUnavailable
from schedulezero.scheduler.store.figures import Figures
from schedulezero.scheduler.store.filelock import FileLock
from schedulezero.scheduler.store.history import History
from schedulezero.scheduler.store.leases import Ownership
from schedulezero.scheduler.store.migrations import upgrade
from schedulezero.scheduler.store.notifications import Notifications
from schedulezero.scheduler.store.reads import Reader
from schedulezero.scheduler.store.retention import Retention
from schedulezero.scheduler.store.writes import Writer

_PATIENCE = 0.8
"""Of a lease: a renewal that gets no answer is given up while there is time for another."""


class Store:
    """An open database: who owns it, what writes it and what reads it.

    On SQLite it owns all shards from the start. Elsewhere it owns those that are free or expired: call
    `ownership.acquire` again until it has what it needs.
    """

    def __init__(self, engines: Engines, ownership: Ownership, lock: FileLock | None) -> None:
        self.ownership = ownership
        self.writer = Writer(engines.writer, ownership)
        self.figures = Figures(engines.writer, ownership)
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
        """
        engines = open_engines(url, patience=_PATIENCE * lease_seconds)
        lock = None
        try:
            lock = FileLock.take(engines.file) if engines.file else None
            ownership = Ownership(engines.writer, owner=owner, lease_seconds=lease_seconds, alone=lock is not None)
            with _explained(engines):
                _upgrade(url)
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


def _upgrade(url: str) -> None:
    """Take the steps that are lacking, however long they take."""
    with open_engines(url) as patient:
        upgrade(patient.writer)


@contextmanager
def _explained(engines: Engines) -> Iterator[None]:
    try:
        yield
    except (StoreUnavailable, OutcomeUnknown) as error:
        message = f"{error}; may its user write to {engines.shown}, and make tables? see `schedulezero db upgrade`"
        raise CannotOpen.because(message) from error
