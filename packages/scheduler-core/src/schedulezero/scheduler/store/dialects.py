"""What SQLite, PostgreSQL and MySQL or MariaDB say differently."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, String, Table, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler, TypeCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeEngine

MYSQL = ("mysql", "mariadb")
# Names of locks are of the whole server there, and of 64 characters at most.
_MIGRATION_LOCK = "CONCAT('schedulezero ', MD5(DATABASE()))"
_LOCK_SECONDS = 365 * 24 * 3600


class Key(String):
    """A text that is compared and ordered by code point."""

    cache_ok = True


@compiles(Key, "postgresql")
def _key_of_postgresql(type_: Key, _compiler: TypeCompiler, **_: Any) -> str:
    return f'VARCHAR({type_.length}) COLLATE "C"'


@compiles(Key, *MYSQL)
def _key_of_mysql(type_: Key, compiler: TypeCompiler, **_: Any) -> str:
    return f"VARCHAR({type_.length}) CHARACTER SET utf8mb4 COLLATE {collation_of(compiler.dialect)}"


def collation_of(dialect: Dialect) -> str:
    """Return the collation of a :class:`Key` on MySQL or MariaDB.

    Each has one binary collation to which spaces at the end count, as they do elsewhere.
    """
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


def key(length: int) -> TypeEngine[str]:
    """A short text that is compared and ordered by code point, on each database alike."""
    return Key(length)


class LongText(Text):
    """A text of up to 16 MiB."""

    cache_ok = True


@compiles(LongText, *MYSQL)
def _long_text_of_mysql(_type: LongText, _compiler: TypeCompiler, **_: Any) -> str:
    return "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"


def long_text() -> TypeEngine[str]:
    """A text of up to 16 MiB, on each database alike."""
    return LongText()


class database_now(FunctionElement[int]):
    """The time of the database in microseconds since the epoch, UTC; SQLite's is exact to the millisecond."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _now_of_sqlite(element: database_now, compiler: SQLCompiler, **_: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"


@compiles(database_now, "postgresql")
def _now_of_postgresql(element: database_now, compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


@compiles(database_now, *MYSQL)
def _now_of_mysql(element: database_now, compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)"


class has_part(FunctionElement[bool]):
    """Whether the first text contains the second, letter for letter (SQLite's LIKE ignores case)."""

    type = Boolean()
    inherit_cache = True


@compiles(has_part)
def _has_part(element: has_part, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **kwargs)}) > 0)"


@compiles(has_part, "postgresql")
def _has_part_of_postgresql(element: has_part, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **kwargs)}) > 0)"


class is_like(FunctionElement[bool]):
    """Whether the first text is as the second says, a pattern of LIKE with `/` before what it means by itself.

    The case of letters does not matter.
    """

    type = Boolean()
    inherit_cache = True


@compiles(is_like)
def _is_like(element: is_like, compiler: SQLCompiler, **kwargs: Any) -> str:
    text, pattern = element.clauses
    return compiler.process(text.ilike(pattern, escape="/"), **kwargs)


@compiles(is_like, "sqlite")
def _is_like_of_sqlite(element: is_like, compiler: SQLCompiler, **kwargs: Any) -> str:
    # Its LIKE ignores the case of the same letters as its lower() does, in half the time.
    text, pattern = element.clauses
    return compiler.process(text.like(pattern, escape="/"), **kwargs)


def upsert(dialect: str, table: Table, *, adding: bool = False) -> Insert:
    """Insert a row, or write its columns outside the primary key over the row that is there; `adding`: add to them."""
    upserting: Any = _insert_of(dialect)(table)
    statement: Insert
    if dialect in MYSQL:
        statement = upserting.on_duplicate_key_update(_overwritten(table, upserting.inserted, adding))
    else:
        statement = upserting.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_=_overwritten(table, upserting.excluded, adding)
        )
    return statement


def _insert_of(dialect: str) -> Any:
    """Return the `insert` of a dialect; of those that are not in use MySQL's alone would take a 15th of a second."""
    return import_module(f"sqlalchemy.dialects.{'mysql' if dialect in MYSQL else dialect}").insert


def _overwritten(table: Table, new: Any, adding: bool) -> dict[str, ColumnElement[Any]]:
    columns = [column for column in table.columns if not column.primary_key]
    return {column.name: column + new[column.name] if adding else new[column.name] for column in columns}


@contextmanager
def migration_lock(connection: Connection) -> Iterator[None]:
    """Let one process at a time migrate this database, in the transaction of `connection`.

    PostgreSQL's lock ends with the transaction; MySQL's would not, as its DDL commits. SQLite needs none: its
    writing transactions begin with the lock.
    """
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('schedulezero'))")
    elif dialect in MYSQL:
        connection.exec_driver_sql(f"SELECT GET_LOCK({_MIGRATION_LOCK}, {_LOCK_SECONDS})")
    try:
        yield
    finally:
        if dialect in MYSQL and not connection.invalidated:
            connection.exec_driver_sql(f"SELECT RELEASE_LOCK({_MIGRATION_LOCK})")
