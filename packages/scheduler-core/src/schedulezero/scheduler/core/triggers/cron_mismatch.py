"""Which field of a cron does not admit a local time."""

from collections.abc import Iterator
from datetime import date, datetime

from schedulezero.scheduler.core.triggers.cron_dates import contains, is_month_day, is_weekday
from schedulezero.scheduler.core.triggers.cron_syntax import (
    LAST,
    WEEKDAYS,
    CronFields,
    MonthDays,
    Nth,
    Numbers,
    Weekdays,
)
from schedulezero.scheduler.core.triggers.mismatch import Mismatch

_LISTED = 6
"""So many numbers of a step are written one by one."""


def first_mismatch(fields: CronFields, local: datetime) -> Mismatch | None:
    """Return the coarsest field that does not admit what the local clock shows."""
    return next(_mismatches(fields, local), None)


def _mismatches(fields: CronFields, local: datetime) -> Iterator[Mismatch]:
    for name, value in (("year", local.year), ("month", local.month), ("week", local.isocalendar().week)):
        yield from _of_number(name, value, getattr(fields, name))
    yield from _of_either(fields, local.date()) if fields.either else _of_days(fields, local.date())
    for name, value in (("hour", local.hour), ("minute", local.minute), ("second", local.second)):
        yield from _of_number(name, value, getattr(fields, name))


def _of_number(name: str, value: int, admitted: Numbers) -> Iterator[Mismatch]:
    if not contains(admitted, value):
        yield Mismatch(field=name, rule="field", value=value, wanted=_numbers(admitted))


def _of_days(fields: CronFields, day: date) -> Iterator[Mismatch]:
    if not is_month_day(fields.day, day):
        yield Mismatch(field="day", rule="field", value=day.day, wanted=_month_days(fields.day))
    if not is_weekday(fields.day_of_week, day):
        yield Mismatch(field="day_of_week", rule="field", value=_weekday(day), wanted=_weekdays(fields.day_of_week))


def _of_either(fields: CronFields, day: date) -> Iterator[Mismatch]:
    if not is_month_day(fields.day, day) and not is_weekday(fields.day_of_week, day):
        wanted = f"{_month_days(fields.day)} or {_weekdays(fields.day_of_week)}"
        yield Mismatch(field="day", rule="field", value=f"{day.day} ({_weekday(day)})", wanted=wanted)


def _numbers(numbers: Numbers) -> str:
    return ",".join(map(_range, numbers))


def _range(part: range) -> str:
    if len(part) == 1 or (part.step > 1 and len(part) <= _LISTED):
        return ",".join(map(str, part))
    return f"{part[0]}-{part[-1]}" if part.step == 1 else f"{part[0]}-{part[-1]}/{part.step}"


def _month_days(days: MonthDays) -> str:
    return ",".join([*map(_range, days.numbers), *(("last",) if days.last else ()), *map(_nth, days.nth)])


def _weekdays(weekdays: Weekdays) -> str:
    return ",".join([*(WEEKDAYS[number] for number in sorted(weekdays.every)), *map(_nth, weekdays.nth)])


def _nth(nth: Nth) -> str:
    return f"{WEEKDAYS[nth.weekday]}L" if nth.position == LAST else f"{WEEKDAYS[nth.weekday]}#{nth.position}"


def _weekday(day: date) -> str:
    return WEEKDAYS[day.isoweekday() % 7]
