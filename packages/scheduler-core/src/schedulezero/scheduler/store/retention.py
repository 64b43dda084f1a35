"""What the cleaner removes, in small fenced transactions between which the writer has its turn."""

from sqlalchemy import Engine, delete, func, select

from schedulezero.protocol.states import FINAL
from schedulezero.scheduler.store.tables import attempts, execution_logs, executions, idempotency_keys
from schedulezero.scheduler.store.tallies import Ended, Tally
from schedulezero.scheduler.store.tally_writes import TallyWriter
from schedulezero.scheduler.store.transactions import Fence, writing

_ended_at = func.coalesce(executions.c.completed_at, executions.c.created_at)


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

    def clear_executions(self, before: int, limit: int) -> int:
        """Remove up to `limit` executions that ended before `before` (microseconds), with their attempts and logs.

        Returns:
            How many; call again until it is less than `limit`.

        Raises:
            Fenced, StoreUnavailable, OutcomeUnknown: as :meth:`.Writer.commit`.
        """
        old = (
            select(executions.c.id, *(executions.c[name] for name in Ended._fields))
            .where(executions.c.created_at < before, _ended_at < before, executions.c.status.in_(sorted(FINAL)))
            .order_by(executions.c.created_at, executions.c.id)
            .limit(limit)
        )
        tally = Tally()
        with writing(self._engine) as connection:
            cursor = connection.connection.cursor()
            self._fence.check(cursor)
            rows = connection.execute(old).all()
            ids = [row.id for row in rows]
            for row in rows:
                counted = Ended(*row[1:])
                tally.add_total(counted, -1)
                tally.add_end(counted, -1)
            for column in (attempts.c.execution_id, execution_logs.c.execution_id, executions.c.id):
                connection.execute(delete(column.table).where(column.in_(ids)))
            self._tallies.write(cursor, tally)
            self._tallies.drop_empty(cursor, tally)
        return len(ids)

    def forget_keys(self, before: int) -> int:
        """Remove the idempotency keys that were given before `before` (microseconds); return how many."""
        with writing(self._engine) as connection:
            self._fence.check(connection.connection.cursor())
            return connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < before)).rowcount
