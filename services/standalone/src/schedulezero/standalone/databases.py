"""`schedulezero db`: upgrade, show, check, copy, back up and restore the database."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from schedulezero.runtime.errors import StartError
from schedulezero.scheduler.store import CannotOpen, StoreError, copying
from schedulezero.scheduler.store.checking import MOST_FAULTS
from schedulezero.scheduler.store.checking import check as faults_of
from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.scheduler.store.migrations import HEAD
from schedulezero.scheduler.store.migrations import upgrade as take_steps
from schedulezero.scheduler.store.standing import Owner, standing
from schedulezero.standalone.progress import Bar

FAILED = 1


def _told(command: Callable[..., int]) -> Callable[..., int]:
    """Say what the database cannot do, and return the exit code for it."""

    def run(*arguments: object, **named: object) -> int:
        try:
            return command(*arguments, **named)
        except StartError:
            raise
        except StoreError as error:
            print(f"schedulezero: {error}", file=sys.stderr)
            return FAILED

    return run


@_told
def upgrade(url: str) -> int:
    """Take the steps that the database lacks."""
    with open_engines(url) as engines:
        before = standing(engines).schema
        take_steps(engines.writer)
        print(f"{engines.shown}: {_step(before)}")
    return 0


def _step(before: str | None) -> str:
    if before == HEAD:
        return f"schema {HEAD} already, nothing to do"
    return f"schema {HEAD} made" if before is None else f"schema {before} brought to {HEAD}"


@_told
def status(url: str) -> int:
    """Print how the database stands; the exit code is 1 where it has to be upgraded."""
    with _existing(url) as engines:
        now = standing(engines)
    current = "this version's" if now.is_current else f"this version's is {HEAD}: run `schedulezero db upgrade`"
    print(f"database    {now.shown}")
    print(f"schema      {now.schema or 'none'} ({current})")
    if now.is_current:
        print(f"scheduler   {'; '.join(map(_lease, now.owners)) or 'none'}")
        print(f"schedules   {now.schedules:,}")
        print(f"executions  {now.executions:,}, {now.unfinished:,} of them unfinished")
    return 0 if now.is_current else FAILED


def _lease(owner: Owner) -> str:
    left = f"for {owner.seconds_left:.1f} s more" if owner.seconds_left > 0 else "its lease is over"
    return f"{owner.name}, {left}"


@_told
def check(url: str) -> int:
    """Read every row, and print what is wrong."""
    with _existing(url) as engines, Bar() as bar:
        faults = faults_of(engines, lambda table, done, total: bar.show(f"checking {table}", done, total))
    for fault in faults:
        print(fault)
    if len(faults) >= MOST_FAULTS:
        print(f"and perhaps more: the search ended with the {MOST_FAULTS}th")
    if faults:
        return FAILED
    print(f"{engines.shown}: every row can be read, every figure is true")
    return 0


@_told
def copy(source: str, target: str, *, replacing: bool) -> int:
    """Copy a database that nobody uses into another, and compare every row."""
    with _existing(source) as reading, open_engines(target) as writing:
        print(_summary(_copied(reading, writing, replacing=replacing), reading.shown, writing.shown))
    return 0


@_told
def backup(url: str, file: Path) -> int:
    """Write all that the database holds at this moment into a new SQLite file."""
    if file.exists():
        raise CannotOpen.because(f"{file} is there already; name a file that is not")
    part = file.with_name(f"{file.name}.part")
    _remove(part)
    try:
        with _existing(url) as reading, open_engines(f"sqlite:///{part.absolute()}") as writing:
            counts, shown = _copied(reading, writing, while_running=True), reading.shown
        part.rename(file)
    finally:
        _remove(part)
    print(_summary(counts, shown, str(file)))
    return 0


@_told
def restore(file: Path, url: str, *, replacing: bool) -> int:
    """Write what a backup holds into a database that nobody uses."""
    with _existing(f"sqlite:///{file.absolute()}") as reading, open_engines(url) as writing:
        counts = _copied(reading, writing, while_running=True, replacing=replacing)
        print(_summary(counts, str(file), writing.shown))
    return 0


def _copied(
    reading: Engines, writing: Engines, *, while_running: bool = False, replacing: bool = False
) -> dict[str, int]:
    with Bar() as bar:
        return copying.copy(
            reading,
            writing,
            lambda act, table, done, total: bar.show(f"{table} {act}", done, total),
            while_running=while_running,
            replacing=replacing,
        )


def _summary(counts: dict[str, int], source: str, target: str) -> str:
    rows = f"{sum(counts.values()):,} rows, {counts['executions']:,} executions and {counts['schedules']:,} schedules"
    return f"{source} -> {target}: {rows} among them, each read back and found the same"


@contextmanager
def _existing(url: str) -> Iterator[Engines]:
    """Open a database that has to be there: an SQLite file is not made by looking at it."""
    file = Path(url.removeprefix("sqlite:///").partition("?")[0])
    if url.startswith("sqlite:///") and not file.exists():
        remedy = "name another with --database-url, or start a scheduler, which makes it"
        raise CannotOpen.because(f"there is no database {file}; {remedy}")
    with open_engines(url) as engines:
        yield engines


def _remove(part: Path) -> None:
    """Remove an unfinished backup with what SQLite and its lock have put beside it."""
    for suffix in ("", "-wal", "-shm", ".lock"):
        part.with_name(part.name + suffix).unlink(missing_ok=True)
