"""What a trigger does where clocks change: gaps, overlaps, and the midnights that APScheduler loses."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

Fires = Callable[..., list[str]]


def expression(text: str, zone: str) -> dict[str, Any]:
    return {"type": "cron", "expression": text, "timezone": zone}


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        # Berlin, 2027-03-28: 02:00 to 03:00 does not occur (01:00Z). A fixed time fires at the first instant after.
        ("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]),
        ("0,30 2,3 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", ["2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"]),
        # Every hour: nothing is made up.
        ("30 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", ["2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z"]),
        ("30 0-23 * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", ["2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z"]),
        ("*/15 * * * *", "Europe/Berlin", "2027-03-28T00:30:00Z", ["2027-03-28T00:45:00Z", "2027-03-28T01:00:00Z"]),
        # A stepped minute within some hours: the fires of the gap meet at its end.
        ("*/20 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", ["2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"]),
        # Berlin, 2027-10-31: 02:00 to 03:00 occurs twice, at 00:00Z and at 01:00Z.
        ("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]),
        ("30 * * * *", "Europe/Berlin", "2027-10-31T00:00:00Z", ["2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"]),
        ("*/30 2 * * *", "Europe/Berlin", "2027-10-31T00:15:00Z", ["2027-10-31T00:30:00Z", "2027-10-31T01:00:00Z"]),
        ("0-59 2 * * *", "Europe/Berlin", "2027-10-31T00:58:00Z", ["2027-10-31T00:59:00Z", "2027-11-01T01:00:00Z"]),
        ("0 3 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", ["2027-10-31T02:00:00Z", "2027-11-01T02:00:00Z"]),
        # Asked from within the second pass, a fixed time has had its turn.
        ("45 2 * * *", "Europe/Berlin", "2027-10-31T01:15:00Z", ["2027-11-01T01:45:00Z"]),
        # New York, 2027-03-14 and 2027-11-07.
        ("30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", ["2027-03-14T07:00:00Z", "2027-03-15T06:30:00Z"]),
        ("30 1 * * *", "America/New_York", "2027-11-06T12:00:00Z", ["2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"]),
        # Lord Howe moves by half an hour: 02:00 to 02:30 on 2027-10-03, 01:30 to 02:00 twice on 2027-04-04.
        ("15 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00:00Z", ["2027-10-02T15:30:00Z", "2027-10-03T15:15:00Z"]),
        ("30 * * * *", "Australia/Lord_Howe", "2027-10-02T15:00:00Z", ["2027-10-02T15:30:00Z", "2027-10-02T16:30:00Z"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z", ["2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"]),
        ("45 * * * *", "Australia/Lord_Howe", "2027-04-03T14:00:00Z", ["2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z"]),
        # Apia had no 2011-12-30 at all.
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z"]),
        ("0 0 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"]),
        ("0 * 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", ["2012-12-29T10:00:00Z"]),
        # Dublin's winter time is the "daylight saving" of its zone, with a negative sign: only offsets count.
        ("30 1 * * *", "Europe/Dublin", "2027-03-27T12:00:00Z", ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]),
        ("30 1 * * *", "Europe/Dublin", "2027-10-30T12:00:00Z", ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]),
        # Sao Paulo changed at midnight: 2018-11-04 began at 01:00, and 2018-02-17 had 23:00 to 24:00 twice.
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]),
        ("0 0 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", ["2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z"]),
        ("30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", ["2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"]),
    ],
)
def test_a_cron_maps_local_times_to_instants(
    fires: Fires, text: str, zone: str, after: str, expected: list[str]
) -> None:
    assert fires(expression(text, zone), after=after, count=len(expected)) == expected


def test_a_midnight_cron_loses_no_day_after_the_spring_change(fires: Fires) -> None:
    midnights = fires({"type": "cron", "hour": 0, "timezone": "Europe/Berlin"}, after="2026-03-28T00:00:00Z", count=4)
    assert midnights == [
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
        "2026-03-30T22:00:00Z",
        "2026-03-31T22:00:00Z",
    ]


def test_a_first_of_the_month_cron_fires_on_the_first_of_april(fires: Fires) -> None:
    monthly = {"type": "cron", "day": 1, "timezone": "Europe/Berlin"}
    assert fires(monthly, after="2026-03-15T00:00:00Z", count=2) == ["2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"]


def test_every_quarter_of_an_hour_is_real_time_on_both_days(
    trigger: Callable[..., Any], at: Callable[[str], int]
) -> None:
    quarters = trigger(expression("*/15 * * * *", "Europe/Berlin"))
    for day in ("2027-03-28", "2027-10-31"):
        fires = quarters.upcoming(at(f"{day}T00:00:00Z") - 1, 12)
        assert [later - earlier for earlier, later in pairwise(fires)] == [900_000_000] * 11


def test_an_interval_is_elapsed_time_whatever_the_clocks_do(fires: Fires) -> None:
    for start, first in (("2027-03-28T01:00", "2027-03-28T00:00:00Z"), ("2027-10-31T01:00", "2027-10-30T23:00:00Z")):
        hourly = {"type": "interval", "hours": 24, "start_time": start, "timezone": "Europe/Berlin"}
        assert fires(hourly, count=2) == [first, first.replace("-28T", "-29T").replace("-30T", "-31T")]


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2027-03-28T02:30:00.5", "2027-03-28T01:00:00Z"),
        ("2027-10-31T02:30:00.5", "2027-10-31T00:30:00.500000Z"),
        ("2027-10-31T02:30:00+01:00", "2027-10-31T01:30:00Z"),
    ],
)
def test_a_date_follows_the_rule_of_fixed_times(fires: Fires, local: str, instant: str) -> None:
    assert fires({"type": "date", "run_date": local, "timezone": "Europe/Berlin"}) == [instant]


def test_a_calendar_interval_keeps_the_day_whose_time_is_skipped(fires: Fires) -> None:
    daily = {"type": "calendarinterval", "days": 1, "hour": 2, "minute": 30, "timezone": "Europe/Berlin"}
    assert fires(daily, after="2027-03-27T12:00:00Z", count=2) == ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]
    assert fires(daily, after="2027-10-30T12:00:00Z", count=2) == ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]


def test_a_calendar_day_that_does_not_occur_fires_with_the_next_one(fires: Fires) -> None:
    daily = {"type": "calendarinterval", "days": 1, "timezone": "Pacific/Apia"}
    assert fires(daily, after="2011-12-29T12:00:00Z", count=2) == ["2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"]


def test_naive_start_and_end_times_follow_the_rule_of_fixed_times(fires: Fires) -> None:
    minutely = {
        "type": "cron",
        "minute": "*/30",
        "timezone": "Europe/Berlin",
        "start_time": "2027-10-31T02:30",
        "end_time": "2028-03-26T02:15",
    }
    assert fires(minutely, count=1) == ["2027-10-31T00:30:00Z"]
    assert fires(minutely, after="2028-03-26T00:29:00Z", count=9) == ["2028-03-26T00:30:00Z", "2028-03-26T01:00:00Z"]
