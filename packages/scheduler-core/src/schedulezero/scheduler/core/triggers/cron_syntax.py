"""Cron syntax: from the text of the fields to explicit numbers, or a refusal that names the field.

Strict on purpose. APScheduler reads `1-5/2` as Monday to Friday, `fri#2` as every Friday and `lastfoo` as `last`, so
it is handed numbers only. Weekdays count from Sunday, 0, here.
"""

import re
from dataclasses import dataclass

from schedulezero.protocol.errors import invalid_value
from schedulezero.protocol.triggers import CronTrigger

Numbers = tuple[range, ...]

NAMED_FIELDS = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LAST = 0
"""The position of the last such weekday of a month, beside the first to the fifth."""

_BOUNDS = {
    "year": (1970, 9999),
    "month": (1, 12),
    "week": (1, 53),
    "day": (1, 31),
    "day_of_week": (0, 7),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}
_NAMES = {
    "month": {name: number for number, name in enumerate(MONTHS, start=1)},
    "day_of_week": {name: number for number, name in enumerate(WEEKDAYS)},
}
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EXPRESSION_FIELDS = ("second", "minute", "hour", "day", "month", "day_of_week")
_POSITIONS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": LAST}

_ITEM = re.compile(
    r"(?:(?P<all>\*)|(?P<first>[0-9]{1,9}|[a-z]+)(?:-(?P<last>[0-9]{1,9}|[a-z]+))?)(?:/(?P<step>[0-9]{1,9}))?"
)
_NTH_IN_DAY = re.compile(r"(?P<position>[a-z0-9]+) +(?P<weekday>[a-z]+)")
_NTH_IN_WEEKDAY = re.compile(r"(?P<weekday>[0-9]|[a-z]{3})(?:#(?P<position>[1-5])|l)")
_LONGEST = 1_000
_ACCEPTED = "use *, n, a-b, */n, a-b/n, a/n or several with commas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nth:
    """A weekday by its position in the month: 1 to 5, or `LAST`."""

    position: int
    weekday: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthDays:
    """Days of the month: by number, the last one, and by position of a weekday."""

    numbers: Numbers = ()
    last: bool = False
    nth: tuple[Nth, ...] = ()

    @property
    def admits_all(self) -> bool:
        return _covers(self.numbers, range(1, 32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekdays:
    """Days of the week: those of every week, and those by position in the month."""

    every: frozenset[int] = frozenset()
    nth: tuple[Nth, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CronFields:
    """A cron in explicit numbers.

    `either` is cron's rule for an expression that restricts both kinds of day: one of them suffices. `minute_repeats`
    tells that the minute was written with `*` or a step, which decides what an overlap does.
    """

    year: Numbers
    month: Numbers
    week: Numbers
    day: MonthDays
    day_of_week: Weekdays
    hour: Numbers
    minute: Numbers
    second: Numbers
    either: bool
    minute_repeats: bool

    @property
    def admits_every_hour(self) -> bool:
        return _covers(self.hour, range(24))


EVERY_DAY = MonthDays(numbers=(range(1, 32),))
EVERY_WEEKDAY = Weekdays(every=frozenset(range(7)))
EVERY_WEEK: Numbers = (range(1, 54),)
EVERY_YEAR: Numbers = (range(1970, 10_000),)


def parse(config: CronTrigger) -> CronFields:
    """Return the fields of a cron trigger, written by name or as an expression.

    Raises:
        ScheduleZeroError: the syntax is not accepted; at the path of the field, or `expression`.
    """
    named = given_fields(config)
    for path, text in (named | {"expression": config.expression or ""}).items():
        if len(text) > _LONGEST:
            raise invalid_value(path, f"{len(text)} characters of cron; write it in {_LONGEST} or fewer")
    if config.expression is None:
        if not named:
            raise invalid_value("", "a cron needs an expression or at least one field, such as minute")
        return _from_named(named)
    if named:
        raise invalid_value("expression", f"an expression and fields ({', '.join(named)}) exclude each other")
    return _from_expression(config.expression)


def given_fields(config: CronTrigger) -> dict[str, str]:
    """Return the fields that were given by name, as text, coarsest first."""
    values = ((name, getattr(config, name)) for name in NAMED_FIELDS)
    return {name: str(value) for name, value in values if value is not None}


def _from_named(named: dict[str, str]) -> CronFields:
    texts = _with_defaults(named)
    return _fields(texts, {name: name for name in texts}, either=False)


def _with_defaults(named: dict[str, str]) -> dict[str, str]:
    """Fill in what was left out: `*` if coarser than the finest given, and for weeks and weekdays, else the least."""
    finest = max(NAMED_FIELDS.index(name) for name in named)
    defaults = {
        name: "*" if index < finest or name in ("week", "day_of_week") else str(_BOUNDS[name][0])
        for index, name in enumerate(NAMED_FIELDS)
    }
    return defaults | named


def _from_expression(expression: str) -> CronFields:
    texts = _split(expression)
    either = not texts["day"].startswith("*") and not texts["day_of_week"].startswith("*")
    paths = dict.fromkeys(NAMED_FIELDS, "expression")
    return _fields({"year": "*", "week": "*"} | texts, paths, either=either)


def _split(expression: str) -> dict[str, str]:
    if expression.strip().startswith("@"):
        expression = _macro(expression.strip().lower())
    texts = expression.split()
    if len(texts) == 5:
        texts = ["0", *texts]
    if len(texts) != 6:
        message = f"{expression!r} has {len(texts)} fields; an expression has five, or six with seconds first"
        raise invalid_value("expression", message)
    return dict(zip(_EXPRESSION_FIELDS, texts, strict=True))


def _macro(name: str) -> str:
    if name not in _MACROS:
        raise invalid_value("expression", f"{name!r} is not one of {', '.join(_MACROS)}")
    return _MACROS[name]


def _fields(texts: dict[str, str], paths: dict[str, str], *, either: bool) -> CronFields:
    def numbers(name: str) -> Numbers:
        return tuple(_numbers(item, name, paths[name]) for item in _items(texts[name]))

    return CronFields(
        year=numbers("year"),
        month=numbers("month"),
        week=numbers("week"),
        day=_month_days(texts["day"], paths["day"]),
        day_of_week=_weekdays(texts["day_of_week"], paths["day_of_week"]),
        hour=numbers("hour"),
        minute=numbers("minute"),
        second=numbers("second"),
        either=either,
        minute_repeats="*" in texts["minute"] or "/" in texts["minute"],
    )


def _items(text: str) -> list[str]:
    return [item.strip(" ") for item in text.lower().split(",")]


def _month_days(text: str, path: str) -> MonthDays:
    numbers: list[range] = []
    nth: list[Nth] = []
    last = False
    for item in _items(text):
        if item in ("last", "l"):
            last = True
        elif match := _NTH_IN_DAY.fullmatch(item):
            nth.append(_nth_in_day(match["position"], match["weekday"], path))
        else:
            numbers.append(_numbers(item, "day", path))
    return MonthDays(numbers=tuple(numbers), last=last, nth=tuple(nth))


def _nth_in_day(position: str, weekday: str, path: str) -> Nth:
    if position not in _POSITIONS or weekday not in WEEKDAYS:
        raise invalid_value(path, f"{position} {weekday!r} is no day of the month; write it as '1st mon' or 'last fri'")
    return Nth(position=_POSITIONS[position], weekday=WEEKDAYS.index(weekday))


def _weekdays(text: str, path: str) -> Weekdays:
    every: set[int] = set()
    nth: list[Nth] = []
    for item in _items(text):
        if match := _NTH_IN_WEEKDAY.fullmatch(item):
            weekday = _value(match["weekday"], "day_of_week", path) % 7
            nth.append(Nth(position=int(match["position"] or LAST), weekday=weekday))
        else:
            every.update(number % 7 for number in _numbers(item, "day_of_week", path))
    return Weekdays(every=frozenset(every), nth=tuple(nth))


def _numbers(item: str, name: str, path: str) -> range:
    """Return the numbers that one item of a list admits; those of a weekday are to be taken modulo 7."""
    match = _ITEM.fullmatch(item)
    if match is None:
        raise invalid_value(path, f"{item!r} is no {name} in cron; {_ACCEPTED}")
    step = _step(match["step"], name, path)
    lowest, highest = _span(name)
    if match["all"]:
        return range(lowest, highest + 1, step)
    first = _value(match["first"], name, path)
    if match["last"] is not None:
        return range(first, _end(first, match["last"], name, path) + 1, step)
    if match["step"] is None:
        return range(first, first + 1)
    return range(first % 7 if name == "day_of_week" else first, highest + 1, step)


def _span(name: str) -> tuple[int, int]:
    """Return the lowest and highest number of a field, Sunday counted once."""
    lowest, highest = _BOUNDS[name]
    return lowest, 6 if name == "day_of_week" else highest


def _step(text: str | None, name: str, path: str) -> int:
    lowest, highest = _span(name)
    step = 1 if text is None else int(text)
    if not 1 <= step <= highest - lowest:
        raise invalid_value(path, f"a step of {step} does not fit {name}, which goes from {lowest} to {highest}")
    return step


def _end(first: int, text: str, name: str, path: str) -> int:
    last = _value(text, name, path)
    if last >= first:
        return last
    if name == "day_of_week":
        return last + 7
    raise invalid_value(path, f"the range {first}-{last} of {name} runs backward; write it as two ranges")


def _value(text: str, name: str, path: str) -> int:
    lowest, highest = _BOUNDS[name]
    if not text.isdigit():
        names = _NAMES.get(name, {})
        if text not in names:
            raise invalid_value(path, f"{text!r} is no {name} in cron; {_ACCEPTED}")
        return names[text]
    if not lowest <= int(text) <= highest:
        raise invalid_value(path, f"{name} {text} is not between {lowest} and {highest}")
    return int(text)


def _covers(numbers: Numbers, wanted: range) -> bool:
    return all(any(number in part for part in numbers) for number in wanted)
