"""The cron trigger: local times of the engine, mapped to instants where clocks change.

A matching local time in a gap fires at the first instant after it; one that occurs twice fires at the first. Crons that
follow real time differ: one that admits every hour fires in both passes of an overlap and makes nothing up after a
gap; one whose minute is `*` or a step fires in both passes.
"""

from dataclasses import dataclass, replace

from schedulezero.protocol.errors import ScheduleZeroError, invalid_value
from schedulezero.protocol.triggers import CronTrigger
from schedulezero.scheduler.core.triggers.cron_dates import ever_comes
from schedulezero.scheduler.core.triggers.cron_engine import CronEngine, engine_of
from schedulezero.scheduler.core.triggers.cron_mismatch import first_mismatch
from schedulezero.scheduler.core.triggers.cron_syntax import (
    EVERY_DAY,
    EVERY_WEEK,
    EVERY_WEEKDAY,
    EVERY_YEAR,
    CronFields,
    given_fields,
    parse,
)
from schedulezero.scheduler.core.triggers.instants import EPOCH, LATEST, LOCAL_LATEST, SECOND, from_wall
from schedulezero.scheduler.core.triggers.mismatch import Mismatch, outside, second_pass, with_fraction
from schedulezero.scheduler.core.triggers.trigger import SearchedTrigger
from schedulezero.scheduler.core.triggers.written_times import parse_span
from schedulezero.scheduler.core.triggers.zones import Shift, Zone

# Years begin at 1970; no zone is more than a day away.
_FIRST = -86_400 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron(SearchedTrigger):
    """Fires at the local times of `engine` in `zone`, from `start` to `end`, both included."""

    engine: CronEngine
    zone: Zone
    start: int
    end: int
    repeats_overlaps: bool
    makes_up_gaps: bool
    description: str

    def next(self, after: int) -> int | None:
        if after >= self.end:
            return None
        second = self._next_second(max(after, self.start - 1) // SECOND)
        return None if second is None or second * SECOND > self.end else second * SECOND

    def remarks(self, fire: int) -> list[str]:
        second = fire // SECOND
        remark = self._made_up(second)
        if remark is None and not self.repeats_overlaps:
            remark = self.zone.remark(self.zone.wall(second))
        return [] if remark is None else [remark]

    def why_not(self, instant: int) -> Mismatch | None:
        if self.next(instant - 1) == instant:
            return None
        if mismatch := outside(instant, ("start_time", self.start), ("end_time", self.end)):
            return mismatch
        local = from_wall(self.zone.wall(instant // SECOND))
        if mismatch := first_mismatch(self.engine.fields, local):
            return mismatch
        if fraction := instant % SECOND:
            return with_fraction(local, fraction)
        return second_pass(local)

    def _next_second(self, after: int) -> int | None:
        wall = self.zone.wall(after)
        overlap = self.zone.shift(wall)
        if overlap is None:
            return self._from_match(self.engine.next(wall), after)
        if not self.repeats_overlaps:
            skip_to = overlap.end - 1 if after >= overlap.second else wall
            return self._from_match(self.engine.next(skip_to), after)
        match = self.engine.next(wall)
        if after < overlap.second and (match is None or match >= overlap.end):
            again = self._first_in_second_pass(overlap)
            if again is not None:
                return again
        return self._from_match(match, after)

    def _first_in_second_pass(self, overlap: Shift) -> int | None:
        match = self.engine.next(overlap.start - 1)
        return match - overlap.after if match is not None and match < overlap.end else None

    def _from_match(self, match: int | None, after: int) -> int | None:
        """Return the first instant later than `after` that a local match, the first one after it, stands for."""
        while match is not None:
            before_change, after_change = self.zone.offsets(match)
            if before_change >= after_change:
                first = match - before_change
                return first if first > after else match - after_change
            gap = self.zone.shift(match)
            assert gap is not None
            if self.makes_up_gaps:
                return gap.second
            match = self.engine.next(gap.end - 1)
        return None

    def _made_up(self, second: int) -> str | None:
        gap = self.zone.gap_at(second) if self.makes_up_gaps else None
        if gap is None:
            return None
        match = self.engine.next(gap.start - 1)
        return self.zone.remark(match) if match is not None and match < gap.end else None


def anchored(config: CronTrigger, zone: Zone, created: int) -> CronTrigger:
    fields = parse(config)
    start, _ = parse_span(config.start_time, config.end_time, zone)
    since = max(created, start - 1)
    if _cron(config, fields, zone, start, LATEST).next(since) is None:
        raise _never_comes(config, fields, zone, since)
    return config


def compiled(config: CronTrigger, zone: Zone) -> Cron:
    start, end = parse_span(config.start_time, config.end_time, zone)
    return _cron(config, parse(config), zone, start, end)


def _cron(config: CronTrigger, fields: CronFields, zone: Zone, start: int, end: int) -> Cron:
    return Cron(
        engine=engine_of(fields),
        zone=zone,
        start=max(start, _FIRST),
        end=min(end, LOCAL_LATEST),
        repeats_overlaps=fields.admits_every_hour or fields.minute_repeats,
        makes_up_gaps=not fields.admits_every_hour,
        description=_describe(config),
    )


def _never_comes(config: CronTrigger, fields: CronFields, zone: Zone, since: int) -> ScheduleZeroError:
    message = "no date that matches ever comes"
    if config.expression is not None:
        return invalid_value("expression", f"{message}: {config.expression!r}")
    given = given_fields(config)
    described = ", ".join(f"{name}={text!r}" for name, text in given.items())
    return invalid_value(_culprit(given, fields, zone, since), f"{message}: {described}")


def _culprit(given: dict[str, str], fields: CronFields, zone: Zone, since: int) -> str:
    """Return the field without which dates would come."""
    relaxed = {
        "year": replace(fields, year=EVERY_YEAR),
        "week": replace(fields, week=EVERY_WEEK),
        "day_of_week": replace(fields, day_of_week=EVERY_WEEKDAY),
        "day": replace(fields, day=EVERY_DAY),
    }
    day = from_wall(zone.wall(min(since, LOCAL_LATEST) // SECOND)).date()
    for name, without in relaxed.items():
        if name in given and ever_comes(without, max(day, EPOCH.date())):
            return name
    return "day" if "day" in given else next(iter(given))


def _describe(config: CronTrigger) -> str:
    given = given_fields(config) if config.expression is None else {"expression": config.expression}
    return f"cron[{', '.join(f'{name}={text!r}' for name, text in given.items())}]"
