"""Every statement can be said to every database, with its parameters in our order."""

from typing import Any, get_args

import pytest
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from schedulezero.scheduler.core.model import Change
from schedulezero.scheduler.store import tables
from schedulezero.scheduler.store.statements import kinds
from schedulezero.scheduler.store.tally_writes import TallyWriter

DIALECTS = [
    pytest.param(sqlite.dialect(paramstyle="qmark"), id="sqlite"),
    pytest.param(postgresql.dialect(paramstyle="format"), id="postgresql"),
    pytest.param(mysql.dialect(paramstyle="format"), id="mysql"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_change_has_a_statement(dialect: Any) -> None:
    statements = [kind.statement.sql for kind in kinds(dialect).values()]
    mark = "?" if dialect.name == "sqlite" else "%s"
    assert set(kinds(dialect)) == set(get_args(Change))
    assert all(mark in sql for sql in statements)
    TallyWriter(dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_tables_can_be_made(dialect: Any) -> None:
    for table in tables.metadata.sorted_tables:
        assert table.name in str(CreateTable(table).compile(dialect=dialect))
    partial = {
        index.name: " WHERE " in str(CreateIndex(index).compile(dialect=dialect)) for index in tables.executions.indexes
    }
    assert partial == {
        "newest": False,
        "newest_of_handler": False,
        **dict.fromkeys(
            ("ledger", "line", "newest_of_schedule", "newest_unsuccessful", "replays", "unfinished"),
            dialect.name != "mysql",
        ),
    }
