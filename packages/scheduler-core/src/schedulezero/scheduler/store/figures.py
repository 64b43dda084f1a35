"""Carries fresh figures over to those of minutes, hours, days and all time, when their minute is over.

See :mod:`.tallies`.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect, Engine, Table, and_, bindparam, delete, literal_column, select
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.scheduler.store.dialects import upsert
from schedulezero.scheduler.store.statements import Prepared
from schedulezero.scheduler.store.tables import execution_counts, execution_durations
from schedulezero.scheduler.store.tallies import FRESH, MINUTE, periods
from schedulezero.scheduler.store.transactions import Fence, writing

Key = tuple[Any, ...]


class Figures:
    """Keeps fresh figures few, in small fenced transactions between which the writer has its turn.

    Args:
        engine: the writing engine.
        fence: what says whether this writer may still write.
    """

    def __init__(self, engine: Engine, fence: Fence) -> None:
        self._engine = engine
        self._fence = fence
        self._kept = [_Kept(engine.dialect, table) for table in (execution_counts, execution_durations)]

    def carry_over(self, now: int, limit: int) -> int:
        """Carry over up to `limit` fresh rows of each table, of the minutes that are over by `now` (microseconds).

        Returns:
            How many; call again until there are none.

        Raises:
            Fenced, StoreUnavailable, OutcomeUnknown: as :meth:`.Writer.commit`.
        """
        with writing(self._engine) as connection:
            cursor = connection.connection.cursor()
            self._fence.check(cursor)
            carried = 0
            for kept in self._kept:
                fresh = connection.execute(kept.fresh(now // MINUTE, limit)).all()
                kept.carry_over(cursor, fresh)
                carried += len(fresh)
        return carried


class _Kept:
    """One table of figures: its first columns are its key (span, period and more), the others are numbers."""

    def __init__(self, dialect: Dialect, table: Table) -> None:
        self._table = table
        keys = [column.name for column in table.primary_key]
        this = and_(*(table.c[key] == bindparam(key) for key in keys))
        empty = and_(*(column == literal_column("0") for column in table.columns if not column.primary_key))
        self._keys = len(keys)
        self._remove = Prepared(dialect, delete(table).where(this), keys)
        self._remove_empty = Prepared(dialect, delete(table).where(this, empty), keys)
        self._add = Prepared(dialect, upsert(dialect.name, table, adding=True), table.columns.keys())

    def fresh(self, minute: int, limit: int) -> Any:
        """Return the query for the first fresh rows of what is before `minute`, locked where others might take them."""
        columns = self._table.c
        fresh = select(self._table).where(columns.span == FRESH, columns.period < minute)
        return fresh.order_by(*self._table.primary_key).limit(limit).with_for_update()

    def carry_over(self, cursor: DBAPICursor, fresh: Sequence[Sequence[Any]]) -> None:
        """Move these rows. All goes in the order of the keys, so that two schedulers never wait for each other."""
        if not fresh:
            return
        sums = self._sums(fresh)
        self._remove.execute_all(cursor, [tuple(row[: self._keys]) for row in fresh])
        self._add.execute_all(cursor, [(*key, *numbers) for key, numbers in sums])
        # Rows of executions that are all removed.
        if less := [key for key, numbers in sums if numbers[0] <= 0]:
            self._remove_empty.execute_all(cursor, less)

    def _sums(self, fresh: Sequence[Sequence[Any]]) -> list[tuple[Key, list[int]]]:
        sums: defaultdict[Key, list[int]] = defaultdict(lambda: [0] * (len(self._table.columns) - self._keys))
        for _, minute, *rest in fresh:
            names, numbers = rest[: self._keys - 2], rest[self._keys - 2 :]
            for period in periods(minute):
                of_period = sums[*period, *names]
                for index, number in enumerate(numbers):
                    of_period[index] += int(number)
        return sorted(sums.items())
