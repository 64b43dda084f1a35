"""A database is copied, backed up and restored without losing a row, from each kind to each other."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from schedulezero.handler import Handler
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.scheduler.store import CannotOpen, OwnedElsewhere, Store
from schedulezero.scheduler.store.checking import check
from schedulezero.scheduler.store.engine import open_engines
from schedulezero.standalone import databases as commands
from schedulezero.testkit.databases.fixtures import KINDS, SERVERS, Databases
from schedulezero.testkit.parts import Parts, running_parts
from schedulezero.testkit.waiting import becomes

from .filled import fill

SOME, MANY = 3_000, 100_000
EVERYTHING = (
    *("schedules", "executions", "attempts", "execution_logs", "notifications", "idempotency_keys", "handlers"),
    *("pauses", "spells", "execution_counts", "execution_durations"),
)
WAYS = [
    *(("sqlite", kind) for kind in SERVERS),
    *(("postgresql", "mysql"), ("mysql", "postgresql"), ("mysql", "sqlite")),
]
SPOILT = {
    "UPDATE executions SET retry = 'x' WHERE id = 'parent'": "executions parent cannot be read: DecodeError",
    "UPDATE schedules SET request = '{}'": "schedules nightly cannot be read: ValidationError",
    "UPDATE execution_counts SET total = total + 1": "execution_counts ",
    "UPDATE execution_durations SET count = 0": "execution_durations ",
    "UPDATE attempts SET execution_id = 'gone'": "attempts has rows of the execution gone, which is not there",
    "DELETE FROM shard_leases WHERE shard = 7": "shard_leases has 63 rows, not 64",
}

Make = Callable[[str], str]


@pytest.fixture
def make(databases: Databases, tmp_path: Path) -> Iterator[Make]:
    """Makes databases, each another one."""
    kinds: list[str] = []
    with ExitStack() as stack:

        def one(kind: str) -> str:
            directory = tmp_path / str(len(kinds))
            directory.mkdir()
            kinds.append(kind)
            if kinds.count(kind) == 1:
                return databases.cleared(kind, directory)
            return stack.enter_context(databases.made(kind, directory))

        yield one


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of each table."""
    with open_engines(url) as engines, engines.reader.connect() as connection:
        return {
            name: sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}").all()), key=repr)
            for name in EVERYTHING
        }


def faults(url: str) -> list[str]:
    with open_engines(url) as engines:
        return check(engines, lambda *_: None)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("sqlite", "postgresql"),
        ("sqlite", "mysql"),
        ("postgresql", "mysql"),
        ("mysql", "postgresql"),
        ("mysql", "sqlite"),
    ],
)
def test_a_copy_has_every_row_as_it_was(make: Make, source: str, target: str) -> None:
    old, new = make(source), make(target)
    fill(old, SOME)

    assert commands.copy(old, new, replacing=False) == 0

    copied = rows(new)
    assert copied == rows(old)
    assert min(map(len, copied.values())) > 0
    assert len(copied["executions"]) == SOME + 1
    assert faults(new) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", SERVERS)
def test_a_hundred_thousand_executions_are_copied_and_checked(
    make: Make, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = make("sqlite"), make(kind)
    fill(old, MANY)

    assert commands.copy(old, new, replacing=False) == 0
    assert commands.check(new) == 0

    told = capsys.readouterr()
    assert f"{MANY + 1:,} executions and 1 schedules among them, each read back and found the same" in told.out
    assert f"executions copied: {MANY + 1:,}" in told.err
    assert f"executions checked: {MANY + 1:,}" in told.err
    assert told.out.endswith("every row can be read, every figure is true\n")


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_that_is_not_empty_is_replaced_only_where_it_is_said(make: Make, kind: str) -> None:
    old, new = make("sqlite"), make(kind)
    fill(old, 50)
    fill(new, 20)
    before = rows(new)

    with pytest.raises(CannotOpen, match=r"is not empty, it has rows in \w+; choose an empty one, or say --replace"):
        commands.copy(old, new, replacing=False)
    assert rows(new) == before

    assert commands.copy(old, new, replacing=True) == 0
    assert rows(new) == rows(old)


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_in_use_is_neither_copied_nor_overwritten(make: Make, kind: str) -> None:
    used, other = make(kind), make("sqlite")
    fill(other, 1)
    store = Store.open(used, owner="somebody")
    try:
        with pytest.raises(OwnedElsewhere, match="stop it"):
            commands.copy(used, other, replacing=True)
        with pytest.raises(OwnedElsewhere, match="stop it"):
            commands.copy(other, used, replacing=True)
    finally:
        store.close()
    assert commands.copy(other, used, replacing=False) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_goes_on_above_the_epochs_of_what_it_was_copied_from(make: Make, kind: str) -> None:
    old, new = make("sqlite"), make(kind)
    ahead = 2**40
    fill(old, 1)
    with open_engines(old) as engines, engines.writer.begin() as connection:
        connection.exec_driver_sql(f"UPDATE shard_leases SET epoch = {ahead}")

    commands.copy(old, new, replacing=False)

    store = Store.open(new, owner="next")
    assert store.ownership.epoch > ahead
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_of_a_running_system_holds_together_and_is_restored(make: Make, kind: str, tmp_path: Path) -> None:
    """It is of one moment: what was accepted before is in it, and its figures are those of its rows."""
    url, elsewhere, file = make(kind), make(kind), tmp_path / "backup.db"

    async def scenario() -> list[str]:
        async with running_parts(tmp_path, database=url) as parts:
            handler = Handler("work")
            handler.method(noop)
            await parts.serve(handler, "work-1")
            running = asyncio.create_task(keep_running(parts, accepted))
            await becomes(lambda: enough(20, accepted))
            before = list(accepted)
            assert await asyncio.to_thread(commands.backup, url, file) == 0
            await becomes(lambda: enough(len(before) + 5, accepted))
            running.cancel()
            return before

    accepted: list[str] = []
    before = asyncio.run(scenario())

    assert commands.restore(file, elsewhere, replacing=False) == 0
    restored = rows(elsewhere)
    assert restored == rows(f"sqlite:///{file}")
    assert set(before) <= {str(row[0]) for row in restored["executions"]}
    assert faults(elsewhere) == []
    assert [path.name for path in tmp_path.glob("backup*")] == ["backup.db"]


def test_a_backup_overwrites_nothing(make: Make, tmp_path: Path) -> None:
    url, file = make("sqlite"), tmp_path / "backup.db"
    fill(url, 1)
    file.write_text("mine")
    with pytest.raises(CannotOpen, match=r"backup\.db is there already"):
        commands.backup(url, file)
    assert file.read_text() == "mine"


def test_a_backup_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(CannotOpen, match="has no tables of ScheduleZero; bring it to this version"):
        commands.backup(f"sqlite:///{empty}", tmp_path / "backup.db")
    assert list(tmp_path.glob("backup*")) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_with_a_database_is_found(make: Make, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = make(kind)
    fill(url, 5)
    assert commands.check(url) == 0
    with open_engines(url) as engines, engines.writer.begin() as connection:
        for statement in SPOILT:
            connection.exec_driver_sql(statement)
    capsys.readouterr()

    assert commands.check(url) == 1

    lines = capsys.readouterr().out.splitlines()
    assert [said for said in SPOILT.values() if not any(line.startswith(said) for line in lines)] == []
    with open_engines(url) as engines, engines.writer.begin() as connection:
        connection.exec_driver_sql("INSERT INTO shard_leases (shard, epoch) VALUES (7, 0)")


def noop() -> None:
    """Do nothing."""


async def keep_running(parts: Parts, accepted: list[str]) -> None:
    while True:
        try:
            accepted.append((await parts.run("work", "noop")).execution_id)
        except ScheduleZeroError:
            await asyncio.sleep(0.02)


async def enough(count: int, accepted: list[str]) -> bool:
    return len(accepted) >= count
