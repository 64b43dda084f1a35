"""Many rows in one exchange with MySQL or MariaDB, each value written into the statement as text.

PyMySQL sends UPDATE and DELETE row by row, which on another machine is a round trip each, and takes as long to quote a
row as the server to store it. Here even an UPDATE of many rows is one statement: it joins the table with a list of what
the rows are to be.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Table
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.scheduler.store.dialects import Key, collation_of

Rows = Sequence[Sequence[Any]]

_CHARACTERS = 1_000_000
"""Of one exchange, about; a server takes four times as many bytes at the least."""


class ManyRows(NamedTuple):
    """How many rows are said at once: what stands before, for each row, between two of them, and after.

    Attributes:
        key: which parameter names the row, where one exchange may not name it twice.
    """

    before: str
    row: str
    between: str
    after: str
    key: int | None = None

    def execute(self, cursor: DBAPICursor, rows: Rows) -> int:
        """Return how many rows of the table were met in all."""
        met = 0
        for said in self._said(rows):
            cursor.execute(said)
            met += cursor.rowcount
            while cursor.nextset():
                met += cursor.rowcount
        return met

    def _said(self, rows: Rows) -> Iterator[str]:
        for some in apart(rows, self.key):
            texts: list[str] = []
            size = 0
            for row in some:
                text = self.row % tuple(map(literal, row))
                if texts and size + len(text) > _CHARACTERS:
                    yield self._together(texts)
                    texts, size = [], 0
                texts.append(text)
                size += len(text)
            yield self._together(texts)

    def _together(self, texts: list[str]) -> str:
        return f"{self.before}{self.between.join(texts)}{self.after}"


def apart(rows: Rows, key: int | None) -> Iterator[Rows]:
    """Yield the rows in their order, so many at a time as none of them is named twice by its value number `key`."""
    if key is None:
        yield rows
        return
    some: list[Sequence[Any]] = []
    named = set[Any]()
    for row in rows:
        if row[key] in named:
            yield some
            some, named = [], set()
        some.append(row)
        named.add(row[key])
    yield some


def one_by_one(sql: str) -> ManyRows:
    """Say a statement for one row after another."""
    return ManyRows("", sql, ";", "")


def as_one_insert(sql: str, columns: int) -> ManyRows:
    """Say an INSERT, whatever it does with rows that are there, for many rows at once."""
    row = f"({', '.join(['%s'] * columns)})"
    before, _, after = sql.partition(row)
    return ManyRows(before, row, ", ", after)


def as_one_update(dialect: Dialect, table: Table, written: Sequence[str], same: Mapping[str, str]) -> ManyRows:
    """Say an UPDATE for many rows at once.

    The server goes through the list that it is given and finds each row by its key.

    Args:
        dialect: of MySQL or MariaDB.
        table: with the rows.
        written: the columns that are written; their parameters come first.
        same: which parameter each of these columns has to equal; the first is the primary key.
    """
    quoted = dialect.identifier_preparer.quote
    name = quoted(table.name)

    def head(parameter: str, column: str) -> str:
        # A list has the collation of the connection, which may be one that cannot be compared with that of the column.
        collated = parameter in same.values() and isinstance(table.c[column].type, Key)
        return f"{f"'' COLLATE {collation_of(dialect)}" if collated else 'NULL'} AS {quoted(parameter)}"

    parameters = {**{column: column for column in written}, **{same[column]: column for column in same}}
    heads = ", ".join(head(parameter, column) for parameter, column in parameters.items())
    is_same = " AND ".join(f"{name}.{quoted(column)} = said.{quoted(same[column])}" for column in same)
    sets = ", ".join(f"{name}.{quoted(column)} = said.{quoted(column)}" for column in written)
    return ManyRows(
        f"UPDATE (SELECT {heads} FROM DUAL WHERE 1 = 0 UNION ALL ",
        f"SELECT {', '.join(['%s'] * len(parameters))}",
        " UNION ALL ",
        f") AS said STRAIGHT_JOIN {name} ON {is_same} SET {sets}",
        key=len(written),
    )


def literal(value: Any) -> str:
    """Write a value as MySQL and MariaDB read it; in a text, backslash and quote are all that means something."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, float):
        # Without an exponent it would be a decimal. So many digits name one number only.
        return f"{value:.17e}"
    if isinstance(value, int):
        return str(int(value))
    raise TypeError(f"{type(value).__name__} is nothing that a column holds")
