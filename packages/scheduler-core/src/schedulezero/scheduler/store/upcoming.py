"""The schedules by when they are due, a part at a time, and how many there are of each state."""

from collections.abc import Iterator

from sqlalchemy import Connection, and_, func, or_, select

from schedulezero.scheduler.core.agenda import place_of
from schedulezero.scheduler.core.inputs import Upcoming
from schedulezero.scheduler.core.model import Place, Schedule
from schedulezero.scheduler.store import rows, tables

_BESIDE = 50
"""Ids on each side."""
_schedules = tables.schedules.c
_spells = tables.spells.c
_is_active = _schedules.due_at.is_not(None)
_rests = _schedules.due_at.is_(None)


def upcoming(connection: Connection, after: Place | None, limit: int) -> Upcoming:
    """Read the next `limit` active schedules behind `after`, of all where that is None."""
    query = select(*rows.SCHEDULES.columns).where(_is_active)
    if after is not None:
        due_at, id_ = after
        behind = or_(_schedules.due_at > due_at, and_(_schedules.due_at == due_at, _schedules.id > id_))
        query = query.where(_schedules.due_at >= due_at, behind)
    ordered = query.order_by(_schedules.due_at, _schedules.id).limit(limit)
    read = rows.SCHEDULES.read_all(connection.execute(ordered).all())
    return Upcoming(schedules=read, through=place_of(read[-1]) if len(read) == limit else None)


def states(connection: Connection) -> dict[str, int]:
    """Count the schedules of each state."""
    active = connection.scalar(select(func.count()).select_from(tables.schedules).where(_is_active)) or 0
    resting = select(_schedules.state, func.count()).where(_rests).group_by(_schedules.state)
    counts = {"active": active}
    for state, count in connection.execute(resting):
        counts[state] = count
    return counts


def unspelled(connection: Connection) -> list[Schedule]:
    """Read those that are paused or quarantined by rows from before there were spells."""
    told = select(_spells.subject).where(_spells.ended.is_(None), _spells.kind.in_(("schedule_pause", "quarantine")))
    held = _schedules.state.in_(("paused", "quarantined"))
    query = select(*rows.SCHEDULES.columns).where(_rests, held, _schedules.id.not_in(told))
    return rows.SCHEDULES.read_all(connection.execute(query).all())


def beside(connection: Connection, schedule_id: str) -> Iterator[str]:
    """Yield the ids that come just before and just after one, in the order of ids."""
    before = select(_schedules.id).where(_schedules.id < schedule_id).order_by(_schedules.id.desc())
    after = select(_schedules.id).where(_schedules.id > schedule_id).order_by(_schedules.id)
    for query in (before, after):
        yield from connection.scalars(query.limit(_BESIDE))
