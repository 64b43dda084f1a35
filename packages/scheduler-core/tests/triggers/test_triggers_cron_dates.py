"""Which days a cron fires on, and how dates that never come are refused."""

import time
from collections.abc import Callable
from typing import Any

import pytest

Fires = Callable[..., list[str]]
Refusal = Callable[..., tuple[str, str]]


def days(fires: Fires, count: int, after: str = "2026-11-30T12:00:00Z", **fields: Any) -> list[str]:
    return [fire[:10] for fire in fires({"type": "cron", **fields}, after=after, count=count)]


def test_in_an_expression_the_day_of_month_or_the_weekday_suffices(fires: Fires) -> None:
    assert days(fires, 4, expression="0 0 13 * fri") == ["2026-12-04", "2026-12-11", "2026-12-13", "2026-12-18"]


def test_a_six_field_expression_has_the_same_rule(fires: Fires) -> None:
    assert days(fires, 3, expression="0 0 0 5 * fri") == ["2026-12-04", "2026-12-05", "2026-12-11"]


def test_in_an_expression_a_field_that_starts_with_a_star_does_not_suffice(fires: Fires) -> None:
    assert days(fires, 3, expression="0 0 */2 * fri") == ["2026-12-11", "2026-12-25", "2027-01-01"]
    assert days(fires, 3, expression="0 0 13 * *") == ["2026-12-13", "2027-01-13", "2027-02-13"]


def test_named_fields_must_all_hold(fires: Fires) -> None:
    assert days(fires, 2, day=13, day_of_week="fri") == ["2027-08-13", "2028-10-13"]


def test_a_weekday_by_position_adds_to_the_other_kinds_of_day(fires: Fires) -> None:
    assert days(fires, 5, expression="0 0 2 12 fri#2,mon#1") == [
        "2026-12-02",
        "2026-12-07",
        "2026-12-11",
        "2027-12-02",
        "2027-12-06",
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"day_of_week": "fri#2"}, ["2026-12-11", "2027-01-08", "2027-02-12"]),
        ({"day_of_week": "5L"}, ["2026-12-25", "2027-01-29", "2027-02-26"]),
        ({"day_of_week": "mon#5"}, ["2027-03-29", "2027-05-31", "2027-08-30"]),
        ({"day_of_week": "fri#2,sunL"}, ["2026-12-11", "2026-12-27", "2027-01-08"]),
        ({"day_of_week": "tue,fri#1"}, ["2026-12-01", "2026-12-04", "2026-12-08"]),
        ({"day": "last"}, ["2026-12-31", "2027-01-31", "2027-02-28"]),
        ({"day": "L,1"}, ["2026-12-01", "2026-12-31", "2027-01-01"]),
        ({"day": "1st mon"}, ["2026-12-07", "2027-01-04", "2027-02-01"]),
        ({"day": "last fri"}, ["2026-12-25", "2027-01-29", "2027-02-26"]),
        ({"day": "31"}, ["2026-12-31", "2027-01-31", "2027-03-31"]),
        ({"day": "29", "month": 2}, ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ({"day": "8-10", "day_of_week": "fri#2"}, ["2027-01-08", "2027-04-09", "2027-07-09"]),
        ({"day": "last", "day_of_week": "friL"}, ["2027-04-30", "2027-12-31", "2028-03-31"]),
        ({"day": "last", "day_of_week": "fri"}, ["2027-04-30", "2027-12-31", "2028-03-31"]),
        ({"day_of_week": "*/2"}, ["2026-12-01", "2026-12-03", "2026-12-05"]),
        ({"week": 53, "day_of_week": "mon"}, ["2026-12-28", "2032-12-27", "2037-12-28"]),
        ({"week": 1, "day": 31}, ["2029-12-31", "2030-12-31", "2031-12-31"]),
        ({"year": 2028, "month": "feb", "day": "*/14"}, ["2028-02-01", "2028-02-15", "2028-02-29"]),
        ({"year": 9999}, ["9999-01-01"]),
    ],
)
def test_a_cron_fires_on_the_days_that_match(fires: Fires, fields: dict[str, Any], expected: list[str]) -> None:
    assert days(fires, len(expected), **fields) == expected


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"month": 2, "day": 30}, "day"),
        ({"month": "2,4,6,9,11", "day": 31}, "day"),
        ({"month": 2, "day": "31", "day_of_week": "mon"}, "day"),
        ({"day": "1-7", "day_of_week": "fri#2"}, "day_of_week"),
        ({"week": 53, "month": 6}, "week"),
        ({"year": 1999}, "year"),
        ({"year": "1970-2025"}, "year"),
        ({"year": 2026, "month": 11, "day": 23, "hour": 5}, "year"),
        ({"year": 2027, "month": 2, "day": 29}, "year"),
        ({"year": 2027, "start_time": "2028-01-01"}, "year"),
        ({"expression": "0 0 30 2 *"}, "expression"),
        ({"expression": "0 0 31 2,4 *"}, "expression"),
    ],
)
def test_dates_that_never_come_are_refused_with_the_field(refusal: Refusal, fields: dict[str, Any], path: str) -> None:
    assert refusal({"type": "cron", **fields})[0] == path


def test_a_kind_of_day_that_never_comes_does_not_hide_the_other(fires: Fires) -> None:
    assert days(fires, 2, expression="0 0 31 2 fri#2") == ["2027-02-12", "2028-02-11"]


def test_refusing_and_stepping_past_impossible_dates_does_not_block(
    refusal: Refusal, trigger: Callable[..., Any], at: Callable[[str], int]
) -> None:
    made = trigger({"type": "cron", "expression": "0 0 31 2 fri#2"})
    began = time.process_time()
    refusal({"type": "cron", "month": 2, "day": 30})
    for _ in range(20):
        made.next(at("2026-11-23T00:00:00Z"))
    assert time.process_time() - began < 0.2


def test_a_year_that_has_only_just_begun_to_be_past_is_judged_by_the_instant_of_creation(fires: Fires) -> None:
    last_minute = {"type": "cron", "year": 2026, "month": 12, "day": 31, "hour": 23, "minute": 59}
    assert fires(last_minute, after="2026-12-31T23:58:59.999999Z") == ["2026-12-31T23:59:00Z"]


def test_a_start_time_is_included_and_in_its_own_zone(fires: Fires) -> None:
    cron = {"type": "cron", "hour": 9, "timezone": "Asia/Tokyo", "start_time": "2027-01-05T00:00:00+00:00"}
    assert fires(cron, count=2) == ["2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z"]


def test_a_start_time_with_a_fraction_does_not_leak_into_the_fires(fires: Fires) -> None:
    cron = {"type": "cron", "second": "*/10", "start_time": "2027-01-05T00:00:00.5"}
    assert fires(cron, count=1) == ["2027-01-05T00:00:10Z"]


def test_an_end_time_is_included(fires: Fires) -> None:
    cron = {"type": "cron", "hour": "*", "end_time": "2026-11-23T07:00:00Z"}
    assert fires(cron, count=9) == ["2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"]


def test_a_cron_that_has_ended_fires_no_more(fires: Fires) -> None:
    assert fires({"type": "cron", "hour": "*", "end_time": "2020-01-01"}) == []


def test_an_end_before_its_start_is_refused(refusal: Refusal) -> None:
    cron = {"type": "cron", "hour": 1, "start_time": "2027-02-01", "end_time": "2027-01-01"}
    assert refusal(cron)[0] == "end_time"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"minute": 0, "hour": "*/2"}, "cron[hour='*/2', minute='0']"),
        ({"expression": "*/5 9-17 * * mon-fri"}, "cron[expression='*/5 9-17 * * mon-fri']"),
    ],
)
def test_a_cron_is_described_by_what_was_given(trigger: Callable[..., Any], fields: dict[str, Any], words: str) -> None:
    assert trigger({"type": "cron", **fields}).description == words
