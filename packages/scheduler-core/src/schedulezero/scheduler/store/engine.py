"""Opening the database: one engine that writes, one that only reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from schedulezero.scheduler.store.errors import CannotOpen

_BUSY_MILLISECONDS = 5_000
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_EXTRAS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_READERS = 4


class Engines:
    """The two ways into one database. SQLite's writer takes the write lock at BEGIN, so readers need their own."""

    def __init__(self, url: URL, *, writer: Engine, reader: Engine) -> None:
        self.url = url
        self.writer = writer
        self.reader = reader

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        return _file(self.url)

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


def open_engines(url: str) -> Engines:
    """Open the database at `url` and see that it answers.

    Args:
        url: `sqlite:///FILE`, `postgresql://…`, `mysql://…` or `mariadb://…`. A file is created where there is none.

    Raises:
        CannotOpen: the URL is not one of these, its driver is missing, the file or server cannot be used.
    """
    engines = _create(_parsed(url))
    try:
        with _explained(engines.url):
            for engine in (engines.writer, engines.reader):
                with engine.connect():
                    pass
    except CannotOpen:
        engines.close()
        raise
    return engines


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
        driver = _DRIVERS[url.drivername]
    except (ArgumentError, KeyError):
        known = "sqlite:///FILE, postgresql://, mysql:// or mariadb://"
        raise CannotOpen.because(f"the database URL must begin with {known}; set SCHEDULEZERO_DATABASE_URL") from None
    if url.drivername == "sqlite" and _file(url) is None:
        raise CannotOpen.because(
            "SQLite in memory keeps nothing; name a file: SCHEDULEZERO_DATABASE_URL=sqlite:///FILE"
        )
    return url.set(drivername=driver)


def _file(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database)).absolute()


def _create(url: URL) -> Engines:
    if url.get_backend_name() == "sqlite":
        return _create_sqlite(url)
    # Positional parameters, as SQLite has them: see statements.py.
    options: dict[str, Any] = {"pool_pre_ping": True, "paramstyle": "format"}
    try:
        writer = create_engine(url, pool_size=2, max_overflow=0, isolation_level="READ COMMITTED", **options)
        reader = create_engine(url, pool_size=_READERS, isolation_level="REPEATABLE READ", **options)
    except ModuleNotFoundError as error:
        extra = _EXTRAS[url.get_backend_name()]
        remedy = f"pip install 'schedulezero-scheduler-core[{extra}]'"
        raise CannotOpen.because(f"the driver {error.name} of this database is not installed: {remedy}") from None
    return Engines(url, writer=writer, reader=reader)


def _create_sqlite(url: URL) -> Engines:
    # With isolation_level None the driver begins nothing by itself.
    options: dict[str, Any] = {"connect_args": {"isolation_level": None, "check_same_thread": False}}
    writer = create_engine(url, pool_size=2, max_overflow=0, **options)
    reader = create_engine(url, pool_size=_READERS, **options)
    event.listen(writer, "connect", _configure_writer)
    event.listen(writer, "begin", _begin_writing)
    event.listen(reader, "connect", _configure_reader)
    event.listen(reader, "begin", _begin_reading)
    return Engines(url, writer=writer, reader=reader)


def _configure_writer(connection: Any, _: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    # Takes effect where the file is new; see Retention.return_space.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise CannotOpen.because("SQLite cannot use its write-ahead log on this file system; use a local disk")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-8000")


def _configure_reader(connection: Any, _: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA query_only=ON")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextmanager
def _explained(url: URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        file = _file(url)
        if file is None:
            shown = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
            message = (
                f"the database {shown} cannot be used: {str(error.orig).strip()}; is it running, is the URL right?"
            )
            raise CannotOpen.because(message) from error
        raise CannotOpen.because(_why_not(file, error)) from error


def _why_not(file: Path, error: DBAPIError) -> str:
    remedy = "choose another file with SCHEDULEZERO_DATABASE_URL"
    if file.is_dir():
        return f"the database {file} is a directory; {remedy}"
    if not file.parent.is_dir():
        return f"the directory {file.parent} of the database does not exist; create it, or {remedy}"
    if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_NOTADB":
        return f"{file} is not an SQLite database; {remedy}"
    return f"the database {file} cannot be opened ({error.orig}); make it and its directory writable, or {remedy}"
