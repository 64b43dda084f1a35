"""Opening the database: one engine that writes, one that only reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from schedulezero.scheduler.store import servers, sqlite
from schedulezero.scheduler.store.errors import CannotOpen

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


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
        return sqlite.file_of(self.url)

    @property
    def shown(self) -> str:
        """What the database is called in messages: its file, or its URL without the password."""
        if self.file is not None:
            return str(self.file)
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


def open_engines(url: str, *, patience: float | None = None) -> Engines:
    """Open the database at `url` and see that it answers.

    Args:
        url: `sqlite:///FILE`, `postgresql://…`, `mysql://…` or `mariadb://…`. A file is created where there is none.
        patience: seconds after which a server that does not answer is given up, see :func:`.servers.create`.

    Raises:
        CannotOpen: the URL is not one of these, its driver is missing, the file or server cannot be used.
    """
    engines = _create(_parsed(url), patience)
    try:
        with _explained(engines):
            _look(engines)
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
    if url.drivername == "sqlite" and sqlite.file_of(url) is None:
        raise CannotOpen.because(
            "SQLite in memory keeps nothing; name a file: SCHEDULEZERO_DATABASE_URL=sqlite:///FILE"
        )
    return url.set(drivername=driver)


def _create(url: URL, patience: float | None) -> Engines:
    is_file = url.get_backend_name() == "sqlite"
    writer, reader = sqlite.create(url) if is_file else servers.create(url, patience)
    return Engines(url, writer=writer, reader=reader)


def _look(engines: Engines) -> None:
    for engine in (engines.writer, engines.reader):
        with engine.connect() as connection:
            if engines.file is None:
                servers.check(connection)


@contextmanager
def _explained(engines: Engines) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if engines.file is None:
            cause = " ".join(str(error.orig).split())
            message = f"the database {engines.shown} cannot be used: {cause}; is it running, is the URL right?"
            raise CannotOpen.because(message) from error
        raise CannotOpen.because(sqlite.why_not(engines.file, error)) from error
