"""Opening an SQLite database, or being told in one line why not and what to do."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schedulezero.scheduler.store import CannotOpen, OwnedElsewhere, Store
from schedulezero.scheduler.store.engine import open_engines

SCHEDULER = """
import sys
from schedulezero.scheduler.store import Store
store = Store.open(sys.argv[1], owner="other process")
print("ready", flush=True)
sys.stdin.read()
"""


def _python(script: str, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, url]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def another_process(url: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has the store open, killed at the end."""
    with _python(SCHEDULER, url) as process:
        assert _line(process) == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.db'}"


def test_a_second_process_is_refused_and_told_who_has_it(url: str, tmp_path: Path) -> None:
    with another_process(url) as process, pytest.raises(OwnedElsewhere) as caught:
        Store.open(url, owner="second")
    message = str(caught.value)
    assert f"process {process.pid} on " in message
    assert str(tmp_path / "jobs.db") in message
    assert "\n" not in message


def test_a_killed_owner_is_succeeded_at_once(url: str) -> None:
    with another_process(url) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        store = Store.open(url, owner="second")
    assert len(store.ownership.shards) == 64
    store.close()


def test_a_second_owner_in_the_same_process_is_refused(url: str) -> None:
    store = Store.open(url, owner="first")
    with pytest.raises(OwnedElsewhere, match=f"process {os.getpid()} "):
        Store.open(url, owner="second")
    store.close()
    Store.open(url, owner="second").close()


def test_a_forked_worker_that_outlives_the_owner_does_not_keep_the_database(url: str) -> None:
    script = "; ".join(
        [
            "import os, sys",
            "from schedulezero.scheduler.store import Store",
            "store = Store.open(sys.argv[1], owner='forking')",
            "worker = os.fork()",
            "worker or sys.stdin.read()",
            "worker and print(worker, flush=True)",
            "os._exit(0)",
        ]
    )
    with _python(script, url) as process:
        assert int(_line(process)) > 0
        process.wait(10)
        Store.open(url, owner="second").close()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("oracle://x", "postgresql://, mysql://"),
        ("nonsense", "postgresql://, mysql://"),
    ],
)
def test_a_url_that_cannot_be_used(bad: str, says: str) -> None:
    with pytest.raises(CannotOpen, match=says):
        open_engines(bad)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match=r"absent of the database does not exist; create it"):
        open_engines(f"sqlite:///{tmp_path / 'absent' / 'jobs.db'}")


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="is a directory; choose another"):
        open_engines(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database(tmp_path: Path, url: str) -> None:
    content = b"not a database at all, but a text " * 100
    (tmp_path / "jobs.db").write_bytes(content)
    with pytest.raises(CannotOpen, match="is not an SQLite database; choose another"):
        Store.open(url, owner="first")
    assert (tmp_path / "jobs.db").read_bytes() == content


def test_a_lock_file_that_cannot_be_written(tmp_path: Path, url: str) -> None:
    (tmp_path / "jobs.db.lock").mkdir()
    with pytest.raises(CannotOpen, match=r"jobs\.db\.lock cannot be written"):
        Store.open(url, owner="first")


@pytest.mark.parametrize(
    ("scheme", "driver", "extra"),
    [("postgresql", "psycopg", "postgresql"), ("mysql", "pymysql", "mysql"), ("mariadb", "pymysql", "mysql")],
)
def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, scheme: str, driver: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(CannotOpen) as caught:
        open_engines(f"{scheme}://user:secret@host/db")
    assert f"pip install 'schedulezero-scheduler-core[{extra}]'" in str(caught.value)


def test_a_refused_start_leaves_the_lock_to_others(tmp_path: Path, url: str) -> None:
    with sqlite3.connect(tmp_path / "jobs.db") as foreign:
        foreign.execute("CREATE TABLE schedules (id)")
    foreign.close()
    for _ in range(2):
        with pytest.raises(CannotOpen, match=r"tables of another program \(schedules\)"):
            Store.open(url, owner="first")


def test_the_database_survives_power_loss_by_its_settings(url: str) -> None:
    with open_engines(url) as engines, engines.writer.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
