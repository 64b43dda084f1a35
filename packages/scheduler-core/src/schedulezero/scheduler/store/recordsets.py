"""Many rows in one statement of PostgreSQL, given to it as one JSON text, which it makes a list of rows of.

psycopg sends each row by itself, though without waiting; the server then begins and ends the statement for each.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, Dialect, Table
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.scheduler.store.exchanges import Rows, apart

_encode = msgspec.json.Encoder().encode


class Recordset(NamedTuple):
    """A statement about the rows of one JSON text.

    Attributes:
        names: of the values of a row, in their order.
        key: which of them names the row, where one statement may not name it twice.
    """

    sql: str
    names: tuple[str, ...]
    key: int | None = None

    def execute(self, cursor: DBAPICursor, rows: Rows) -> int:
        """Return how many rows of the table were met in all."""
        return sum(self._execute(cursor, some) for some in apart(rows, self.key))

    def _execute(self, cursor: Any, rows: Rows) -> int:
        text = _encode([dict(zip(self.names, row, strict=True)) for row in rows]).decode()
        # Planned each time: a plan that was good for a small table would be kept when it has grown.
        cursor.execute(self.sql, (text,), prepare=False)
        return int(cursor.rowcount)


def insert_of_recordset(dialect: Dialect, table: Table) -> Recordset:
    """Say an INSERT for many rows at once."""
    quoted = dialect.identifier_preparer.quote
    names = ", ".join(map(quoted, table.columns.keys()))
    said = _said(dialect, {column.name: column for column in table.columns})
    return Recordset(
        f"INSERT INTO {quoted(table.name)} ({names}) SELECT {names} FROM {said}", tuple(table.columns.keys())
    )


def update_of_recordset(dialect: Dialect, table: Table, written: Sequence[str], same: Mapping[str, str]) -> Recordset:
    """Say an UPDATE for many rows at once.

    Args:
        dialect: of PostgreSQL.
        table: with the rows.
        written: the columns that are written; their parameters come first.
        same: which parameter each of these columns has to equal; the first is the primary key.
    """
    quoted = dialect.identifier_preparer.quote
    name, columns = quoted(table.name), table.columns
    parameters = {column: columns[column] for column in written} | {same[column]: columns[column] for column in same}
    sets = ", ".join(f"{quoted(column)} = said.{quoted(column)}" for column in written)
    is_same = " AND ".join(f"{name}.{quoted(column)} = said.{quoted(same[column])}" for column in same)
    sql = f"UPDATE {name} SET {sets} FROM {_said(dialect, parameters)} WHERE {is_same}"
    return Recordset(sql, tuple(parameters), key=len(written))


def _said(dialect: Dialect, columns: Mapping[str, Column[Any]]) -> str:
    quoted = dialect.identifier_preparer.quote
    types = ", ".join(f"{quoted(name)} {column.type.compile(dialect=dialect)}" for name, column in columns.items())
    return f"json_to_recordset(%s::json) AS said({types})"
