"""A database server that tests use: it makes databases, empty ones and ones with the schema of this code."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.pool import NullPool

from schedulezero.scheduler.store.engine import open_engines
from schedulezero.scheduler.store.migrations import upgrade
from schedulezero.scheduler.store.tables import metadata, shard_leases


class Server(ABC):
    """Makes and drops databases on a server that runs.

    Args:
        url: of an administrator, without a database or with one that is always there.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._template: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""
        assert self._url.host is not None
        assert self._url.port is not None
        return self._url.host, self._url.port

    def url_of(self, name: str, *, port: int | None = None, user: str | None = None) -> str:
        """Return the URL of the database `name`, as a user writes it.

        Args:
            port: of what stands before the server, if not the server's own.
            user: who connects, if not the administrator; without a password.
        """
        url = self._url.set(database=name, port=port or self._url.port)
        if user is not None:
            url = URL.create(url.drivername, user, host=url.host, port=url.port, database=name)
        return url.render_as_string(hide_password=False)

    def empty(self) -> str:
        """Make a database without tables and return its name."""
        name = f"schedulezero_{uuid.uuid4().hex[:12]}"
        self.administer(f"CREATE DATABASE {name}")
        return name

    def migrated(self) -> str:
        """Make a database with the schema of this code and return its name."""
        if self._template is None:
            self._template = self.empty()
            with open_engines(self.url_of(self._template)) as engines:
                upgrade(engines.writer)
        return self._copy(self._template)

    def clear(self, name: str) -> None:
        """Make a database with this schema as it was when it was new."""
        tables = [table for table in metadata.tables if table != shard_leases.name]
        forget = f"UPDATE {shard_leases.name} SET owner = NULL, epoch = 0"
        self.administer(*(f"DELETE FROM {table}" for table in tables), forget, database=name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self.administer(self._dropping(name))

    def close(self) -> None:
        """Remove what was made for all."""
        if self._template is not None:
            self.drop(self._template)
            self._template = None

    def grant(self, user: str, name: str) -> None:
        """Make a user who needs no password and may do with the rows of a database what a scheduler does, no more."""
        self.administer(*self._granting(user, name), database=name)

    def administer(self, *statements: str, database: str | None = None) -> None:
        """Execute statements one after another as the administrator."""
        engine = self._engine(database)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def rows(self, query: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Return what a query of the administrator's answers."""
        with self._engine(database).connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def _engine(self, database: str | None) -> Engine:
        backend = self._url.get_backend_name()
        driver = "postgresql+psycopg" if backend == "postgresql" else f"{backend}+pymysql"
        url = self._url.set(drivername=driver, database=database or self._url.database)
        return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    @abstractmethod
    def _copy(self, name: str) -> str: ...

    @abstractmethod
    def _granting(self, user: str, name: str) -> Sequence[str]: ...

    @abstractmethod
    def _dropping(self, name: str) -> str: ...


class PostgresqlServer(Server):
    """PostgreSQL: a copy is one statement."""

    def _copy(self, name: str) -> str:
        copy = f"schedulezero_{uuid.uuid4().hex[:12]}"
        self.administer(f"CREATE DATABASE {copy} TEMPLATE {name}")
        return copy

    def _granting(self, user: str, name: str) -> Sequence[str]:
        return (
            f"CREATE ROLE {user} LOGIN",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}",
        )

    def _dropping(self, name: str) -> str:
        return f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"


class MysqlServer(Server):
    """MySQL or MariaDB: a copy is made table by table."""

    def _copy(self, name: str) -> str:
        copy = self.empty()
        for (table,) in self.rows(f"SHOW TABLES FROM {name}"):
            self.administer(
                f"CREATE TABLE {copy}.{table} LIKE {name}.{table}",
                f"INSERT INTO {copy}.{table} SELECT * FROM {name}.{table}",
            )
        return copy

    def _granting(self, user: str, name: str) -> Sequence[str]:
        return f"CREATE USER {user}", f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {user}"

    def _dropping(self, name: str) -> str:
        return f"DROP DATABASE IF EXISTS {name}"
