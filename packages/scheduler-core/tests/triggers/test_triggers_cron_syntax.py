"""Cron syntax: what each text means, and what is refused at which path."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schedulezero.protocol.triggers import CronTrigger
from schedulezero.scheduler.core.triggers.cron_syntax import LAST, Nth, parse

Refusal = Callable[..., tuple[str, str]]


@pytest.mark.parametrize(
    ("field", "text", "numbers"),
    [
        ("minute", "*", set(range(60))),
        ("minute", 5, {5}),
        ("minute", "05", {5}),
        ("minute", " 5 ", {5}),
        ("minute", "1-5", {1, 2, 3, 4, 5}),
        ("minute", "1-5/2", {1, 3, 5}),
        ("minute", "5-5", {5}),
        ("minute", "*/20", {0, 20, 40}),
        ("minute", "*/59", {0, 59}),
        ("minute", "50/4", {50, 54, 58}),
        ("minute", "10-20/15", {10}),
        ("minute", "1, 2,30-32", {1, 2, 30, 31, 32}),
        ("hour", "*/23", {0, 23}),
        ("second", "0-59/30", {0, 30}),
        ("month", "JAN-mar", {1, 2, 3}),
        ("month", "feb,11", {2, 11}),
        ("month", "jan-dec/6", {1, 7}),
        ("month", "oct/1", {10, 11, 12}),
        ("week", "50-53", {50, 51, 52, 53}),
        ("year", "2027-2031/2", {2027, 2029, 2031}),
        ("year", "9998/1", {9998, 9999}),
    ],
)
def test_a_field_admits_exactly_the_numbers_written(field: str, text: int | str, numbers: set[int]) -> None:
    fields = parse(msgspec.convert({"type": "cron", field: text}, type=CronTrigger))
    assert {number for part in getattr(fields, field) for number in part} == numbers


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("*", {0, 1, 2, 3, 4, 5, 6}),
        (0, {0}),
        (7, {0}),
        ("Sun", {0}),
        ("mon-fri", {1, 2, 3, 4, 5}),
        ("mon-fri/2", {1, 3, 5}),
        ("1-5/2", {1, 3, 5}),
        ("5-7", {5, 6, 0}),
        ("0-7", {0, 1, 2, 3, 4, 5, 6}),
        ("fri-mon", {5, 6, 0, 1}),
        ("fri-mon/2", {5, 0}),
        ("sat-sun", {6, 0}),
        ("7-2", {0, 1, 2}),
        ("5-1", {5, 6, 0, 1}),
        ("*/2", {0, 2, 4, 6}),
        ("1/2", {1, 3, 5}),
        ("7/3", {0, 3, 6}),
        ("tue,Thu", {2, 4}),
    ],
)
def test_weekdays_count_from_sunday_and_their_ranges_wrap(text: int | str, weekdays: set[int]) -> None:
    assert parse(CronTrigger(day_of_week=text)).day_of_week.every == weekdays


@pytest.mark.parametrize(
    ("text", "nth"),
    [
        ("fri#2", Nth(position=2, weekday=5)),
        ("5#2", Nth(position=2, weekday=5)),
        ("7#1", Nth(position=1, weekday=0)),
        ("friL", Nth(position=LAST, weekday=5)),
        ("5L", Nth(position=LAST, weekday=5)),
    ],
)
def test_a_weekday_may_have_a_position_in_the_month(text: str, nth: Nth) -> None:
    weekdays = parse(CronTrigger(day_of_week=f"mon,{text}")).day_of_week
    assert weekdays.every == {1}
    assert weekdays.nth == (nth,)


def test_a_named_day_may_be_the_last_or_a_weekday_by_position() -> None:
    days = parse(CronTrigger(day="1,LAST,1st Mon, last  fri,5th sun")).day
    assert days.last
    assert [part[0] for part in days.numbers] == [1]
    assert [(nth.position, nth.weekday) for nth in days.nth] == [(1, 1), (LAST, 5), (5, 0)]


@pytest.mark.parametrize("text", ["L", "l", "last"])
def test_the_last_day_of_the_month_has_three_spellings(text: str) -> None:
    assert parse(CronTrigger(day=text)).day.last
    assert parse(CronTrigger(expression=f"0 0 {text} * *")).day.last


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("minute", 60),
        ("minute", -1),
        ("minute", "-1"),
        ("minute", ""),
        ("minute", "1,"),
        ("minute", ",1"),
        ("minute", "5-1"),
        ("minute", "1-"),
        ("minute", "1-2-3"),
        ("minute", "*/0"),
        ("minute", "*/60"),
        ("minute", "1/60"),
        ("minute", "*/"),
        ("minute", "*5"),
        ("minute", "**"),
        ("minute", "5 6"),
        ("minute", "5x"),
        ("minute", "?"),
        ("minute", "H"),
        ("minute", "1.5"),
        ("minute", "٣"),
        ("minute", "99999999999999999999"),
        ("minute", "9" * 5000),
        ("minute", "1," * 500 + "1"),
        ("hour", 24),
        ("hour", "22-2"),
        ("hour", "*/24"),
        ("second", "mon"),
        ("month", 0),
        ("month", 13),
        ("month", "*/12"),
        ("month", "nov-feb"),
        ("month", "january"),
        ("day", 0),
        ("day", 32),
        ("day", "15W"),
        ("day", "L-3"),
        ("day", "lastfoo"),
        ("day", "last foo"),
        ("day", "6th mon"),
        ("day", "1st monday"),
        ("day", "1st"),
        ("day", "?"),
        ("day_of_week", 8),
        ("day_of_week", "*/7"),
        ("day_of_week", "L"),
        ("day_of_week", "fri#0"),
        ("day_of_week", "fri#6"),
        ("day_of_week", "8#1"),
        ("day_of_week", "fri#2x"),
        ("day_of_week", "foo#2"),
        ("day_of_week", "mon-fri#2"),
        ("day_of_week", "monday"),
        ("day_of_week", "1st mon"),
        ("week", 0),
        ("week", 54),
        ("year", 1969),
        ("year", 10000),
        ("year", 27),
    ],
)
def test_a_field_that_is_not_cron_is_refused_at_its_name(refusal: Refusal, field: str, value: int | str) -> None:
    path, message = refusal({"type": "cron", field: value})
    assert path == field
    assert message


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "   ",
        "* * * *",
        "* * * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "60 * * * * *",
        "*/60 * * * *",
        "0 22-2 * * *",
        "0 0 ? * *",
        "0 0 15W * *",
        "0 0 1st mon * *",
        "@reboot",
        "@every 5m",
        "@daily x",
        "0 0 * * * # nightly",
        "1, 2 * * * *",
    ],
)
def test_an_expression_that_is_not_cron_is_refused(refusal: Refusal, expression: str) -> None:
    assert refusal({"type": "cron", "expression": expression})[0] == "expression"


def test_a_refusal_says_what_would_be_accepted(refusal: Refusal) -> None:
    assert refusal({"type": "cron", "expression": "0 25 * * *"})[1] == "hour 25 is not between 0 and 23"
    assert "five, or six with seconds first" in refusal({"type": "cron", "expression": "* * *"})[1]
    assert "@hourly" in refusal({"type": "cron", "expression": "@reboot"})[1]


def test_an_expression_and_fields_exclude_each_other(refusal: Refusal) -> None:
    assert refusal({"type": "cron", "expression": "* * * * *", "hour": 3})[0] == "expression"


def test_a_cron_without_a_field_is_refused(refusal: Refusal) -> None:
    assert refusal({"type": "cron"})[0] == ""
    assert refusal({"type": "cron", "start_time": "2027-01-01"})[0] == ""


@pytest.mark.parametrize(
    ("macro", "expression"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        (" @HOURLY ", "0 * * * *"),
    ],
)
def test_a_macro_is_the_expression_it_stands_for(macro: str, expression: str) -> None:
    assert parse(CronTrigger(expression=macro)) == parse(CronTrigger(expression=expression))


@pytest.mark.parametrize(
    ("given", "same_as"),
    [
        ({"hour": 3}, {"minute": 0, "second": 0, "hour": 3}),
        ({"minute": 5}, {"hour": "*", "minute": 5, "second": 0}),
        ({"second": 5}, {"hour": "*", "minute": "*", "second": 5}),
        ({"year": 2028}, {"year": 2028, "month": 1, "day": 1, "hour": 0}),
        ({"month": 3}, {"month": 3, "day": 1, "hour": 0}),
        ({"day": 2}, {"month": "*", "day": 2, "hour": 0}),
        ({"day_of_week": "mon"}, {"day": "*", "day_of_week": "mon", "hour": 0}),
        ({"week": 2}, {"week": 2, "month": "*", "day": "*", "hour": 0}),
        ({"month": 3, "hour": 4}, {"month": 3, "day": "*", "hour": 4, "minute": 0}),
    ],
)
def test_a_field_left_out_is_any_if_coarser_than_the_finest_given_else_its_least(
    fires: Callable[..., list[str]], given: dict[str, Any], same_as: dict[str, Any]
) -> None:
    assert fires({"type": "cron", **given}, count=20) == fires({"type": "cron", **same_as}, count=20)
