"""What is owed to webhooks: read receiver by receiver, and settled in small fenced transactions."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, update

from schedulezero.scheduler.core.model import Notification
from schedulezero.scheduler.store import rows
from schedulezero.scheduler.store.tables import notifications
from schedulezero.scheduler.store.transactions import Fence, said_plainly, writing

_n = notifications.c


class Notifications:
    """The notifications that no webhook has taken yet; the writer inserts them.

    What reads may be called in any thread, what writes in the writer's. Reading raises StoreUnavailable; writing what
    :meth:`.Writer.commit` raises.

    Args:
        writer: the writing engine.
        reader: the reading engine.
        fence: what says whether this writer may still write.
    """

    def __init__(self, writer: Engine, reader: Engine, fence: Fence) -> None:
        self._writer, self._reader, self._fence = writer, reader, fence

    # -- reading -------------------------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many there are."""
        with self._snapshot() as connection:
            return int(connection.scalar(select(func.count()).select_from(notifications)) or 0)

    def receivers(self, limit: int) -> list[str]:
        """Return up to `limit` receivers that are owed something, by steps from one to the next in the index."""
        found: list[str] = []
        with self._snapshot() as connection:
            while len(found) < limit and (following := _receiver_after(connection, found[-1] if found else "")):
                found.append(following)
        return found

    def owed(self, receiver: str, limit: int) -> list[Notification]:
        """Return up to `limit` of what a receiver is owed, the first due first."""
        query = select(*rows.NOTIFICATIONS.columns).where(_n.receiver == receiver).order_by(_n.due_at, _n.id)
        with self._snapshot() as connection:
            return rows.NOTIFICATIONS.read_all(connection.execute(query.limit(limit)).all())

    # -- writing -------------------------------------------------------------------------------------------------

    def settle(self, removed: Collection[str], postponed: Sequence[Notification]) -> None:
        """Remove notifications by id, and write attempt and due instant of others."""
        with self._fenced() as connection:
            if removed:
                connection.execute(delete(notifications).where(_n.id.in_(sorted(removed))))
            if postponed:
                moved = update(notifications).where(_n.id == bindparam("the_id"))
                values = [{"the_id": one.id, "new_due": one.due_at, "new_attempt": one.attempt} for one in postponed]
                connection.execute(moved.values(due_at=bindparam("new_due"), attempt=bindparam("new_attempt")), values)

    # -- how -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        with said_plainly(self._reader.dialect), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def _fenced(self) -> Iterator[Connection]:
        with writing(self._writer) as connection:
            self._fence.check(connection.connection.cursor())
            yield connection


def _receiver_after(connection: Connection, receiver: str) -> str | None:
    found: str | None = connection.scalar(select(func.min(_n.receiver)).where(_n.receiver > receiver))
    return found
