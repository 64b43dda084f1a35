"""The writer: the changes of many events in one fenced transaction."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.scheduler.core.model import Change
from schedulezero.scheduler.store.errors import Conflict, DataRefused
from schedulezero.scheduler.store.statements import Kind, kinds
from schedulezero.scheduler.store.tallies import Tally
from schedulezero.scheduler.store.tally_writes import TallyWriter
from schedulezero.scheduler.store.transactions import Fence, said_plainly, writing_fenced


class Writer:
    """Commits changes. For one thread at a time.

    Args:
        engine: the writing engine.
        fence: what says whether this writer may still write.
    """

    def __init__(self, engine: Engine, fence: Fence) -> None:
        self._engine = engine
        self._fence = fence
        self._kinds = kinds(engine.dialect)
        self._tallies = TallyWriter(engine.dialect)

    def commit(self, groups: Sequence[Sequence[Change]]) -> list[DataRefused | None]:
        """Write the changes of one event after another, all in one transaction.

        A value that the database refuses keeps the changes of its event alone from being written.

        Args:
            groups: the changes of each event; they are written together or not at all.

        Returns:
            For each group what is wrong with it, or None where it is stored.

        Raises:
            Fenced: another owner has taken over; nothing is stored.
            Conflict: a row is not as a change says; nothing is stored.
            StoreUnavailable: nothing is stored.
            OutcomeUnknown: all is stored or nothing.
        """
        try:
            with writing_fenced(self._engine, self._fence) as cursor:
                self._write(cursor, list(chain.from_iterable(groups)))
        except DataRefused:
            return self._commit_one_by_one(groups)
        return [None] * len(groups)

    def _commit_one_by_one(self, groups: Sequence[Sequence[Change]]) -> list[DataRefused | None]:
        with writing_fenced(self._engine, self._fence) as cursor:
            return [self._write_or_undo(cursor, list(group)) for group in groups]

    def _write_or_undo(self, cursor: DBAPICursor, group: list[Change]) -> DataRefused | None:
        cursor.execute("SAVEPOINT one_event")
        try:
            with said_plainly(self._engine.dialect):
                self._write(cursor, group)
        except DataRefused as refused:
            cursor.execute("ROLLBACK TO SAVEPOINT one_event")
            return refused
        cursor.execute("RELEASE SAVEPOINT one_event")
        return None

    def _write(self, cursor: DBAPICursor, changes: list[Change]) -> None:
        for kind, run in self._runs(changes):
            self._execute(cursor, kind, run)
        tally = Tally()
        tally.add_changes(changes)
        self._tallies.write(cursor, tally)

    def _execute(self, cursor: DBAPICursor, kind: Kind, run: list[Change]) -> None:
        met = kind.statement.execute_all(cursor, list(map(kind.parameters, run)))
        if kind.expects and met != len(run):
            what = type(run[0]).__name__
            raise Conflict.because(f"{what} met {met} of {len(run)} rows")

    def _runs(self, changes: Iterable[Change]) -> Iterator[tuple[Kind, list[Change]]]:
        """Yield changes by kind, each kind as seldom as the order of the changes of each row allows."""
        runs: list[tuple[type, list[Change]]] = []
        last_of_kind: dict[type, int] = {}
        last_of_row: dict[object, int] = {}
        for change in changes:
            type_ = type(change)
            row = self._kinds[type_].touches(change)
            index = last_of_kind.get(type_, -1)
            if index < last_of_row.get(row, 0):
                index = last_of_kind[type_] = len(runs)
                runs.append((type_, []))
            last_of_row[row] = index
            runs[index][1].append(change)
        return ((self._kinds[type_], run) for type_, run in runs)
