"""Which scheduler owns which shards, and the fence that stops one that no longer does.

An owner has one row with its epoch and the instant at which it expires. Every commit reads that row (locked, so that
a takeover waits for the commit or the commit for the takeover) and goes on only under the epoch it believes in. A
takeover removes the row. Epochs only rise, over all owners.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, insert, select, update
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.scheduler.core.model import SECOND
from schedulezero.scheduler.store.dialects import database_now
from schedulezero.scheduler.store.errors import Fenced
from schedulezero.scheduler.store.statements import Prepared
from schedulezero.scheduler.store.tables import owners, shard_leases
from schedulezero.scheduler.store.transactions import writing


class Ownership:
    """The shards of one scheduler. Its methods are for the thread that writes.

    Args:
        engine: the writing engine.
        owner: the scheduler's name, another one for each start of the program.
        lease_seconds: how long it owns its shards without renewal.
        alone: every other owner is known to be dead (by :class:`.FileLock`), so none is waited for. Once replaced all
            the same, because somebody removed the lock's file, it waits as others do.
    """

    def __init__(self, engine: Engine, *, owner: str, lease_seconds: float = 5, alone: bool = False) -> None:
        self._engine = engine
        self._owner = owner
        self._lease = round(lease_seconds * SECOND)
        self._alone = alone
        self._epoch = 0
        self._shards: frozenset[int] = frozenset()
        fence = select(owners.c.epoch).where(owners.c.owner == bindparam("owner"), owners.c.epoch == bindparam("epoch"))
        self._fence = Prepared(engine.dialect, fence.with_for_update(read=True), ("owner", "epoch"))

    @property
    def epoch(self) -> int:
        """The epoch of the last acquisition, 0 before."""
        return self._epoch

    @property
    def shards(self) -> frozenset[int]:
        """What the last acquisition has brought."""
        return self._shards

    def acquire(self) -> frozenset[int]:
        """Take the shards that are free, or whose owner has expired, and raise the epoch of those already owned.

        Call it again where it brings less than is wanted, and after an outcome that is not known: it waits for a
        commit that is still on its way, or fences it.

        Returns:
            The shards that are now owned.

        Raises:
            StoreUnavailable, OutcomeUnknown: try again.
        """
        with writing(self._engine) as connection:
            leases = connection.execute(select(shard_leases).order_by(shard_leases.c.shard).with_for_update()).all()
            living = self._bury_the_dead(connection)
            shards = frozenset(lease.shard for lease in leases if lease.owner not in living)
            # Seconds, so that it rises too where somebody has begun anew with an empty database.
            epoch = max(1 + max(lease.epoch for lease in leases), _now(connection) // SECOND)
            if shards:
                self._enter(connection, shards, epoch)
        self._shards, self._epoch = shards, epoch if shards else 0
        return shards

    def renew(self) -> int:
        """Put off the expiry.

        Returns:
            The database's time in microseconds since the epoch, to be compared with one's own.

        Raises:
            Fenced: another owner has taken over.
        """
        with writing(self._engine) as connection:
            now = _now(connection)
            mine = (owners.c.owner == self._owner, owners.c.epoch == self._epoch)
            renewed = connection.execute(update(owners).where(*mine).values(expires_at=now + self._lease))
            if renewed.rowcount != 1:
                raise Fenced.of_owner(self._owner, self._epoch)
        return now

    def release(self) -> None:
        """Leave the shards to whoever comes; what was taken over already stays where it is."""
        with writing(self._engine) as connection:
            connection.execute(delete(owners).where(owners.c.owner == self._owner, owners.c.epoch == self._epoch))
            mine = (shard_leases.c.owner == self._owner, shard_leases.c.epoch == self._epoch)
            connection.execute(update(shard_leases).where(*mine).values(owner=None))
        self._shards, self._epoch = frozenset(), 0

    def check(self, cursor: DBAPICursor) -> None:
        """Raise Fenced unless this is still the owner; to be called first in each writing transaction."""
        cursor.execute(self._fence.sql, (self._owner, self._epoch))
        if cursor.fetchone() is None:
            raise Fenced.of_owner(self._owner, self._epoch)

    def _bury_the_dead(self, connection: Connection) -> set[str]:
        """Remove the owners that have expired (and our own row) and return the others."""
        rows = connection.execute(select(owners).order_by(owners.c.owner).with_for_update()).all()
        self._alone = self._alone and not self._was_replaced(rows)
        # Read when the rows are locked: an owner may have renewed while we waited for it.
        now = _now(connection)
        dead = [row.owner for row in rows if self._is_over(row, now)]
        connection.execute(delete(owners).where(owners.c.owner.in_(dead)))
        return {row.owner for row in rows} - set(dead)

    def _was_replaced(self, rows: Sequence[Row[Any]]) -> bool:
        return self._epoch > 0 and all(row.owner != self._owner for row in rows)

    def _is_over(self, row: Row[Any], now: int) -> bool:
        return bool(self._alone or row.owner == self._owner or row.expires_at <= now)

    def _enter(self, connection: Connection, shards: frozenset[int], epoch: int) -> None:
        expires_at = _now(connection) + self._lease
        connection.execute(insert(owners).values(owner=self._owner, epoch=epoch, expires_at=expires_at))
        taken = update(shard_leases).where(shard_leases.c.shard.in_(sorted(shards)))
        connection.execute(taken.values(owner=self._owner, epoch=epoch))


def _now(connection: Connection) -> int:
    return int(connection.scalar(select(database_now())) or 0)
