"""Which dates a cron admits, and whether any such date ever comes."""

from calendar import isleap, monthrange
from collections.abc import Iterator
from datetime import date

from schedulezero.scheduler.core.triggers.cron_syntax import LAST, CronFields, MonthDays, Nth, Numbers, Weekdays


def contains(numbers: Numbers, value: int) -> bool:
    return any(value in part for part in numbers)


def is_month_day(days: MonthDays, day: date) -> bool:
    return (
        contains(days.numbers, day.day)
        or (days.last and day.day == monthrange(day.year, day.month)[1])
        or any(_is_nth(nth, day) for nth in days.nth)
    )


def ever_comes(fields: CronFields, since: date) -> bool:
    """Tell whether a date on or after `since` is admitted.

    All that can decide about the dates of a year is its first weekday, whether it is a leap year and whether the
    year before it was. So one year of each shape is looked at, not the 400 of the Gregorian cycle.
    """
    seen = set()
    for year in range(since.year, 10_000):
        if not contains(fields.year, year):
            continue
        shape = (date(year, 1, 1).weekday(), isleap(year), isleap(year - 1))
        if shape not in seen and any(day >= since for day in _dates_of(year, fields)):
            return True
        if year > since.year:
            seen.add(shape)
    return False


def _dates_of(year: int, fields: CronFields) -> Iterator[date]:
    for month in range(1, 13):
        if contains(fields.month, month):
            days = (date(year, month, number + 1) for number in range(monthrange(year, month)[1]))
            yield from (day for day in days if _admits(fields, day))


def _admits(fields: CronFields, day: date) -> bool:
    if not contains(fields.week, day.isocalendar().week):
        return False
    by_month, by_week = is_month_day(fields.day, day), is_weekday(fields.day_of_week, day)
    return (by_month or by_week) if fields.either else (by_month and by_week)


def is_weekday(weekdays: Weekdays, day: date) -> bool:
    return day.isoweekday() % 7 in weekdays.every or any(_is_nth(nth, day) for nth in weekdays.nth)


def _is_nth(nth: Nth, day: date) -> bool:
    if day.isoweekday() % 7 != nth.weekday:
        return False
    if nth.position == LAST:
        return day.day + 7 > monthrange(day.year, day.month)[1]
    return (day.day + 6) // 7 == nth.position
