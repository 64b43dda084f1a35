"""`schedulezero db` as it is typed: what it prints, what it refuses, and its exit codes."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from schedulezero.scheduler.store.migrations import HEAD

# The class is in conftest.py, which cannot be imported from.
Console = Any

FILE = "schedulezero_jobs.db"
OLDER = f"{int(HEAD) - 1:04}"


def the_line(text: str) -> str:
    """Return the only line that was written."""
    (line,) = text.splitlines()
    return line


def test_a_database_is_made_shown_checked_backed_up_and_restored(console: Console) -> None:
    file = console.directory / FILE

    assert the_line(console.run("db", "upgrade").stdout) == f"{file}: schema {HEAD} made"
    assert the_line(console.run("db", "upgrade").stdout) == f"{file}: schema {HEAD} already, nothing to do"
    shown = console.run("db", "status")
    assert (shown.returncode, shown.stdout.splitlines()) == (
        0,
        [
            f"database    {file}",
            f"schema      {HEAD} (this version's)",
            "scheduler   none",
            "schedules   0",
            "executions  0, 0 of them unfinished",
        ],
    )
    assert the_line(console.run("db", "check").stdout) == f"{file}: every row can be read, every figure is true"
    backed_up = console.run("db", "backup", "copy.db")
    assert the_line(backed_up.stdout).startswith(f"{file} -> copy.db: 0 rows, ")
    restored = console.run("db", "restore", "copy.db", "--database-url", "sqlite:///other.db")
    assert (restored.returncode, the_line(restored.stdout).partition(":")[0]) == (
        0,
        f"copy.db -> {console.directory / 'other.db'}",
    )
    assert not list(console.directory.glob("copy.db.*"))


def test_a_copy_goes_from_url_to_url(console: Console) -> None:
    console.run("db", "upgrade")

    copied = console.run("db", "copy", f"sqlite:///{FILE}", "sqlite:///new.db")

    assert (copied.returncode, (console.directory / "new.db").exists()) == (0, True)


def test_what_a_database_of_an_older_version_needs_is_said(console: Console) -> None:
    console.run("db", "upgrade")
    with closing(sqlite3.connect(console.directory / FILE)) as connection, connection:
        connection.execute(f"UPDATE schedulezero_schema SET version_num = '{OLDER}'")

    shown = console.run("db", "status")
    refused = console.run("db", "check")

    assert (shown.returncode, refused.returncode) == (1, 2)
    assert f"schema      {OLDER} (this version's is {HEAD}: run `schedulezero db upgrade`)" in shown.stdout.splitlines()
    assert f"has schema {OLDER}; bring it to this version with `schedulezero db upgrade" in the_line(refused.stderr)


@pytest.mark.parametrize("action", [("status",), ("check",), ("backup", "b.db"), ("copy", f"sqlite:///{FILE}", "x")])
def test_a_database_that_is_not_there_is_not_made_by_looking(console: Console, action: tuple[str, ...]) -> None:
    refused = console.run("db", *action)

    assert refused.returncode == 2
    assert f"there is no database {FILE}" in the_line(refused.stderr)
    assert not list(console.directory.glob("*.db*"))


@pytest.mark.parametrize(
    ("url", "driver", "extra"),
    [
        ("postgresql://app@localhost/jobs", "psycopg", "postgresql"),
        ("mysql://app@localhost/jobs", "pymysql", "mysql"),
        ("mariadb://app@localhost/jobs", "pymysql", "mysql"),
    ],
)
def test_a_driver_that_is_not_installed_is_one_line_that_names_the_extra(
    console: Console, url: str, driver: str, extra: str
) -> None:
    (console.directory / f"{driver}.py").write_text(f"raise ModuleNotFoundError('none', name='{driver}')\n")

    environment = {"PYTHONPATH": str(console.directory), "SCHEDULEZERO_DATABASE_URL": url}
    refused = console.run("up", "--logging-level", "error", "--port", "0", **environment)

    assert refused.returncode == 2
    line = the_line(refused.stderr)
    assert line.startswith(f"schedulezero: the driver {driver} of this database is not installed: ")
    assert line.endswith(f"pip install 'schedulezero-scheduler-core[{extra}]'")


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_is_not_there_is_one_line(console: Console, scheme: str) -> None:
    url = f"{scheme}://app:secret@127.0.0.1:1/jobs"

    refused = console.run("up", "--logging-level", "error", "--port", "0", SCHEDULEZERO_DATABASE_URL=url)

    assert refused.returncode == 2
    line = the_line(refused.stderr)
    assert f"the database {scheme}://app:***@127.0.0.1:1/jobs cannot be used: " in line
    assert line.endswith("is it running, is the URL right?")
    assert "secret" not in line


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_url_that_names_no_database_is_one_line(console: Console, scheme: str) -> None:
    refused = console.run("db", "status", "--database-url", f"{scheme}://app@127.0.0.1:1/")

    assert refused.returncode == 2
    assert "the database URL names no database" in the_line(refused.stderr)
