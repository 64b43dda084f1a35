"""The trigger of elapsed time, in closed form: fire k is at `start + k * step`."""

from dataclasses import dataclass
from datetime import timedelta

from msgspec.structs import replace

from schedulezero.protocol.errors import ScheduleZeroError, invalid_value
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.scheduler.core.triggers.instants import LATEST, iso
from schedulezero.scheduler.core.triggers.mismatch import Mismatch, outside
from schedulezero.scheduler.core.triggers.trigger import WALK_LIMIT
from schedulezero.scheduler.core.triggers.written_times import parse_span, written
from schedulezero.scheduler.core.triggers.zones import Zone

# Microseconds in one of each, finest first.
_UNITS = {
    "seconds": 1_000_000,
    "minutes": 60_000_000,
    "hours": 3_600_000_000,
    "days": 86_400_000_000,
    "weeks": 604_800_000_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Fires at `start` and every `step` microseconds of elapsed time after it, up to and including `end`."""

    start: int
    step: int
    end: int
    description: str

    def next(self, after: int) -> int | None:
        fire = self.start if after < self.start else after + self.step - (after - self.start) % self.step
        return fire if fire <= self.end else None

    def upcoming(self, after: int, n: int) -> list[int]:
        first = self.next(after)
        return [] if first is None else list(range(first, self.end + 1, self.step)[:n])

    def latest(self, after: int, until: int) -> int | None:
        fires = self._within(after, until)
        return fires[-1] if fires else None

    def newest(self, after: int, until: int, n: int) -> list[int]:
        fires = self._within(after, until)
        return list(fires[max(0, len(fires) - n) :])

    def count(self, after: int, until: int, limit: int = WALK_LIMIT) -> tuple[int, bool]:
        return len(self._within(after, until)), True

    def remarks(self, fire: int) -> list[str]:
        return []

    def why_not(self, instant: int) -> Mismatch | None:
        if mismatch := outside(instant, ("start_time", self.start), ("end_time", self.end)):
            return mismatch
        elapsed = (instant - self.start) % self.step
        if not elapsed:
            return None
        value, wanted = (str(timedelta(microseconds=span)) for span in (elapsed, self.step))
        return Mismatch(field="interval", rule="between", value=value, wanted=wanted)

    def _within(self, after: int, until: int) -> range:
        first = self.next(after)
        return range(0) if first is None else range(first, min(until, self.end) + 1, self.step)


def anchored(config: IntervalTrigger, zone: Zone, created: int) -> IntervalTrigger:
    step = _step(config)
    if config.start_time is None:
        if created + step > LATEST:
            raise _too_long(config)
        config = replace(config, start_time=iso(created + step))
    parse_span(config.start_time, config.end_time, zone)
    return config


def compiled(config: IntervalTrigger, zone: Zone) -> Interval:
    step = _step(config)
    start, end = parse_span(written(config.start_time, "start_time"), config.end_time, zone)
    return Interval(start=start, step=step, end=end, description=f"interval[{timedelta(microseconds=step)}]")


def _step(config: IntervalTrigger) -> int:
    """Return the length of the interval in microseconds."""
    parts = {name: getattr(config, name) for name in _UNITS}
    for name, value in parts.items():
        if value < 0:
            raise invalid_value(name, f"{value:g} is negative; an interval is elapsed time and goes forward")
    if not any(parts.values()):
        raise invalid_value("", "an interval needs weeks, days, hours, minutes or seconds above 0")
    if sum(value * _UNITS[name] for name, value in parts.items()) < 1:
        name = max(parts, key=lambda unit: parts[unit])
        raise invalid_value(name, f"{parts[name]:g} {name} are below the resolution of one microsecond")
    try:
        step = timedelta(**parts) // timedelta(microseconds=1)
    except OverflowError:
        raise _too_long(config) from None
    if step > LATEST:
        raise _too_long(config)
    return step


def _too_long(config: IntervalTrigger) -> ScheduleZeroError:
    name = max(_UNITS, key=lambda unit: getattr(config, unit) * (_UNITS[unit] / _UNITS["weeks"]))
    return invalid_value(name, f"{getattr(config, name):g} {name} lead past the year 9999; use a shorter interval")
