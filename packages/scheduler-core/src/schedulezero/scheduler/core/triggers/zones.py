"""Time zones: how a local time becomes an instant when clocks change.

A *gap* is local time that does not occur, an *overlap* local time that occurs twice; only offsets count, not what
the zone database calls daylight saving. Local times are integers here too: `wall`, the seconds since 1970-01-01T00:00
on the local clock. So `wall == second + offset`, and every rule is a comparison of integers.
"""

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from schedulezero.protocol.errors import invalid_value
from schedulezero.scheduler.core.triggers.instants import SECOND, from_wall


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A change of a zone's offset. `second` is the first one, since 1970 in UTC, that has the offset `after`."""

    second: int
    before: int
    after: int

    @property
    def is_gap(self) -> bool:
        return self.after > self.before

    @property
    def start(self) -> int:
        """The first wall second of the gap or overlap."""
        return self.second + min(self.before, self.after)

    @property
    def end(self) -> int:
        """The first wall second past the gap or overlap."""
        return self.second + max(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone by its name in the IANA database."""

    name: str
    _info: ZoneInfo

    def offset(self, second: int) -> int:
        """Return the seconds that local clocks are ahead of UTC at `second`, since 1970 in UTC."""
        return _offset(from_wall(second).astimezone(self._info))

    def wall(self, second: int) -> int:
        """Return what the local clock shows at `second`."""
        return second + self.offset(second)

    def offsets(self, wall: int) -> tuple[int, int]:
        """Return the offsets before and after the change that `wall` falls into; twice the same where there is none."""
        moment = from_wall(wall).replace(tzinfo=self._info)
        return _offset(moment), _offset(moment.replace(fold=1))

    def shift(self, wall: int) -> Shift | None:
        """Return the gap or overlap that `wall` falls into."""
        before, after = self.offsets(wall)
        if before == after:
            return None
        second = self._first_changed(wall - max(before, after), wall - min(before, after))
        return Shift(second=second, before=before, after=after)

    def gap_at(self, second: int) -> Shift | None:
        """Return the gap that ends at `second`."""
        before, after = self.offset(second - 1), self.offset(second)
        return Shift(second=second, before=before, after=after) if after > before else None

    def second(self, wall: int) -> int:
        """Return the second at which the local clock first shows `wall`, or the first one after the gap it is in."""
        before, after = self.offsets(wall)
        if after > before:
            return self._first_changed(wall - after, wall - before)
        return wall - before

    def instant(self, local: datetime) -> int:
        """Return the instant of a naive local time, by the same rule as :meth:`second`."""
        wall = wall_of(local)
        before, after = self.offsets(wall)
        return self.second(wall) * SECOND + (0 if after > before else local.microsecond)

    def remark(self, wall: int) -> str | None:
        """Say what becomes of `wall` if it falls into a gap or an overlap."""
        shift = self.shift(wall)
        if shift is None:
            return None
        day, time = _date_and_time(wall)
        if not shift.is_gap:
            first = _date_and_time(wall - shift.before)[1]
            return f"{day}: {time} occurs twice in {self.name}, fires at the first ({first}Z)"
        fire_day, fire_time = _date_and_time(shift.end)
        fires_at = fire_time if fire_day == day else f"{fire_day} {fire_time}"
        return f"{day}: {time} does not exist in {self.name}, fires at {fires_at}"

    def _first_changed(self, low: int, high: int) -> int:
        """Return the first second after `low`, `high` at the latest, that has another offset than `low`."""
        old = self.offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.offset(middle) == old else (low, middle)
        return high


def find_zone(name: str) -> Zone:
    """Return the zone of that name.

    Raises:
        ScheduleZeroError: there is none; at path `timezone`, with the nearest name.
    """
    if name not in _names():
        raise invalid_value("timezone", f"unknown time zone {name!r}{_suggestion(name)}")
    return _load(name)


def wall_of(local: datetime) -> int:
    """Return the seconds since 1970 that a naive local date and time shows."""
    since_epoch = local - _NAIVE_EPOCH
    return since_epoch.days * 86_400 + since_epoch.seconds


_NAIVE_EPOCH = from_wall(0).replace(tzinfo=None)


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    assert offset is not None
    return offset.days * 86_400 + offset.seconds


def _date_and_time(wall: int) -> tuple[str, str]:
    moment = from_wall(wall)
    return f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


@cache
def _load(name: str) -> Zone:
    return Zone(name, ZoneInfo(name))


@cache
def _names() -> frozenset[str]:
    # The names of the tzdata package and not the host's, so that every scheduler accepts the same configurations.
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def _suggestion(name: str) -> str:
    by_lower = {known.lower(): known for known in _names()}
    cities = {known.rsplit("/", 1)[-1].lower(): known for known in sorted(_names())}
    wanted = name.strip().lower().replace(" ", "_")
    if wanted in cities:
        return f"; did you mean {cities[wanted]!r}?"
    nearest = get_close_matches(wanted, by_lower, n=1)
    return f"; did you mean {by_lower[nearest[0]]!r}?" if nearest else "; use an IANA name such as 'Europe/Berlin'"
