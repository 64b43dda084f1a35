"""What the cleaner removes, in small fenced transactions between which the writer has its turn."""

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, and_, delete, func, or_, select
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.protocol.states import FINAL, Status
from schedulezero.scheduler.store.tables import attempts, execution_logs, executions, idempotency_keys
from schedulezero.scheduler.store.tallies import CountedRow, Tally
from schedulezero.scheduler.store.tally_writes import TallyWriter
from schedulezero.scheduler.store.totals import count_executions
from schedulezero.scheduler.store.transactions import Fence, writing

_FAILED = (Status.ERROR, Status.TIMEOUT)
_LINES = 10_000
"""How many log lines go at once: some ten milliseconds. Those of one execution are never parted."""

_ended_at = func.coalesce(executions.c.completed_at, executions.c.created_at).label("ended_at")


class Ages(NamedTuple):
    """Before which instants (microseconds) executions must have ended to be old: the failed ones, and the others."""

    failed: int
    others: int

    @classmethod
    def all_before(cls, instant: int) -> "Ages":
        return cls(instant, instant)

    def is_old(self, status: str, ended_at: int) -> bool:
        """Whether an execution is; one that has not ended never is."""
        return status in FINAL and ended_at < (self.failed if status in _FAILED else self.others)


class Position(NamedTuple):
    """The last execution that was looked at."""

    created_at: int
    id: str


class Cleared(NamedTuple):
    """How many executions were removed, and where to go on, None where all that may be old was looked at."""

    removed: int
    position: Position | None


class Retention:
    """Removes what is old.

    Args:
        engine: the writing engine.
        fence: what says whether this writer may still write.
    """

    def __init__(self, engine: Engine, fence: Fence) -> None:
        self._engine = engine
        self._fence = fence
        self._tallies = TallyWriter(engine.dialect)

    def clear_executions(
        self,
        ages: Ages,
        limit: int,
        *,
        after: Position | None = None,
        most: int | None = None,
        spared: Collection[str] = (),
    ) -> Cleared:
        """Look at the next `limit` executions, oldest first, and remove what is old, with its attempts and logs.

        Fewer go where they have logged very much, and the others the next time.

        Args:
            ages: what is old.
            limit: how many to look at.
            after: where to go on; from the oldest if left out.
            most: how many to remove at most.
            spared: ids of executions that stay although they are old.

        Raises:
            Fenced, StoreUnavailable, OutcomeUnknown: as :meth:`.Writer.commit`.
        """
        with writing(self._engine) as connection:
            cursor = connection.connection.cursor()
            self._fence.check(cursor)
            seen = connection.execute(_oldest(ages, after).limit(limit)).all()
            old = [row for row in seen if ages.is_old(row.status, row.ended_at) and row.id not in spared][:most]
            some = _within_lines(connection, old)
            self._remove(connection, cursor, some)
        if len(some) < len(old):
            return Cleared(len(some), Position(some[-1].created_at, some[-1].id))
        more = len(seen) == limit and (most is None or len(old) < most)
        return Cleared(len(old), Position(seen[-1].created_at, seen[-1].id) if more else None)

    def _remove(self, connection: Connection, cursor: DBAPICursor, old: Sequence[Row[Any]]) -> None:
        ids = [row.id for row in old]
        tally = Tally()
        for row in old:
            tally.add(CountedRow(*(row._mapping[name] for name in CountedRow._fields)), -1)
        for column in (attempts.c.execution_id, execution_logs.c.execution_id, executions.c.id):
            connection.execute(delete(column.table).where(column.in_(ids)))
        self._tallies.write(cursor, tally)

    def count_executions(self) -> int:
        """Return how many executions are stored, by the figures."""
        with writing(self._engine) as connection:
            return count_executions(connection)

    def return_space(self, pages: int) -> bool:
        """Give up to `pages` free pages of an SQLite file back to the file system; return whether there are more.

        A file that was made before this was possible keeps its space for new rows, until it is rebuilt once.
        """
        if self._engine.dialect.name != "sqlite":
            return False
        with writing(self._engine) as connection:
            cursor = connection.connection.cursor()
            self._fence.check(cursor)
            before = _free_pages(cursor)
            cursor.execute(f"PRAGMA incremental_vacuum({pages})")
            # Each step of the statement frees one page.
            cursor.fetchall()
            after = _free_pages(cursor)
        return 0 < after < before

    def forget_keys(self, before: int, limit: int) -> int:
        """Remove `limit` idempotency keys at most that were given before `before` (microseconds); return how many."""
        columns = idempotency_keys.c
        with writing(self._engine) as connection:
            self._fence.check(connection.connection.cursor())
            old = select(columns.id).where(columns.created_at < before).order_by(columns.created_at).limit(limit)
            ids = connection.scalars(old).all()
            connection.execute(delete(idempotency_keys).where(columns.id.in_(ids)))
        return len(ids)


def _oldest(ages: Ages, after: Position | None) -> Select[Any]:
    columns = executions.c
    query = select(columns.id, *(columns[name] for name in CountedRow._fields), _ended_at)
    query = query.where(columns.created_at < max(ages)).order_by(columns.created_at, columns.id)
    if after is None:
        return query
    later = or_(columns.created_at > after.created_at, columns.id > after.id)
    return query.where(and_(columns.created_at >= after.created_at, later))


def _within_lines(connection: Connection, old: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Return the first of some executions, as many as have no more log lines than may go at once, and one at least."""
    of, ids = execution_logs.c.execution_id, [row.id for row in old]
    counted = connection.execute(select(of, func.count()).where(of.in_(ids)).group_by(of))
    lines = {row[0]: int(row[1]) for row in counted}
    reached = accumulate(lines.get(id_, 0) for id_ in ids)
    return old[: max(1, sum(so_far <= _LINES for so_far in reached))]


def _free_pages(cursor: DBAPICursor) -> int:
    cursor.execute("PRAGMA freelist_count")
    (count,) = cursor.fetchone() or (0,)
    return int(count)
