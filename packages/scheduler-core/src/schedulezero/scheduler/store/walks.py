"""Where executions that match a filter are looked for: along an index, newest first, for a bounded stretch.

No index knows every combination of filters, and each would cost every write. So a list goes along the index that fits
best, looks at each row for the rest, and stops after :data:`MOST_LOOKED_AT` of them: one page costs the same however
many executions are stored, and however few match.
"""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, TextClause, and_, func, literal, or_, select, union_all
from sqlalchemy.sql import Select

from schedulezero.scheduler.store.tables import executions

MOST_LOOKED_AT = 10_000
"""How many executions are looked at for one page, where an index does not know which of them match."""
MOST_COUNTED = 100_000
"""How many are looked at to count those that match."""

Condition = ColumnElement[bool] | TextClause
_e = executions.c


class Position(NamedTuple):
    """A place in a list of executions; a greater one is newer, and comes before."""

    created_at: int
    id: str = ""
    """Empty for the place that is just older than all of its instant."""


class Walk(NamedTuple):
    """A way through the executions, from the newest to the oldest.

    Attributes:
        along: what an index finds.
        among: what is looked at in each row.
        ways: what it has newest first, each by itself; all that it finds, if left out.
        before: where it begins, just after this place; at the newest if left out.
        until: where it ends, this place included; at the oldest if left out.
    """

    along: tuple[Condition, ...]
    among: tuple[Condition, ...] = ()
    ways: tuple[tuple[Condition, ...], ...] = ()
    before: Position | None = None
    until: Position | None = None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All that must hold."""
        return (*self.along, *self.among, *self.bounds)

    @property
    def bounds(self) -> tuple[Condition, ...]:
        """Written so that every database takes `created_at` for one range of its index, as narrow as may be."""
        bounds: list[Condition] = []
        if self.before is not None:
            at, id_ = self.before
            bounds.append(and_(_e.created_at <= at, or_(_e.created_at < at, _e.id < id_)))
        if self.until is not None:
            at, id_ = self.until
            bounds.append(and_(_e.created_at >= at, or_(_e.created_at > at, _e.id >= id_)))
        return tuple(bounds)

    @property
    def is_exact(self) -> bool:
        """Whether an index has what is wanted in the order of the list, and nothing else."""
        return not self.among and len(self.ways) <= 1

    def narrowed(self, *, before: Position | None = None, until: Position | None = None) -> "Walk":
        """Return the part of it that lies between these places too."""
        first = [place for place in (self.before, before) if place is not None]
        last = [place for place in (self.until, until) if place is not None]
        return self._replace(before=min(first, default=None), until=max(last, default=None))


def end_of_stretch(connection: Connection, walk: Walk, length: int) -> Position | None:
    """Return the last of the first `length` rows along a walk, None where there are no more than these.

    Only its indices are looked at.
    """
    found = connection.execute(_newest(walk, length + 1).limit(2).offset(length - 1)).all()
    return Position(found[0].created_at, found[0].id) if len(found) > 1 else None


def are_few(connection: Connection, conditions: tuple[Condition, ...], most: int) -> bool:
    """Whether at most so many executions are found by an index."""
    some = select(literal(1)).where(*conditions).limit(most + 1).subquery()
    return (connection.scalar(select(func.count()).select_from(some)) or 0) <= most


def _newest(walk: Walk, most: int) -> Select[tuple[int, str]]:
    """Return the places along a walk; of several ways those of each, `most` of them, in one order."""
    ways = [_along(way, walk.bounds) for way in walk.ways or (walk.along,)]
    if len(ways) == 1:
        return ways[0]
    parts = [way.limit(most).subquery() for way in ways]
    together = union_all(*(select(part.c.created_at, part.c.id) for part in parts)).subquery()
    newest = select(together.c.created_at, together.c.id)
    return newest.order_by(together.c.created_at.desc(), together.c.id.desc())


def _along(way: tuple[Condition, ...], bounds: tuple[Condition, ...]) -> Select[tuple[int, str]]:
    return select(_e.created_at, _e.id).where(*way, *bounds).order_by(_e.created_at.desc(), _e.id.desc())
