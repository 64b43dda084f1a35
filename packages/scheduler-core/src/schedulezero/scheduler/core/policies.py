"""Which instants of a schedule are due, which were missed, and what its catch-up policy makes of those.

Nothing here knows of executions or handlers: a schedule, its fire times and the present give decisions.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import Reason
from schedulezero.protocol.values import ScheduleRequest
from schedulezero.runtime.clock import from_datetime
from schedulezero.scheduler.core.model import SECOND, Schedule
from schedulezero.scheduler.core.triggers import Mismatch, Trigger
from schedulezero.scheduler.core.triggers.mismatch import outside

DECISIONS_AT_ONCE = 1_000
"""A schedule that has more instants due than this is decided in several steps, so that others get their turn."""


class Decision(Frozen):
    """What becomes of one due instant, or of all from `first` to `last`: run (at `fire_time`), or skip for a reason."""

    fire_time: int
    first: int
    last: int
    count: int = 1
    exact: bool = True
    skip: Reason | None = None
    serial: bool = False


class FireTimes:
    """The fire times of a schedule: those of its trigger from `start_at` to `end_at`, both included."""

    def __init__(self, trigger: Trigger, request: ScheduleRequest) -> None:
        self._trigger = trigger
        self._start = from_datetime(request.start_at) if request.start_at is not None else None
        self._end = from_datetime(request.end_at) if request.end_at is not None else None

    @property
    def description(self) -> str:
        return self._trigger.description

    def next(self, after: int) -> int | None:
        """Return the first instant strictly later than `after`."""
        instant = self._trigger.next(self._from(after))
        return None if instant is None or (self._end is not None and instant > self._end) else instant

    def latest(self, after: int, until: int) -> int | None:
        """Return the newest instant in (after, until]."""
        return self._trigger.latest(self._from(after), self._to(until))

    def newest(self, after: int, until: int, n: int) -> list[int]:
        """Return the newest `n` instants in (after, until], oldest first."""
        return self._trigger.newest(self._from(after), self._to(until), n)

    def count(self, after: int, until: int) -> tuple[int, bool]:
        """Return how many instants lie in (after, until], and whether that is exact."""
        return self._trigger.count(self._from(after), self._to(until))

    def remarks(self, fire: int) -> list[str]:
        """Say what clock changes have made of the fire at `fire`."""
        return self._trigger.remarks(fire)

    def why_not(self, instant: int) -> Mismatch | None:
        """Return why an instant is not one of them; None where it is."""
        beyond = outside(instant, ("start_at", self._start), ("end_at", self._end))
        return beyond or self._trigger.why_not(instant)

    def _from(self, after: int) -> int:
        return after if self._start is None else max(after, self._start - 1)

    def _to(self, until: int) -> int:
        return until if self._end is None else min(until, self._end)


def due_at(schedule_id: str, generation: str, fires: FireTimes, jitter_seconds: float, instant: int) -> int:
    """Return when an instant is due: itself, and a jitter that depends on schedule and instant alone.

    The jitter is at most the gap to the next instant, so the order of instants stays.
    """
    if not jitter_seconds:
        return instant
    following = fires.next(instant)
    span = round(jitter_seconds * SECOND)
    if following is not None:
        span = min(span, following - instant)
    digest = hashlib.blake2b(f"{schedule_id}/{generation}/{instant}".encode(), digest_size=8).digest()
    return instant + span * int.from_bytes(digest) // 2**64


def decide(schedule: Schedule, fires: FireTimes, now: int) -> list[Decision]:
    """Decide the instants of a schedule that are due by `now` and not yet decided, in their order."""
    horizon = now - round(schedule.request.misfire_grace_seconds * SECOND)
    last_missed = _last_missed(schedule, fires, horizon)
    decisions = [] if last_missed is None else _catch_up(schedule, fires, last_missed)
    due = _each(fires, _through(schedule, decisions), lambda instant: _due_at(schedule, fires, instant) <= now)
    return [*decisions, *islice(due, max(DECISIONS_AT_ONCE - len(decisions), 0))]


def decide_last(schedule: Schedule, fires: FireTimes, now: int) -> list[Decision]:
    """Decide all instants of a schedule up to `now`, since there is no later: its fire times come to an end.

    One whose jitter is not over runs without the rest of it. What is too much to be decided at once is one range.
    """
    decisions = decide(schedule, fires, now)
    early = _each(fires, _through(schedule, decisions), lambda instant: instant <= now)
    decisions += islice(early, DECISIONS_AT_ONCE)
    left = replace(schedule, decided_through=_through(schedule, decisions))
    return [*decisions, *decide_held(left, fires, now, Reason.MISFIRE)]


def decide_held(schedule: Schedule, fires: FireTimes, until: int, reason: Reason) -> list[Decision]:
    """Decide the instants that a pause or a quarantine has held back up to `until`: one range, or nothing."""
    last = fires.latest(schedule.decided_through, until)
    return [] if last is None else [_range(schedule, fires, last, reason)]


def _each(fires: FireTimes, after: int, is_due: Callable[[int], bool]) -> Iterator[Decision]:
    """Decide to run one instant after another, as long as they are due."""
    instant = fires.next(after)
    while instant is not None and is_due(instant):
        yield Decision(fire_time=instant, first=instant, last=instant)
        instant = fires.next(instant)


def _through(schedule: Schedule, decisions: Sequence[Decision]) -> int:
    return decisions[-1].last if decisions else schedule.decided_through


def _due_at(schedule: Schedule, fires: FireTimes, instant: int) -> int:
    return due_at(schedule.id, schedule.generation, fires, schedule.request.jitter_seconds, instant)


def _last_missed(schedule: Schedule, fires: FireTimes, horizon: int) -> int | None:
    if schedule.next_fire is None or schedule.next_fire >= horizon:
        return None
    instant = fires.latest(schedule.decided_through, horizon)
    while instant is not None and _due_at(schedule, fires, instant) >= horizon:
        instant = fires.latest(schedule.decided_through, instant - 1)
    return instant


def _catch_up(schedule: Schedule, fires: FireTimes, last: int) -> list[Decision]:
    match schedule.request.catch_up:
        case "skip":
            return [_range(schedule, fires, last, Reason.MISFIRE)]
        case "latest":
            return [_range(schedule, fires, last, None)]
        case "all":
            return _catch_up_all(schedule, fires, last)


def _catch_up_all(schedule: Schedule, fires: FireTimes, last: int) -> list[Decision]:
    newest = fires.newest(schedule.decided_through, last, schedule.request.max_catch_up)
    runs = [Decision(fire_time=instant, first=instant, last=instant, serial=True) for instant in newest]
    last_older = fires.latest(schedule.decided_through, newest[0] - 1)
    return runs if last_older is None else [_range(schedule, fires, last_older, Reason.MISFIRE), *runs]


def _range(schedule: Schedule, fires: FireTimes, last: int, skip: Reason | None) -> Decision:
    """Decide everything up to `last` at once: skip it, or run `last` for all."""
    first = fires.next(schedule.decided_through)
    assert first is not None
    count, exact = fires.count(schedule.decided_through, last)
    return Decision(fire_time=first if skip else last, first=first, last=last, count=count, exact=exact, skip=skip)
