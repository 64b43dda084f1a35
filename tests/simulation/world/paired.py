"""A world whose scheduler has the real store, on an SQLite file, and beside it the model, which must agree.

Both are given every commit. A commit that one takes and the other refuses, or rows that differ in the end, are a fault
of the model or of the store.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.inputs import Loaded
from schedulezero.scheduler.core.memory import Limits
from schedulezero.scheduler.core.model import Change, Execution, InsertExecution, replace
from schedulezero.scheduler.store import DataRefused, Store

from ..model.database import POISON
from ..model.rules import Rule, Violation
from .world import World

_FAR = 1_000_000_000_000_000


class PairedWorld(World):
    """As a world, with a directory for the database's file.

    Args:
        seed: where all chance comes from.
        directory: where the file is made.
    """

    troubled_seconds = 20

    def __init__(self, seed: int, directory: Path) -> None:
        super().__init__(seed)
        self.disk.late = False
        self._url = f"sqlite:///{directory / 'paired.db'}"
        self._store: PairedStore | None = None

    def play(self) -> None:
        try:
            super().play()
        finally:
            self._let_go()

    def _open_store(self, _url: str, *, owner: str, lease_seconds: float) -> Any:
        self._let_go()
        self._store = PairedStore(Store.open(self._url, owner=owner, lease_seconds=lease_seconds), self, owner)
        return self._store

    def _let_go(self) -> None:
        """Close what a process had open: the system does so when it is killed."""
        if self._store is not None:
            self._store.let_go()
            self._store = None

    def _violations(self, in_memory: Iterable[Violation]) -> Iterator[Violation]:
        yield from super()._violations(in_memory)
        assert self._store is not None
        yield from self._store.differences()


class PairedStore:
    """The real store and the model of the database, side by side. What is not named here is the real one's."""

    def __init__(self, real: Store, world: World, owner: str) -> None:
        self._real, self._world, self._owner = real, world, owner
        self._model = world.database
        self._model_epoch = self._model.acquire(owner, _FAR, alone=True)
        self.ownership = self.writer = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    # -- ownership and writer ------------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        return self._real.ownership.epoch

    @property
    def shards(self) -> frozenset[int]:
        return self._real.ownership.shards

    def acquire(self) -> frozenset[int]:
        shards = self._real.ownership.acquire()
        self._model_epoch = self._model.acquire(self._owner, _FAR, alone=True)
        return shards

    def renew(self) -> int:
        return self._real.ownership.renew()

    def commit(self, groups: Sequence[Sequence[Change]]) -> Sequence[DataRefused | None]:
        return self._world.disk.commit(self._commit_both, groups)

    def _commit_both(self, groups: Sequence[Sequence[Change]]) -> Sequence[DataRefused | None]:
        refused = self._real.writer.commit([[_unstorable(change) for change in group] for group in groups])
        expected = self._model.commit(self._owner, self._model_epoch, groups)
        assert [one is None for one in refused] == [one is None for one in expected]
        return refused

    def let_go(self) -> None:
        self._real._engines.close()
        if self._real._lock is not None:
            self._real._lock.release()

    # -- the end -------------------------------------------------------------------------------------------------

    def differences(self) -> Iterator[Violation]:
        """Report where the rows, or the figures, are not those of the model."""
        model, reader = self._model, self._real.reader
        limits = Limits()
        how = {"window": limits.window, "line": limits.line, "agenda": 3}
        if _comparable(model.load(self.epoch, **how)) != _comparable(reader.load(epoch=self.epoch, **how)):
            yield Violation(Rule.MEMORY, "the real store and the model load differently")
        for id_, row in model.executions.items():
            if reader.execution(id_) != row:
                yield Violation(Rule.MEMORY, f"the real store has {reader.execution(id_)}, the model {row}")
            if [one.attempt for one in reader.attempts(id_)] != _attempts_of(model.attempts, id_):
                yield Violation(Rule.ATTEMPTS, f"the real store has other attempts of {id_} than the model")
        yield from _wrong_figures(reader.statistics(), list(model.executions.values()))


def _unstorable(change: Change) -> Change:
    """Return a change whose value the model refuses as one whose value no database takes: half a character."""
    if not isinstance(change, InsertExecution) or POISON not in change.execution.tags:
        return change
    return replace(change, execution=replace(change.execution, tags=("\ud800",)))


def _comparable(loaded: Loaded) -> object:
    """Return what was loaded as plain data, each list in an order of its own."""
    upcoming = loaded.upcoming
    rows: tuple[Sequence[Frozen], ...] = (upcoming.schedules, loaded.executions, loaded.handlers, loaded.spells)
    of_schedules = (upcoming.through, loaded.states)
    counts = (loaded.epoch, loaded.pending, loaded.unfinished, loaded.left, loaded.pauses, of_schedules)
    return [_plainly(of_one_kind) for of_one_kind in rows], counts


def _plainly(rows: Sequence[Frozen]) -> list[object]:
    return sorted((msgspec.json.decode(msgspec.json.encode(row)) for row in rows), key=str)


def _attempts_of(attempts: dict[tuple[str, int, int], Any], execution_id: str) -> list[int]:
    return sorted(attempt for id_, attempt, _ in attempts if id_ == execution_id)


def _wrong_figures(figures: Any, rows: list[Execution]) -> Iterator[Violation]:
    succeeded = sum(row.status is Status.SUCCESS for row in rows)
    failed = sum(row.status in (Status.ERROR, Status.TIMEOUT) for row in rows)
    told = (figures.total_executions, figures.success_count, figures.error_count)
    if told != (len(rows), succeeded, failed):
        yield Violation(Rule.FIGURES, f"told {told}, stored {(len(rows), succeeded, failed)}")
