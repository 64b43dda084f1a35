"""SQLite: how its two engines are set up, and why its file cannot be opened."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from schedulezero.scheduler.store.errors import CannotOpen

_BUSY_MILLISECONDS = 5_000
_READERS = 4
_LOG_PAGES = 4_000
"""How long the log grows (16 MB) before its pages are put in their places, which holds up a commit.

At SQLite's own 1,000 one in 25 single runs met that; and a page that changes often is put there each time.
"""


def file_of(url: URL) -> Path | None:
    """Return the file of an SQLite database; None for a server, and for SQLite in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database)).absolute()


def create(url: URL) -> tuple[Engine, Engine]:
    """Return the engine that writes and the one that reads; nothing is opened yet."""
    # With isolation_level None the driver begins nothing by itself.
    options: dict[str, Any] = {"connect_args": {"isolation_level": None, "check_same_thread": False}}
    writer = create_engine(url, pool_size=2, max_overflow=0, **options)
    reader = create_engine(url, pool_size=_READERS, **options)
    event.listen(writer, "connect", _configure_writer)
    event.listen(writer, "begin", _begin_writing)
    event.listen(reader, "connect", _configure_reader)
    event.listen(reader, "begin", _begin_reading)
    return writer, reader


def why_not(file: Path, error: DBAPIError) -> str:
    """Return in one line why `file` cannot be opened, and what to do."""
    remedy = "choose another file with SCHEDULEZERO_DATABASE_URL"
    if file.is_dir():
        return f"the database {file} is a directory; {remedy}"
    if not file.parent.is_dir():
        return f"the directory {file.parent} of the database does not exist; create it, or {remedy}"
    if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_NOTADB":
        return f"{file} is not an SQLite database; {remedy}"
    return f"the database {file} cannot be opened ({error.orig}); make it and its directory writable, or {remedy}"


def _configure_writer(connection: Any, _: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    # Takes effect where the file is new; see Retention.return_space.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise CannotOpen.because("SQLite cannot use its write-ahead log on this file system; use a local disk")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
    connection.execute("PRAGMA cache_size=-8000")


def _configure_reader(connection: Any, _: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA query_only=ON")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
