"""Transactions, and what their failures mean: nothing stored, a conflict, a refused value, or nobody knows."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from sqlalchemy import Connection, Dialect, Engine, Transaction
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from schedulezero.scheduler.store.errors import Conflict, DataRefused, OutcomeUnknown, StoreError, StoreUnavailable

_DUPLICATES_OF_SQLITE = ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE")
_DUPLICATE_OF_POSTGRESQL = "23505"
_DUPLICATE_OF_MYSQL = 1062
# SQLite failed before the commit record was whole in its log, so a restart will not find it there either.
_NOT_COMMITTED = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_CANTOPEN")


class Fence(Protocol):
    """Raises where the writer no longer owns what it writes."""

    def check(self, cursor: DBAPICursor) -> None: ...


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction of `engine`, committed at the end.

    Raises:
        StoreUnavailable: nothing was stored.
        OutcomeUnknown: the commit itself failed.
        DataRefused: the database refuses a value; nothing was stored.
        Conflict: a row is there already; nothing was stored.
    """
    with (
        said_plainly(engine.dialect),
        engine.connect() as connection,
        _given_up(connection),
        connection.begin() as begun,
    ):
        yield connection
        _commit(connection, begun)


@contextmanager
def writing_fenced(engine: Engine, fence: Fence) -> Iterator[DBAPICursor]:
    """As :func:`writing`, where `fence` allows; the driver's own cursor saves half the time of a row.

    Raises:
        Fenced: this writer has been replaced; nothing was stored.
    """
    with writing(engine) as connection:
        cursor = connection.connection.cursor()
        fence.check(cursor)
        yield cursor


@contextmanager
def said_plainly(dialect: Dialect) -> Iterator[None]:
    """Turn what drivers raise into the errors of this package."""
    try:
        yield
    except StoreError:
        raise
    except (SQLAlchemyError, dialect.loaded_dbapi.Error, OverflowError, UnicodeError) as error:
        raise meaning(error, dialect) from error


def meaning(error: Exception, dialect: Dialect) -> StoreError:
    """Return what an error raised before the commit means."""
    cause = _cause(error)
    driver = dialect.loaded_dbapi
    if _is_duplicate(cause):
        return Conflict.because(cause)
    if isinstance(cause, (driver.DataError, driver.IntegrityError, OverflowError, UnicodeError)):
        return DataRefused.because(cause)
    return StoreUnavailable.because(cause)


@contextmanager
def _given_up(connection: Connection) -> Iterator[None]:
    """Do not use a server's connection again on which writing has failed: after a failover it may only be read from."""
    dialect = connection.dialect
    try:
        yield
    except (SQLAlchemyError, dialect.loaded_dbapi.Error) as error:
        if dialect.name != "sqlite" and isinstance(meaning(error, dialect), StoreUnavailable):
            connection.invalidate()
        raise


def _commit(connection: Connection, transaction: Transaction) -> None:
    try:
        transaction.commit()
    except SQLAlchemyError as error:
        cause = _cause(error)
        if getattr(cause, "sqlite_errorname", None) in _NOT_COMMITTED:
            raise StoreUnavailable.because(cause) from error
        with suppress(SQLAlchemyError):
            connection.invalidate()
        raise OutcomeUnknown.because(cause) from error


def _cause(error: Exception) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error


def _is_duplicate(cause: BaseException) -> bool:
    return (
        getattr(cause, "sqlite_errorname", None) in _DUPLICATES_OF_SQLITE
        or getattr(cause, "sqlstate", None) == _DUPLICATE_OF_POSTGRESQL
        or cause.args[:1] == (_DUPLICATE_OF_MYSQL,)
    )
