"""Databases as SQL: written once for each head, and read back by tests."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import event, inspect

from schedulezero.scheduler.store import migrations
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.tables import metadata

FOLDER = Path(__file__).parent
_SEPARATOR = ";\n\n"
_COLLATIONS = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin")
"""MariaDB's and MySQL's."""


def file_of(head: str, kind: str) -> Path:
    return FOLDER / f"{head}.{kind}.sql"


def load(engines: Engines, file: Path) -> None:
    """Make an empty database what the file says."""
    with engines.writer.begin() as connection:
        of_mariadb, of_mysql = _COLLATIONS
        is_mysql = connection.dialect.name == "mysql" and not getattr(connection.dialect, "is_mariadb", False)
        for statement in file.read_text(encoding="utf-8").split(_SEPARATOR):
            if statement.strip():
                said = statement.replace(of_mariadb, of_mysql) if is_mysql else statement
                connection.exec_driver_sql(said, execution_options={"no_parameters": True})


def write(engines: Engines, head: str, rows: dict[str, list[dict[str, Any]]], file: Path) -> None:
    """Take the steps up to `head` in an empty database, and write them down with those of the rows it can hold."""
    steps = _take_steps(engines, head)
    with engines.writer.connect() as connection:
        has = {
            table: {column["name"] for column in inspect(connection).get_columns(table)}
            for table in inspect(connection).get_table_names()
        }
        kind = connection.dialect.name
    data = [
        _insert(table, [name for name in rows[table][0] if name in has[table]], rows[table], kind)
        for table in metadata.tables
        if table in has and rows[table]
    ]
    file.write_text(_SEPARATOR.join([*steps, *data]) + _SEPARATOR, encoding="utf-8")


def _take_steps(engines: Engines, head: str) -> list[str]:
    """Return the statements that made the tables."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP")):
            said.append("\n".join(line.rstrip() for line in statement.strip().splitlines() if line.strip()))

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    event.listen(engines.writer, "before_cursor_execute", note)
    with engines.writer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, head)
    return [*said, f"INSERT INTO {migrations.VERSION_TABLE} (version_num) VALUES ('{head}')"]


def _insert(table: str, names: list[str], rows: list[dict[str, Any]], kind: str) -> str:
    lines = [f"({', '.join(_literal(row[name], kind) for name in names)})" for row in rows]
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES\n" + ",\n".join(lines)


def _literal(value: object, kind: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        text = value.replace("'", "''")
        return f"'{text.replace(chr(92), chr(92) * 2) if kind == 'mysql' else text}'"
    return repr(value)


def rows_of(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of an SQLite database."""
    return dict(_tables(database))


def _tables(database: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    connection = sqlite3.connect(database)
    try:
        for table in metadata.tables:
            cursor = connection.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            yield table, [dict(zip(names, row, strict=True)) for row in cursor]
    finally:
        connection.close()
