"""What a "why?" is answered from: the rows around an instant, and the spells through it.

Every search steps through an index and is bounded, so that it costs the same however long a schedule's ledger is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, case, delete, func, or_, select, tuple_

from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.model import Attempt, Execution, KnownHandler, Schedule, Spell, SpellKind
from schedulezero.scheduler.store import rows, tables
from schedulezero.scheduler.store.pages import may_be_stored
from schedulezero.scheduler.store.transactions import Fence, said_plainly, writing

_MOST_GENERATIONS = 1_000
_MOST_SPELLS = 100
_MOST_NEIGHBOURS = 1_000
_e = tables.executions.c
_s = tables.spells.c


class History:
    """Where the past is read, in any thread, and where what is too old of it is removed, in the writer's.

    Args:
        writer: the writing engine.
        reader: the reading engine.
        fence: what says whether this writer may still write.
    """

    def __init__(self, writer: Engine, reader: Engine, fence: Fence) -> None:
        self._writer, self._reader, self._fence = writer, reader, fence

    @contextmanager
    def read(self) -> Iterator["Past"]:
        """Yield what is committed, as of one moment. Raises StoreUnavailable where it cannot be read now."""
        with said_plainly(self._reader.dialect), self._reader.begin() as connection:
            yield Past(connection)

    def forget_spells(self, before: int, limit: int) -> int:
        """Remove up to `limit` spells that ended before `before` (microseconds), the oldest ends first.

        Returns:
            How many; call again until it is less than `limit`.

        Raises:
            Fenced, StoreUnavailable, OutcomeUnknown: as :meth:`.Writer.commit`.
        """
        with writing(self._writer) as connection:
            self._fence.check(connection.connection.cursor())
            key = (_s.kind, _s.subject, _s.began)
            old = connection.execute(select(*key).where(_s.ended < before).order_by(_s.ended).limit(limit)).all()
            connection.execute(delete(tables.spells).where(tuple_(*key).in_([tuple(row) for row in old])))
        return len(old)


class Past:
    """The committed state, as long as its transaction lasts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def schedule(self, schedule_id: str) -> Schedule | None:
        """Return a schedule, whatever text its id is asked for by."""
        if not may_be_stored(schedule_id):
            return None
        query = select(*rows.SCHEDULES.columns).where(tables.schedules.c.id == schedule_id)
        row = self._connection.execute(query).first()
        return None if row is None else rows.SCHEDULES.read(row)

    def generations(self, schedule_id: str) -> Iterator[str]:
        """Yield the generations of a schedule that have rows in its ledger, newest first, the last 1,000 of them."""
        newest = select(_e.generation).where(_e.schedule_id == schedule_id, _e.fire_time.is_not(None))
        newest = newest.order_by(_e.schedule_id.desc(), _e.generation.desc()).limit(1)
        found: str | None = self._connection.scalar(newest) if may_be_stored(schedule_id) else None
        for _ in range(_MOST_GENERATIONS):
            if found is None:
                return
            yield found
            found = self._connection.scalar(newest.where(_e.generation < found))

    def around(self, schedule_id: str, generation: str, at: int) -> tuple[Execution | None, Execution | None]:
        """Return the last row of the ledger up to an instant, and the first one after it."""
        ledger = select(*rows.EXECUTIONS.columns).where(_e.schedule_id == schedule_id, _e.generation == generation)
        before = self._execution(ledger.where(_e.fire_time <= at).order_by(_e.fire_time.desc()).limit(1))
        after = self._execution(ledger.where(_e.fire_time > at).order_by(_e.fire_time).limit(1))
        return before, after

    def attempts(self, execution_id: str) -> list[Attempt]:
        """Return the attempts of an execution that did not succeed, in their order."""
        columns = tables.attempts.c
        query = select(*rows.ATTEMPTS.columns).where(columns.execution_id == execution_id)
        return rows.ATTEMPTS.read_all(self._connection.execute(query.order_by(columns.attempt, columns.claim)).all())

    def unended(self, schedule_id: str, since: int, until: int, *, but: str, earlier: bool) -> Execution | None:
        """Return an execution of a schedule that was decided by `until` and had not ended at `since`.

        One that runs comes before one that waits, the first decided before the others. Only the newest 1,000 that
        were decided by `until` are looked at.

        Args:
            schedule_id: the schedule.
            since: microseconds.
            until: microseconds.
            but: the id of the one that it is not.
            earlier: whether it must have been decided before `but`.
        """
        columns = (_e.id, _e.status, _e.created_at, _e.completed_at)
        newest = select(*columns).where(_e.schedule_id == schedule_id, _e.created_at <= until)
        some = newest.order_by(_e.created_at.desc(), _e.id.desc()).limit(_MOST_NEIGHBOURS).subquery()
        n = some.c
        there = and_(n.status != Status.SKIPPED, or_(n.completed_at.is_(None), n.completed_at > since))
        other = n.id < but if earlier else n.id != but
        order = (case((n.status == Status.PENDING, 1), else_=0), n.created_at, n.id)
        id_: str | None = self._connection.scalar(select(n.id).where(there, other).order_by(*order).limit(1))
        return None if id_ is None else self._execution(select(*rows.EXECUTIONS.columns).where(_e.id == id_))

    def known_handler(self, handler_id: str) -> KnownHandler | None:
        """Return what is known of a handler that was seen once."""
        query = select(*rows.HANDLERS.columns).where(tables.handlers.c.handler_id == handler_id)
        row = self._connection.execute(query).first()
        return None if row is None else rows.HANDLERS.read(row)

    def spells(self, kind: SpellKind, subject: str, since: int, until: int) -> list[Spell]:
        """Return the last spell that began by `since` and those that began up to `until`, at most 100, in order."""
        those = and_(_s.kind == kind, _s.subject == subject)
        last = select(func.max(_s.began)).where(those, _s.began <= since).scalar_subquery()
        query = select(*rows.SPELLS.columns).where(those, _s.began >= func.coalesce(last, since), _s.began <= until)
        return rows.SPELLS.read_all(self._connection.execute(query.order_by(_s.began).limit(_MOST_SPELLS)).all())

    def _execution(self, query: Select[Any]) -> Execution | None:
        row = self._connection.execute(query).first()
        return None if row is None else rows.EXECUTIONS.read(row)


def spells_that_last(connection: Connection) -> tuple[Spell, ...]:
    """Return the spells that have no end, and the newest time up of the scheduler."""
    spells = select(*rows.SPELLS.columns)
    lasting = connection.execute(spells.where(_s.ended.is_(None))).all()
    newest_up = spells.where(_s.kind == "scheduler_up", _s.subject == "").order_by(_s.began.desc()).limit(1)
    return tuple(rows.SPELLS.read_all([*lasting, *connection.execute(newest_up).all()]))
