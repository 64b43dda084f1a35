"""The fixture `databases`: a database of each kind for whoever asks.

PostgreSQL and MySQL or MariaDB are those of `SCHEDULEZERO_TEST_POSTGRES_URL` and `SCHEDULEZERO_TEST_MYSQL_URL`, where
an administrator's URL is given; else servers are started, once for each worker of a run, where their programs are
installed; else the tests that need them are skipped and say what to install.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

KINDS = ("sqlite", "postgresql", "mysql")
"""The databases that everything has to work on; `mysql` is MySQL or MariaDB."""
SERVERS = ("postgresql", "mysql")


class Server(Protocol):
    """What :class:`.servers.Server` is, for those who only use it."""

    @property
    def address(self) -> tuple[str, int]: ...
    def url_of(self, name: str, *, port: int | None = None, user: str | None = None) -> str: ...
    def empty(self) -> str: ...
    def clear(self, name: str) -> None: ...
    def migrated(self) -> str: ...
    def drop(self, name: str) -> None: ...
    def administer(self, *statements: str, database: str | None = None) -> None: ...
    def rows(self, query: str, database: str | None = None) -> list[tuple[object, ...]]: ...


class Databases:
    """Starts servers when they are first asked for."""

    def __init__(self, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self._servers: dict[str, Server] = {}
        self._cleared: dict[str, str] = {}

    def server(self, kind: str) -> Server:
        """Return the server of that kind; the test is skipped where there is none."""
        if kind not in self._servers:
            self._servers[kind] = {"postgresql": _postgresql, "mysql": _mysql}[kind](self._cleanup)
        return self._servers[kind]

    @contextmanager
    def made(self, kind: str, directory: Path, *, migrated: bool = True) -> Iterator[str]:
        """Yield the URL of a new database of that kind, which is removed in the end.

        Args:
            kind: one of `KINDS`.
            directory: where an SQLite file is put; it has no tables yet.
            migrated: whether a server's has the schema of this code already.
        """
        if kind == "sqlite":
            yield _file(directory)
            return
        server = self.server(kind)
        name = server.migrated() if migrated else server.empty()
        try:
            yield server.url_of(name)
        finally:
            server.drop(name)

    def cleared(self, kind: str, directory: Path) -> str:
        """Return the URL of a database of that kind as if it were new; a server's is the same one again and again.

        It has the schema of this code, an SQLite file excepted. Only for tests that leave the schema as it is and
        nobody connected.
        """
        if kind == "sqlite":
            return _file(directory)
        server = self.server(kind)
        if kind not in self._cleared:
            self._cleared[kind] = server.migrated()
            self._cleanup.callback(server.drop, self._cleared[kind])
        server.clear(self._cleared[kind])
        return server.url_of(self._cleared[kind])


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Makes databases of each kind."""
    with ExitStack() as cleanup:
        yield Databases(cleanup)


def _file(directory: Path) -> str:
    return f"sqlite:///{directory / 'schedulezero_jobs.db'}"


def _postgresql(cleanup: ExitStack) -> Server:
    from schedulezero.testkit.databases.processes import Postgresql
    from schedulezero.testkit.databases.servers import PostgresqlServer

    url = os.environ.get("SCHEDULEZERO_TEST_POSTGRES_URL") or _started(cleanup, Postgresql)
    server = PostgresqlServer(url)
    cleanup.callback(server.close)
    return server


def _mysql(cleanup: ExitStack) -> Server:
    from schedulezero.testkit.databases.processes import Mariadb
    from schedulezero.testkit.databases.servers import MysqlServer

    url = os.environ.get("SCHEDULEZERO_TEST_MYSQL_URL") or _started(cleanup, Mariadb)
    server = MysqlServer(url)
    cleanup.callback(server.close)
    return server


class _Process(Protocol):
    @property
    def url(self) -> str: ...


def _started(cleanup: ExitStack, start: Callable[[], AbstractContextManager[_Process]]) -> str:
    from schedulezero.testkit.databases.processes import NotInstalled

    try:
        return cleanup.enter_context(start()).url
    except NotInstalled as lacking:
        pytest.skip(str(lacking))
