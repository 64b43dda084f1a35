"""The schema: where it comes from, and whom it is kept from."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from schedulezero.scheduler.store import SchemaTooNew, migrations
from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.scheduler.store.migrations import HEAD, upgrade
from schedulezero.scheduler.store.tables import metadata


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[Engines]:
    with open_engines(f"sqlite:///{tmp_path / 'jobs.db'}") as engines:
        yield engines


def _schema(engines: Engines) -> dict[str, Any]:
    """The columns of each table in their order, and the statement of each index."""
    with engines.reader.connect() as connection:
        rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
        return {
            name: [column[1:] for column in connection.exec_driver_sql(f"PRAGMA table_info({name})")]
            if type_ == "table"
            else " ".join(sql.split())
            for type_, name, sql in rows
        }


def test_the_steps_lead_to_the_tables(engines: Engines, tmp_path: Path) -> None:
    _forgo_the_direct_way(engines)
    upgrade(engines.writer)
    with open_engines(f"sqlite:///{tmp_path / 'direct.db'}") as direct:
        metadata.create_all(direct.writer)
        expected = _schema(direct)
    migrated = _schema(engines)
    assert migrated.pop(migrations.VERSION_TABLE)
    assert migrated == expected


def _forgo_the_direct_way(engines: Engines) -> None:
    """Let the database look as if its making had been cut short at the very beginning."""
    with engines.writer.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {migrations.VERSION_TABLE} (version_num VARCHAR(32) NOT NULL)")


def test_the_steps_are_numbered_up_to_the_head() -> None:
    steps = sorted(path.name[1:5] for path in (Path(migrations.__file__).parent / "versions").glob("v*.py"))
    assert steps == [f"{number:04}" for number in range(1, int(HEAD) + 1)]


def test_upgrading_again_changes_nothing(engines: Engines) -> None:
    upgrade(engines.writer)
    before = _schema(engines)
    upgrade(engines.writer)
    assert _schema(engines) == before


def test_two_that_upgrade_at_once_both_succeed(engines: Engines) -> None:
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(upgrade, engines.writer) for _ in range(2)]:
            done.result(timeout=30)
    assert "executions" in _schema(engines)


def test_a_newer_database_is_refused_and_left_as_it_is(engines: Engines, tmp_path: Path) -> None:
    upgrade(engines.writer)
    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        connection.execute(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    connection.close()
    before = _schema(engines)
    with pytest.raises(SchemaTooNew, match=f"has schema 9999, this version of ScheduleZero knows {HEAD}"):
        upgrade(engines.writer)
    assert _schema(engines) == before


def test_alembic_is_loaded_only_where_there_are_steps_to_take(engines: Engines, tmp_path: Path) -> None:
    new, begun = f"sqlite:///{tmp_path / 'new.db'}", f"sqlite:///{tmp_path / 'jobs.db'}"
    _forgo_the_direct_way(engines)

    assert [_loads("alembic", url) for url in (new, new, begun, begun)] == [False, False, True, False]


def test_a_file_needs_nothing_of_mysql(tmp_path: Path) -> None:
    assert not _loads("sqlalchemy.dialects.mysql", f"sqlite:///{tmp_path / 'jobs.db'}")


def _loads(module: str, url: str) -> bool:
    """Whether a process that opens the store at `url` imports `module`."""
    script = (
        "import sys; from schedulezero.scheduler.store import Store; "
        "Store.open(sys.argv[2], owner='o').close(); print(sys.argv[1] in sys.modules)"
    )
    command = [sys.executable, "-c", script, module, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "True"
