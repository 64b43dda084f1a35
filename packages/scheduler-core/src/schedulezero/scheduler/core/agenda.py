"""The schedules that are held in memory: the first to come due, and those that have just changed.

All others are in the database, behind an index by when they are due. What has changed is forgotten when it is durable
there. The answer to a ReadAhead proves that of all that was before it: like every effect, it is performed when those
are committed.
"""

from collections import Counter
from collections.abc import Iterator

from schedulezero.protocol.values import ScheduleRequest
from schedulezero.scheduler.core.inputs import Upcoming
from schedulezero.scheduler.core.model import Place, ReadAhead, Schedule
from schedulezero.scheduler.core.policies import FireTimes
from schedulezero.scheduler.core.timelines import Timeline
from schedulezero.scheduler.core.triggers import compile_trigger

_SLACK = 10_000
"""Outdated entries that are borne before the timeline is pruned."""
_PARTS = 8
"""A window is read in so many parts, so that no read takes long."""


class Agenda:
    """Every active schedule up to a horizon, and whatever has changed since it was last certain to be durable.

    A schedule is in one of three places: among the first (`_near`), changed, or leaving: changed before the present
    ReadAhead was asked for. One that was deleted is kept there as None, so that no late reader brings it back.

    Args:
        window: how many are held at least, where there are as many; twice as many at most.

    Attributes:
        states: how many schedules there are of each state, in memory and outside.
    """

    def __init__(self, window: int) -> None:
        self.states: Counter[str] = Counter()
        self._window = window
        self._horizon: Place | None = None
        self._near: dict[str, Schedule] = {}
        self._changed: dict[str, Schedule | None] = {}
        self._leaving: dict[str, Schedule | None] = {}
        self._due = Timeline[tuple[str, int]]()
        self._fires: dict[str, tuple[ScheduleRequest, FireTimes]] = {}
        self._asked: tuple[int, int] | None = None
        self._times_asked = 0

    @property
    def horizon(self) -> Place | None:
        """Up to where every active schedule is held; None where that is all of them."""
        return self._horizon

    def held(self) -> dict[str, Schedule]:
        """Return all that are in memory, by their ids."""
        changed = {id_: row for id_, row in {**self._leaving, **self._changed}.items() if row is not None}
        return {**changed, **self._near}

    def knows(self, schedule_id: str) -> bool:
        """Whether memory tells what the schedule is, or that it is gone, and the database need not be asked."""
        return schedule_id in self._near or schedule_id in self._changed or schedule_id in self._leaving

    def get(self, schedule_id: str) -> Schedule | None:
        """Return a schedule that is held."""
        near = self._near.get(schedule_id)
        return near or self._changed.get(schedule_id) or self._leaving.get(schedule_id)

    # -- what changes --------------------------------------------------------------------------------------------

    def take_up(self, schedule: Schedule) -> None:
        """Hold one that was found in the database, unless more is known of it here."""
        if not self.knows(schedule.id):
            self._put(schedule)

    def keep(self, schedule: Schedule) -> None:
        """Know a schedule as it now is."""
        self._count_out(schedule.id)
        self.states[schedule.state] += 1
        self._put(schedule)

    def drop(self, schedule_id: str) -> None:
        """Know that a schedule is deleted."""
        self._count_out(schedule_id)
        self._near.pop(schedule_id, None)
        self._leaving.pop(schedule_id, None)
        self._fires.pop(schedule_id, None)
        self._changed[schedule_id] = None

    def fires(self, schedule: Schedule) -> FireTimes:
        """Return the fire times of a schedule, compiled once for each change of its request."""
        cached = self._fires.get(schedule.id)
        if cached is not None and cached[0] is schedule.request:
            return cached[1]
        fires = FireTimes(compile_trigger(schedule.request.trigger_config), schedule.request)
        self._fires[schedule.id] = (schedule.request, fires)
        return fires

    # -- what is due ---------------------------------------------------------------------------------------------

    def next_due(self) -> int | None:
        """Return the instant of what is due first."""
        return self._due.next()

    def take_due(self, now: int) -> Iterator[Schedule]:
        """Yield the schedules that have an instant due, earliest first. Each is to be kept with its next one."""
        for schedule_id, version in self._due.take_due(now):
            schedule = self._near.get(schedule_id)
            if schedule is not None and schedule.version == version:
                yield schedule

    def prune(self) -> None:
        """Keep the timeline in proportion to what is held."""
        self._due.prune(2 * len(self._near) + _SLACK, self._is_current)

    # -- the database --------------------------------------------------------------------------------------------

    def begin(self, upcoming: Upcoming) -> None:
        """Take in the first schedules, in an empty memory."""
        self._reach(upcoming)

    def wants_more(self) -> bool:
        """Whether something is to be read now, or to be forgotten."""
        if self._asked is not None:
            return False
        return self._is_short() or len(self._changed) > self._window // _PARTS

    def ask(self, epoch: int) -> ReadAhead:
        """Return what reads on, and proves that what has changed so far is durable."""
        self._times_asked += 1
        self._asked = (epoch, self._times_asked)
        self._leaving, self._changed = self._changed, {}
        limit = part_of(self._window) if self._is_short() else 0
        return ReadAhead(asked=self._asked, after=self._horizon, limit=limit)

    def take_in(self, upcoming: Upcoming) -> None:
        """Forget what is durable, and take in what was read, if that is what was asked for last."""
        if upcoming.asked != self._asked:
            return
        self._asked = None
        for schedule_id in self._leaving:
            self._fires.pop(schedule_id, None)
        self._leaving.clear()
        self._reach(upcoming)

    # -- how -----------------------------------------------------------------------------------------------------

    def _reach(self, upcoming: Upcoming) -> None:
        """Hold everything up to a new horizon: what was read of it, and what has changed meanwhile."""
        self._horizon = upcoming.through
        for schedule in [row for row in self._changed.values() if row is not None and self._is_near(row)]:
            self._put(schedule)
        for schedule in upcoming.schedules:
            self.take_up(schedule)

    def _put(self, schedule: Schedule) -> None:
        self._leaving.pop(schedule.id, None)
        if not self._is_near(schedule):
            self._near.pop(schedule.id, None)
            self._changed[schedule.id] = schedule
            return
        self._changed.pop(schedule.id, None)
        self._near[schedule.id] = schedule
        self._due.add(place_of(schedule)[0], (schedule.id, schedule.version))
        if len(self._near) > 2 * self._window:
            self._shed()

    def _shed(self) -> None:
        """Draw the horizon nearer, where too many are before it."""
        ordered = sorted(self._near.values(), key=place_of)
        self._horizon = place_of(ordered[self._window - 1])
        for schedule in ordered[self._window :]:
            self._changed[schedule.id] = self._near.pop(schedule.id)

    def _count_out(self, schedule_id: str) -> None:
        before = self.get(schedule_id)
        if before is not None:
            self.states[before.state] -= 1

    def _is_short(self) -> bool:
        return self._horizon is not None and len(self._near) < self._window

    def _is_near(self, schedule: Schedule) -> bool:
        return schedule.due_at is not None and (self._horizon is None or place_of(schedule) <= self._horizon)

    def _is_current(self, aim: tuple[str, int]) -> bool:
        schedule = self._near.get(aim[0])
        return schedule is not None and schedule.version == aim[1]


def place_of(schedule: Schedule) -> Place:
    """Return where an active schedule stands among all, by when it is due."""
    assert schedule.due_at is not None
    return (schedule.due_at, schedule.id)


def part_of(window: int) -> int:
    """Return how many schedules are read at a time."""
    return max(1, window // _PARTS)
