"""Every row of one database written into another, all in one transaction, and read back before that counts."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, delete, func, insert, inspect, select, update

from schedulezero.protocol.errors import Code
from schedulezero.scheduler.store.dialects import database_now
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.errors import CannotOpen, OwnedElsewhere, StoreError
from schedulezero.scheduler.store.filelock import FileLock
from schedulezero.scheduler.store.migrations import require_head, upgrade
from schedulezero.scheduler.store.statements import Prepared
from schedulezero.scheduler.store.tables import metadata, owners, shard_leases
from schedulezero.scheduler.store.transactions import said_plainly, writing

COPIED = tuple(table for table in metadata.sorted_tables if table not in (owners, shard_leases))
"""The tables whose rows are copied; who schedules from a database stays its own affair."""
Progress = Callable[[str, str, int, int], None]
"""Told what is done (`copied`, `checked`), with which table, how many rows of it so far, and of how many."""

_BATCH_ROWS = 1_000
_BATCH_CHARACTERS = 4 * 1024 * 1024
_BUFFERED_ROWS = 100
_SECOND = 1_000_000


def copy(
    source: Engines, target: Engines, progress: Progress, *, while_running: bool = False, replacing: bool = False
) -> dict[str, int]:
    """Write all that `source` holds, as of one moment, into `target`, which gets its tables first.

    Args:
        source: what is copied; its schema is that of this code.
        target: nobody may schedule from it meanwhile.
        progress: told now and then.
        while_running: whether a scheduler may go on writing to the source; what it writes later is not copied.
        replacing: whether what the target holds is removed; otherwise it has to be empty.

    Returns:
        The number of rows by table.

    Raises:
        CannotOpen: one of them is in use, the source has an older schema, or the target is not empty.
        StoreError: it failed, or the rows read back are not those that were written; nothing is stored.
    """
    require_head(source)
    with ExitStack() as stack:
        for engines in (target,) if while_running else (source, target):
            stack.enter_context(_unused(engines))
        upgrade(target.writer)
        reading = stack.enter_context(_snapshot(source))
        written = stack.enter_context(writing(target.writer))
        _make_room(written, target.shown, replacing=replacing)
        _raise_epochs(reading, written)
        counts = {table.name: _count(reading, table) for table in COPIED}
        digests = {table.name: _copy_table(reading, written, table, counts[table.name], progress) for table in COPIED}
        for table in COPIED:
            if _digest(written, table, counts[table.name], progress) != digests[table.name]:
                message = f"the rows of {table.name} were not stored as they were read; nothing was stored"
                raise StoreError.of(Code.INTERNAL, message)
    return counts


def _unused(engines: Engines) -> AbstractContextManager[object]:
    """Keep schedulers off a file; of a server, see that none has a lease.

    Raises:
        OwnedElsewhere: one schedules from it.
    """
    if engines.file is not None:
        return _locked(engines)
    with _snapshot(engines) as connection:
        refuse_owned(connection, engines.shown)
    return nullcontext()


@contextmanager
def _locked(engines: Engines) -> Iterator[None]:
    assert engines.file is not None
    lock = FileLock.take(engines.file)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _snapshot(engines: Engines) -> Iterator[Connection]:
    with said_plainly(engines.reader.dialect), engines.reader.begin() as connection:
        yield connection


def refuse_owned(connection: Connection, shown: str) -> None:
    """See that no scheduler has a lease.

    Raises:
        OwnedElsewhere: one has.
    """
    if inspect(connection).has_table(owners.name):
        left = owners.c.expires_at - database_now()
        for owner, microseconds in connection.execute(select(owners.c.owner, left)):
            if microseconds > 0:
                seconds = -(-microseconds // _SECOND)
                message = f"{owner} schedules from {shown}; stop it, or wait {seconds} s where it is stopped"
                raise OwnedElsewhere.because(message)


def _make_room(written: Connection, shown: str, *, replacing: bool) -> None:
    # A scheduler that starts now waits for these rows, and finds the others there.
    written.execute(select(shard_leases).with_for_update()).all()
    if written.dialect.name != "sqlite":
        refuse_owned(written, shown)
    for table in COPIED:
        if replacing:
            written.execute(delete(table))
        elif written.execute(select(table.c[0]).limit(1)).first() is not None:
            remedy = "choose an empty one, or say --replace to remove what it holds"
            raise CannotOpen.because(f"the database {shown} is not empty, it has rows in {table.name}; {remedy}")


def _raise_epochs(reading: Connection, written: Connection) -> None:
    """Epochs only rise, wherever a schedule goes on."""
    epoch = reading.scalar(select(func.max(shard_leases.c.epoch))) or 0
    written.execute(update(shard_leases).where(shard_leases.c.epoch < epoch).values(epoch=epoch))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _copy_table(reading: Connection, written: Connection, table: Table, total: int, progress: Progress) -> bytes:
    """Return the digest of the rows that were read."""
    statement = Prepared(written.dialect, insert(table), table.columns.keys())
    cursor = written.connection.cursor()
    digest = hashlib.sha256()
    done = 0
    for batch in _batches(reading, table):
        digest.update(b"".join(map(_line, batch)))
        statement.execute_all(cursor, batch)
        done += len(batch)
        progress("copied", table.name, done, total)
    return digest.digest()


def _digest(connection: Connection, table: Table, total: int, progress: Progress) -> bytes:
    digest = hashlib.sha256()
    done = 0
    for batch in _batches(connection, table):
        digest.update(b"".join(map(_line, batch)))
        done += len(batch)
        progress("checked", table.name, done, total)
    return digest.digest()


def _line(row: tuple[Any, ...]) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _batches(connection: Connection, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    """Yield all rows in the order of their key, so many at a time as memory holds easily."""
    query = select(table).order_by(*table.primary_key.columns)
    options = {"stream_results": True, "max_row_buffer": _BUFFERED_ROWS}
    batch: list[tuple[Any, ...]] = []
    size = 0
    with connection.execute(query, execution_options=options) as result:
        for row in result:
            batch.append(tuple(row))
            size += _characters(row)
            if len(batch) == _BATCH_ROWS or size >= _BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _characters(row: Row[Any] | Sequence[Any]) -> int:
    return sum(len(value) for value in row if isinstance(value, str))
