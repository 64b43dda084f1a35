"""PostgreSQL and MySQL or MariaDB: how their two engines are set up, and what a server must be like.

A scheduler takes at most six connections: two that write and four that read. It waits for an answer only for a while,
so that a network which swallows everything is noticed too. A connection on which writing failed is not used again, nor
is one that reads and is older than that: after a failover it may lead to a server that only follows.
"""

from importlib import import_module
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from schedulezero.scheduler.store.dialects import MYSQL
from schedulezero.scheduler.store.errors import CannotOpen

_EXTRAS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_WRITERS, _READERS = 2, 4
_CONNECT_SECONDS = 3
_POOL_SECONDS = 5
_LEAST_PACKET = 4 * 1024 * 1024
# What is too long is refused, not cut; times are of one zone, whatever the server's.
_MYSQL_SESSION = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'"


def create(url: URL, patience: float | None) -> tuple[Engine, Engine]:
    """Return the engine that writes and the one that reads; nothing is opened yet.

    Args:
        url: with the driver in its scheme.
        patience: seconds without a byte of an answer after which a writing connection is given up, a reading one after
            twice as many; None: never.

    Raises:
        CannotOpen: the driver is not installed, or the URL names no database.
    """
    if not url.database:
        raise CannotOpen.because("the database URL names no database: SCHEDULEZERO_DATABASE_URL=…://…/NAME")
    try:
        writer = _engine(url, patience, pool_size=_WRITERS, isolation_level="READ COMMITTED")
        reader = _engine(url, patience and 2 * patience, pool_size=_READERS, isolation_level="REPEATABLE READ")
    except ModuleNotFoundError as error:
        extra = _EXTRAS[url.get_backend_name()]
        remedy = f"pip install 'schedulezero-scheduler-core[{extra}]'"
        raise CannotOpen.because(f"the driver {error.name} of this database is not installed: {remedy}") from None
    _renew_when_writing_fails(writer, reader)
    if reader.dialect.name == "postgresql":
        event.listen(reader, "before_cursor_execute", _ask_without_nul, retval=True)
    return writer, reader


def check(connection: Connection) -> None:
    """See that the server can hold what we give it.

    Raises:
        CannotOpen: it cannot; the message says what to set.
    """
    if connection.dialect.name in MYSQL:
        largest = int(connection.scalar(text("SELECT @@max_allowed_packet")) or 0)
        if largest < _LEAST_PACKET:
            remedy = f"set max_allowed_packet={_LEAST_PACKET} or more on the server"
            raise CannotOpen.because(f"the database takes no statement of more than {largest} bytes; {remedy}")
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        remedy = "create it with ENCODING 'UTF8' TEMPLATE template0"
        raise CannotOpen.because(f"the database has the encoding {encoding}, which not every text fits; {remedy}")


def _engine(url: URL, patience: float | None, **options: Any) -> Engine:
    # Positional parameters, as SQLite has them: see statements.py.
    options |= {"pool_pre_ping": True, "max_overflow": 0, "pool_timeout": _POOL_SECONDS, "paramstyle": "format"}
    if url.get_backend_name() == "postgresql":
        return _postgresql(url, patience, options)
    ours: dict[str, Any] = {"charset": "utf8mb4", "init_command": _MYSQL_SESSION, "connect_timeout": _CONNECT_SECONDS}
    flags = import_module("pymysql.constants.CLIENT")
    ours["client_flag"] = flags.FOUND_ROWS | flags.MULTI_STATEMENTS
    if patience is not None:
        ours |= {"read_timeout": patience, "write_timeout": patience}
    return create_engine(url, connect_args=_unless_said(url, ours), **options)


def _postgresql(url: URL, patience: float | None, options: dict[str, Any]) -> Engine:
    ours = {"client_encoding": "utf8", "connect_timeout": _CONNECT_SECONDS, "application_name": "schedulezero"}
    engine = create_engine(url, connect_args=_unless_said(url, ours), **options)
    if patience is not None:
        from schedulezero.scheduler.store.patience import connection_class

        connect = connection_class(patience).connect
        event.listen(engine, "do_connect", lambda _dialect, _record, args, named: connect(*args, **named))
    return engine


def _renew_when_writing_fails(writer: Engine, reader: Engine) -> None:
    """Close each connection that reads before it is used again, if one that writes has been given up meanwhile."""
    failures = 0

    def writing_failed(*_: object) -> None:
        nonlocal failures
        failures += 1

    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["failures"] = failures

    def look(_connection: object, record: ConnectionPoolEntry, _: object) -> None:
        if record.info["failures"] != failures:
            raise DisconnectionError

    event.listen(writer, "invalidate", writing_failed)
    event.listen(reader, "connect", note)
    event.listen(reader, "checkout", look)


def _ask_without_nul(
    _connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object
) -> tuple[str, Any]:
    """No row holds NUL, and PostgreSQL may not be asked for it: it is asked for a character that no id holds either."""
    if any(isinstance(value, str) and "\0" in value for value in parameters):
        parameters = tuple(value.replace("\0", "\uffff") if isinstance(value, str) else value for value in parameters)
    return statement, parameters


def _unless_said(url: URL, ours: dict[str, Any]) -> dict[str, Any]:
    """Leave what the URL itself says as it says it."""
    return {name: value for name, value in ours.items() if name not in url.query}
