"""The trigger of calendar steps: every so many years, months, weeks and days, at one local time of day.

The stepping is our own. APScheduler's walks from its start date alone, leaves out a day whose time a clock change
skips, and never returns when its next year would be 10000.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from schedulezero.protocol.errors import invalid_value
from schedulezero.protocol.triggers import CalendarIntervalTrigger
from schedulezero.scheduler.core.triggers.instants import EPOCH, LOCAL_EARLIEST, LOCAL_LATEST, SECOND, from_wall
from schedulezero.scheduler.core.triggers.mismatch import Mismatch, second_pass, with_fraction
from schedulezero.scheduler.core.triggers.trigger import SearchedTrigger
from schedulezero.scheduler.core.triggers.written_times import parse_date, written
from schedulezero.scheduler.core.triggers.zones import Zone

_DAY = 86_400
_LAST_MONTH = 9999 * 12 + 11
_STEPS = {"years": 366, "months": 31, "weeks": 7, "days": 1}
_TIMES = {"hour": 23, "minute": 59, "second": 59}


class CalendarSteps:
    """The dates from `start` on: `months` are added until the day of the month exists, then `days`."""

    __slots__ = ("_days", "_months", "_reached", "start")

    def __init__(self, *, start: date, months: int, days: int) -> None:
        self.start = start
        self._months = months
        self._days = days
        # Months and days together have no closed form: a walk goes on from the date that the last one came to.
        self._reached = start

    def since(self, day: date) -> Iterator[date]:
        """Yield the dates from `day` on."""
        current: date | None = self._near(day)
        while current is not None:
            if current >= day:
                yield current
            self._reached = current
            current = self._following(current)

    def _near(self, day: date) -> date:
        """Return one of the dates to walk from: one close to `day`, if it is known or has a closed form."""
        if day <= self.start:
            return self.start
        if not self._months:
            return self.start + timedelta((day - self.start).days // self._days * self._days)
        if self._days:
            reached = self._reached
            return reached if reached <= day else self.start
        month = _month_index(day)
        month -= (month - _month_index(self.start)) % self._months
        while not _has_day(month, self.start.day):
            month -= self._months
        return _in_month(month, self.start.day)

    def _following(self, day: date) -> date | None:
        if self._months:
            month = _month_index(day) + self._months
            while month <= _LAST_MONTH and not _has_day(month, day.day):
                month += self._months
            if month > _LAST_MONTH:
                return None
            day = _in_month(month, day.day)
        return day + timedelta(self._days) if (date.max - day).days >= self._days else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarInterval(SearchedTrigger):
    """Fires on the dates of `steps` up to and including `end`, `time_of_day` seconds into the local day."""

    steps: CalendarSteps
    every: str
    time_of_day: int
    end: date
    zone: Zone
    description: str

    def next(self, after: int) -> int | None:
        # A clock change may put the fire of one date into the next day, hence the day before.
        for wall in self._walls(self._local_day(after) - timedelta(1)):
            fire = self.zone.second(wall) * SECOND
            if fire > LOCAL_LATEST:
                return None
            if fire > after:
                return fire
        return None

    def remarks(self, fire: int) -> list[str]:
        found = []
        for wall in self._walls(self._local_day(fire) - timedelta(1)):
            second = self.zone.second(wall)
            if second * SECOND > fire:
                break
            if second * SECOND == fire and (remark := self.zone.remark(wall)):
                found.append(remark)
        return found

    def why_not(self, instant: int) -> Mismatch | None:
        if self.next(instant - 1) == instant:
            return None
        local = from_wall(self.zone.wall(instant // SECOND))
        return self._of_date(local.date()) or self._of_time(local, instant % SECOND)

    def _of_date(self, day: date) -> Mismatch | None:
        if day < self.steps.start:
            return Mismatch(field="start_date", rule="before_start", bound=self._instant_of(self.steps.start))
        if day > self.end:
            return Mismatch(field="end_date", rule="after_end", bound=self._instant_of(self.end))
        if next(self.steps.since(day), None) == day:
            return None
        wanted = f"every {self.every} from {self.steps.start}"
        return Mismatch(field="date", rule="date", value=day.isoformat(), wanted=wanted)

    def _of_time(self, local: datetime, fraction: int) -> Mismatch:
        minutes, second = divmod(self.time_of_day, 60)
        wanted = {"hour": minutes // 60, "minute": minutes % 60, "second": second}
        for name, number in wanted.items():
            if getattr(local, name) != number:
                return Mismatch(field=name, rule="field", value=getattr(local, name), wanted=str(number))
        return with_fraction(local, fraction) if fraction else second_pass(local)

    def _instant_of(self, day: date) -> int:
        return self.zone.second((day - EPOCH.date()).days * _DAY + self.time_of_day) * SECOND

    def _walls(self, day: date) -> Iterator[int]:
        for fire_day in self.steps.since(day):
            if fire_day > self.end:
                return
            yield (fire_day - EPOCH.date()).days * _DAY + self.time_of_day

    def _local_day(self, instant: int) -> date:
        second = min(max(instant, LOCAL_EARLIEST), LOCAL_LATEST) // SECOND
        return from_wall(self.zone.wall(second)).date()


def anchored(config: CalendarIntervalTrigger, zone: Zone, created: int) -> CalendarIntervalTrigger:
    _check_steps(config)
    _check_times(config)
    if config.start_date is None:
        config = replace(config, start_date=from_wall(zone.wall(created // SECOND)).date().isoformat())
    _dates(config)
    return config


def compiled(config: CalendarIntervalTrigger, zone: Zone) -> CalendarInterval:
    start, end = _dates(config)
    steps = CalendarSteps(start=start, months=config.years * 12 + config.months, days=config.weeks * 7 + config.days)
    time_of_day = (config.hour * 60 + config.minute) * 60 + config.second
    return CalendarInterval(
        steps=steps,
        every=_every(config),
        time_of_day=time_of_day,
        end=end,
        zone=zone,
        description=_describe(config),
    )


def _check_steps(config: CalendarIntervalTrigger) -> None:
    parts = {name: getattr(config, name) for name in _STEPS}
    for name, value in parts.items():
        if value < 0:
            raise invalid_value(name, f"{value} is negative; a calendar interval goes forward")
    if not any(parts.values()):
        raise invalid_value("", "a calendar interval needs years, months, weeks or days above 0")
    if sum(value * _STEPS[name] for name, value in parts.items()) > date.max.toordinal():
        name = max(parts, key=lambda part: parts[part] * _STEPS[part])
        raise invalid_value(name, f"{parts[name]} {name} lead past the year 9999; use a shorter interval")


def _check_times(config: CalendarIntervalTrigger) -> None:
    for name, highest in _TIMES.items():
        if not 0 <= getattr(config, name) <= highest:
            raise invalid_value(name, f"{getattr(config, name)} is not between 0 and {highest}")


def _dates(config: CalendarIntervalTrigger) -> tuple[date, date]:
    start = parse_date(written(config.start_date, "start_date"), "start_date")
    end = date.max if config.end_date is None else parse_date(config.end_date, "end_date")
    if end < start:
        raise invalid_value("end_date", f"{config.end_date!r} lies before the start, {config.start_date!r}")
    return start, end


def _describe(config: CalendarIntervalTrigger) -> str:
    parts = [f"{name}={getattr(config, name)}" for name in _STEPS if getattr(config, name)]
    time_of_day = f"time='{config.hour:02}:{config.minute:02}:{config.second:02}'"
    return f"calendarinterval[{', '.join([*parts, time_of_day])}]"


def _every(config: CalendarIntervalTrigger) -> str:
    parts = [(getattr(config, name), name) for name in _STEPS]
    return " and ".join(name[:-1] if count == 1 else f"{count} {name}" for count, name in parts if count)


def _month_index(day: date) -> int:
    return day.year * 12 + day.month - 1


def _has_day(month: int, day: int) -> bool:
    return day <= 28 or day <= monthrange(month // 12, month % 12 + 1)[1]


def _in_month(month: int, day: int) -> date:
    return date(month // 12, month % 12 + 1, day)
