"""The lock that keeps a second process off an SQLite file, and proves that whoever had it before is dead."""

import fcntl
import os
import socket
from pathlib import Path
from typing import Self

from schedulezero.scheduler.store.errors import CannotOpen, OwnedElsewhere

_held: set[int] = set()


def _let_go_in_child() -> None:
    # A forked worker that outlives this process would keep the lock: it belongs to the open file, not to the process.
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


class FileLock:
    """An exclusive lock by the operating system, which releases it however this process ends.

    The file says who holds it. It stays when released: removing it would let two processes lock two files.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        _held.add(descriptor)

    @classmethod
    def take(cls, database: Path) -> Self:
        """Lock `<database>.lock`.

        Raises:
            OwnedElsewhere: another process, or another owner in this one, has it.
            CannotOpen: the file cannot be written.
        """
        path = database.with_name(database.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise CannotOpen.because(f"{path} cannot be written ({error.strerror}); make it writable") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise _not_locked(error, database, holder or "another process") from error
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            os.close(descriptor)
            raise CannotOpen.because(f"{path} cannot be written ({error.strerror}); make room for it") from error
        return cls(descriptor)

    def release(self) -> None:
        """Let others have it; doing so again does nothing."""
        if self._descriptor in _held:
            _held.discard(self._descriptor)
            os.close(self._descriptor)


def _not_locked(error: OSError, database: Path, holder: str) -> CannotOpen:
    if isinstance(error, BlockingIOError):
        remedy = "stop it, or choose another database with SCHEDULEZERO_DATABASE_URL"
        return OwnedElsewhere.because(f"{holder} already schedules from {database}; {remedy}")
    return CannotOpen.because(f"the file system cannot lock {database}.lock ({error.strerror}); use a local disk")
