"""Databases of every earlier schema are brought to this one with all that they hold, on each kind of database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, inspect, select

from schedulezero.scheduler.core.model import (
    AppendLog,
    InsertAttempt,
    InsertExecution,
    InsertNotification,
    InsertSchedule,
    KeepSpell,
    RememberHandler,
    RememberKey,
    SetPause,
)
from schedulezero.scheduler.store import CannotOpen, SchemaTooNew, Store, migrations
from schedulezero.scheduler.store.checking import check
from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.scheduler.store.migrations import HEAD, upgrade
from schedulezero.scheduler.store.reads import Reader
from schedulezero.scheduler.store.tables import metadata, shard_leases
from schedulezero.testkit.databases.fixtures import KINDS, Databases

from .filled import changes
from .heads.dumps import file_of, load

HEADS = [f"{number:04}" for number in range(1, int(HEAD) + 1)]
EXECUTIONS = 6


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(databases: Databases, kind: str, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    with databases.made(kind, tmp_path, migrated=False) as url:
        yield url


@pytest.mark.parametrize("head", HEADS)
def test_a_database_of_each_head_keeps_all_it_has(url: str, kind: str, head: str) -> None:
    with open_engines(url) as engines:
        load(engines, file_of(head, kind))

    store = Store.open(url, owner="later")
    try:
        assert store.ownership.epoch > 1_700_000_000
        assert [change for change in changes(EXECUTIONS) if not is_there(store, change, int(head))] == []
    finally:
        store.close()
    with open_engines(url) as engines:
        assert check(engines, lambda *_: None) == []


def test_what_runs_while_a_database_is_upgraded_is_counted_once(url: str, kind: str) -> None:
    """Until 0004 it was in the figures that are kept."""
    with open_engines(url) as engines:
        load(engines, file_of("0004", kind))
        with engines.writer.begin() as connection:
            connection.exec_driver_sql("UPDATE executions SET status = 'running' WHERE status = 'pending'")
        upgrade(engines.writer)

        assert check(engines, lambda *_: None) == []
        stored = sum(isinstance(change, InsertExecution) for change in changes(EXECUTIONS))
        assert Reader(engines.reader).statistics().total_executions == stored


def is_there(store: Store, change: Any, head: int) -> bool:
    """Whether what was written before the step that `head` names is read again."""
    loaded = store.reader.load(epoch=1, window=10, line=9, agenda=9)
    match change:
        case InsertSchedule(schedule=schedule):
            return store.reader.schedule(schedule.id) == schedule
        case InsertExecution(execution=execution):
            return store.reader.execution(execution.id) == execution
        case InsertAttempt(attempt=attempt):
            return store.reader.attempts(attempt.execution_id) == [attempt]
        case AppendLog(entry=entry):
            return store.reader.logs(entry.execution_id) == [entry]
        case RememberKey(key=key):
            return store.reader.idempotency_key(key.caller, key.key) == key
        case RememberHandler(handler=handler):
            return handler in loaded.handlers
        case SetPause(handler_id=handler_id, pause=pause):
            return loaded.pauses == {handler_id: pause}
        case InsertNotification(notification=notification):
            return head < 2 or store.notifications.owed(notification.receiver, 9) == [notification]
        case KeepSpell(spell=spell):
            return head < 3 or spell in loaded.spells
    return False


def test_a_database_is_kept_of_each_head(kind: str) -> None:
    assert [head for head in HEADS if not file_of(head, kind).exists()] == []


def test_the_steps_lead_to_the_tables(url: str, databases: Databases, kind: str, tmp_path: Path) -> None:
    """One looks as if its making had been cut short at the very beginning; the other one is made without steps."""
    with open_engines(url) as engines:
        with engines.writer.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE TABLE {migrations.VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
            )
        upgrade(engines.writer)
        stepped, leases = schema(engines), rows_of_leases(engines)
    (tmp_path / "direct").mkdir()
    with databases.made(kind, tmp_path / "direct", migrated=False) as other, open_engines(other) as engines:
        upgrade(engines.writer)
        assert (schema(engines), rows_of_leases(engines)) == (stepped, leases)


def rows_of_leases(engines: Engines) -> list[Any]:
    with engines.reader.connect() as connection:
        return list(connection.execute(select(shard_leases).order_by(shard_leases.c.shard)))


def schema(engines: Engines) -> dict[str, Any]:
    """Columns, key and indexes of each table."""
    inspector = inspect(engines.reader)
    return {
        table: (
            [(one["name"], repr(one["type"]), one["nullable"]) for one in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (str(one["name"]), tuple(one["column_names"]), one["unique"], repr(one.get("column_sorting")))
                for one in inspector.get_indexes(table)
            ),
        )
        for table in inspector.get_table_names()
    }


class PowerCut(Exception):
    """The process ends here."""


def test_an_upgrade_that_is_cut_short_is_taken_up_again(url: str, kind: str) -> None:
    """MySQL keeps what came before; the others keep nothing, so that one cut shows it."""
    with open_engines(url) as engines:
        if kind == "mysql":
            cuts = 0
            while not upgraded_but_for(engines, 4):
                cuts += 1
            assert cuts >= 8
        else:
            assert not upgraded_but_for(engines, 20)
            assert schema(engines) == {}
            upgrade(engines.writer)
        assert check(engines, lambda *_: None) == []
        assert set(schema(engines)) == {*metadata.tables, migrations.VERSION_TABLE}


def upgraded_but_for(engines: Engines, number: int) -> bool:
    """Upgrade, but fail before the change of that number; tell whether it came to its end."""
    left = number

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal left
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "INSERT", "UPDATE")):
            left -= 1
            if left == 0:
                raise PowerCut

    event.listen(engines.writer, "before_cursor_execute", count)
    try:
        upgrade(engines.writer)
    except PowerCut:
        return False
    finally:
        event.remove(engines.writer, "before_cursor_execute", count)
    return True


def test_tables_of_another_program_are_left_alone(url: str) -> None:
    with open_engines(url) as engines:
        with engines.writer.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE schedules (id INTEGER)")
        with pytest.raises(CannotOpen, match=r"tables of another program \(schedules\)"):
            upgrade(engines.writer)
        assert set(schema(engines)) == {"schedules"}


def test_a_database_of_a_later_version_is_left_alone(databases: Databases, kind: str, tmp_path: Path) -> None:
    with databases.made(kind, tmp_path) as url:
        with open_engines(url) as engines:
            upgrade(engines.writer)
            with engines.writer.begin() as connection:
                connection.exec_driver_sql(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
        with pytest.raises(SchemaTooNew, match="has schema 9999"):
            Store.open(url, owner="earlier")
