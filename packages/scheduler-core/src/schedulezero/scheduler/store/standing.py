"""How a database stands: its schema, who schedules from it, and how much it holds."""

from typing import NamedTuple

from sqlalchemy import func, select

from schedulezero.protocol.states import FINAL, Status
from schedulezero.scheduler.store.dialects import database_now
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.migrations import HEAD, version_of
from schedulezero.scheduler.store.pages import status_in
from schedulezero.scheduler.store.tables import executions, owners, schedules
from schedulezero.scheduler.store.transactions import said_plainly


class Owner(NamedTuple):
    """A scheduler, and for how many seconds its lease lasts; less than 0 where it is over."""

    name: str
    seconds_left: float


class Standing(NamedTuple):
    """The state of a database; what is counted is 0 where the schema is not that of this code."""

    shown: str
    schema: str | None
    owners: tuple[Owner, ...] = ()
    schedules: int = 0
    executions: int = 0
    unfinished: int = 0

    @property
    def is_current(self) -> bool:
        """Whether the schema is that of this code."""
        return self.schema == HEAD


def standing(engines: Engines) -> Standing:
    """Look at a database.

    Raises:
        StoreUnavailable: it cannot be read.
    """
    with said_plainly(engines.reader.dialect), engines.reader.begin() as connection:
        standing = Standing(shown=engines.shown, schema=version_of(connection))
        if not standing.is_current:
            return standing
        left = (owners.c.expires_at - database_now()).label("left")
        unfinished = select(func.count()).select_from(executions).where(*status_in(frozenset(Status) - FINAL))
        return standing._replace(
            owners=tuple(Owner(name, int(us) / 1e6) for name, us in connection.execute(select(owners.c.owner, left))),
            schedules=connection.scalar(select(func.count()).select_from(schedules)) or 0,
            executions=connection.scalar(select(func.count()).select_from(executions)) or 0,
            unfinished=connection.scalar(unfinished) or 0,
        )
