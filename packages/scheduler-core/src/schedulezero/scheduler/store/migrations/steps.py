"""What steps do to the tables.

MySQL and MariaDB cannot undo a step that was cut short, so each part is done only where it has not been done.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op


def create_table(name: str, *columns: sa.Column[Any]) -> None:
    """Make a table that is not there."""
    if not _inspector().has_table(name):
        op.create_table(name, *columns)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column that the table lacks."""
    if column.name not in {one["name"] for one in _inspector().get_columns(table)}:
        op.add_column(table, column)


def create_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], *, where: str | None = None, unique: bool = False
) -> None:
    """Make an index that the table lacks, over the rows that `where` names; on MySQL, which cannot, over all."""
    if name in {one["name"] for one in _inspector().get_indexes(table)}:
        return
    predicate = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=predicate, postgresql_where=predicate)


def insert_rows(table: str, column: str, rows: list[dict[str, Any]]) -> None:
    """Write the first rows of a table that has none yet; `column` is any of its columns."""
    connection = op.get_bind()
    if connection.execute(sa.text(f"SELECT {column} FROM {table} LIMIT 1")).first() is None:
        connection.execute(sa.table(table, *map(sa.column, rows[0])).insert(), rows)


def _inspector() -> sa.Inspector:
    return sa.inspect(op.get_bind())
