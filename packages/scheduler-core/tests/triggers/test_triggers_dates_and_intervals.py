"""Dates, intervals and calendar intervals: when they fire, what is anchored, what is refused."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.scheduler.core.triggers import Trigger, anchor, compile_trigger

At = Callable[[str], int]
Fires = Callable[..., list[str]]
Make = Callable[..., Trigger]
Refusal = Callable[..., tuple[str, str]]
Shape = Callable[[dict[str, Any]], TriggerConfig]

CREATED = "2026-11-23T05:00:00Z"


@pytest.mark.parametrize(
    ("run_date", "instant"),
    [
        ("2027-10-27T15:30:00Z", "2027-10-27T15:30:00Z"),
        ("2027-10-27T15:30:00+05:30", "2027-10-27T10:00:00Z"),
        ("2027-10-27T15:30", "2027-10-27T13:30:00Z"),
        ("2027-10-27 15:30:00.000001", "2027-10-27T13:30:00.000001Z"),
        ("2027-10-27", "2027-10-26T22:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_date_fires_once_at_its_instant(fires: Fires, run_date: str, instant: str) -> None:
    assert fires({"type": "date", "run_date": run_date}, timezone="Europe/Berlin") == [instant]


def test_a_date_in_the_past_is_accepted_and_fires_no_more(trigger: Make, at: At) -> None:
    made = trigger({"type": "date", "run_date": "2020-01-01T00:00:00Z"})
    assert made.next(at(CREATED)) is None
    assert made.latest(0, at(CREATED)) == at("2020-01-01T00:00:00Z")


@pytest.mark.parametrize("run_date", ["", "tomorrow", "2027-02-30", "2027-10-27T25:00", "2027-10-27T15:30:00Z x"])
def test_a_date_that_is_no_time_is_refused(refusal: Refusal, run_date: str) -> None:
    assert refusal({"type": "date", "run_date": run_date})[0] == "run_date"


def test_a_time_whose_instant_is_outside_the_calendar_is_refused(refusal: Refusal) -> None:
    assert refusal({"type": "date", "run_date": "0001-01-01T00:00", "timezone": "Asia/Tokyo"})[0] == "run_date"
    assert refusal({"type": "date", "run_date": "9999-12-31T23:59-01:00"})[0] == "run_date"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Europe/Berln", "'Europe/Berlin'"),
        ("europe/berlin", "'Europe/Berlin'"),
        ("New York", "'America/New_York'"),
        ("utc", "'UTC'"),
        ("", "IANA"),
        ("../etc/passwd", "IANA"),
        ("right/Europe/Berlin", "'Europe/Berlin'"),
    ],
)
@pytest.mark.parametrize(
    "fields",
    [
        {"type": "date", "run_date": "2027-10-27"},
        {"type": "interval", "hours": 1},
        {"type": "cron", "hour": 1},
        {"type": "calendarinterval", "days": 1},
        {"type": "or", "triggers": []},
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_name(
    refusal: Refusal, fields: dict[str, Any], name: str, suggestion: str
) -> None:
    path, message = refusal({**fields, "timezone": name})
    assert path == "timezone"
    assert suggestion in message


def test_an_interval_first_fires_one_interval_after_creation(fires: Fires) -> None:
    assert fires({"type": "interval", "hours": 1, "minutes": 30}, count=2) == [
        "2026-11-23T06:30:00Z",
        "2026-11-23T08:00:00Z",
    ]


def test_an_interval_with_a_start_time_first_fires_then(fires: Fires) -> None:
    daily = {"type": "interval", "days": 1, "start_time": "2026-12-01T12:00", "timezone": "Asia/Tokyo"}
    assert fires(daily, count=2) == ["2026-12-01T03:00:00Z", "2026-12-02T03:00:00Z"]


def test_an_interval_that_started_in_the_past_keeps_its_phase(fires: Fires) -> None:
    assert fires({"type": "interval", "days": 7, "start_time": "1900-01-01T00:00:00Z"}, count=1) == [
        "2026-11-30T00:00:00Z"
    ]


def test_an_end_time_of_an_interval_is_included(fires: Fires) -> None:
    assert fires({"type": "interval", "hours": 1, "end_time": "2026-11-23T07:00:00Z"}, count=5) == [
        "2026-11-23T06:00:00Z",
        "2026-11-23T07:00:00Z",
    ]


def test_an_interval_has_the_resolution_of_a_microsecond(fires: Fires) -> None:
    assert fires({"type": "interval", "seconds": 0.1}, count=2) == [
        "2026-11-23T05:00:00.100000Z",
        "2026-11-23T05:00:00.200000Z",
    ]
    assert fires({"type": "interval", "seconds": 0.000001}, count=1) == ["2026-11-23T05:00:00.000001Z"]


def test_an_interval_counts_a_month_of_seconds_in_closed_form(trigger: Make, at: At) -> None:
    secondly = trigger({"type": "interval", "seconds": 1})
    month = (at("2026-12-01T00:00:00Z"), at("2026-12-31T00:00:00Z"))
    assert secondly.count(*month, limit=10) == (2_592_000, True)
    assert secondly.latest(*month) == month[1]
    assert secondly.newest(*month, 3) == [month[1] - 2_000_000, month[1] - 1_000_000, month[1]]


def test_an_interval_stops_at_the_end_of_the_calendar(trigger: Make, at: At) -> None:
    weekly = trigger({"type": "interval", "weeks": 1})
    assert weekly.next(at("9999-12-31T23:00:00Z")) is None
    assert weekly.next(at("9999-12-20T00:00:00Z")) is not None


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, ""),
        ({"hours": 0}, ""),
        ({"hours": -1}, "hours"),
        ({"hours": 1, "minutes": -30}, "minutes"),
        ({"seconds": 0.0000006}, "seconds"),
        ({"weeks": 1e-300}, "weeks"),
        ({"hours": 1e308}, "hours"),
        ({"weeks": 1e308, "seconds": 1e308}, "weeks"),
        ({"days": 999_999_999}, "days"),
        ({"days": 3_000_000}, "days"),
        ({"seconds": 1, "start_time": "soon"}, "start_time"),
        ({"seconds": 1, "end_time": "later"}, "end_time"),
        ({"hours": 1, "start_time": "2027-02-01", "end_time": "2027-01-31"}, "end_time"),
        ({"hours": 1, "end_time": "2026-11-23T05:59:59Z"}, "end_time"),
    ],
)
def test_an_interval_that_cannot_be_is_refused(refusal: Refusal, fields: dict[str, Any], path: str) -> None:
    assert refusal({"type": "interval", **fields})[0] == path


def test_an_interval_is_described_by_its_length(trigger: Make) -> None:
    assert trigger({"type": "interval", "hours": 1}).description == "interval[1:00:00]"
    assert trigger({"type": "interval", "weeks": 1, "seconds": 0.5}).description == "interval[7 days, 0:00:00.500000]"


def test_a_date_is_described_by_its_instant(trigger: Make) -> None:
    described = trigger({"type": "date", "run_date": "2027-10-27T17:30", "timezone": "Europe/Berlin"}).description
    assert described == "date[2027-10-27T15:30:00Z]"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"months": 1}, ["2026-12-23", "2027-01-23", "2027-02-23"]),
        ({"months": 1, "start_date": "2027-01-31"}, ["2027-01-31", "2027-03-31", "2027-05-31"]),
        ({"years": 1, "start_date": "2028-02-29"}, ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ({"years": 100, "start_date": "2000-02-29"}, ["2400-02-29", "2800-02-29", "3200-02-29"]),
        ({"months": 1, "days": 1, "start_date": "2027-01-31"}, ["2027-01-31", "2027-04-01", "2027-05-02"]),
        ({"weeks": 1, "days": 3, "start_date": "2026-11-20"}, ["2026-11-30", "2026-12-10", "2026-12-20"]),
        ({"years": 1, "months": 2, "start_date": "2020-01-15"}, ["2027-01-15", "2028-03-15", "2029-05-15"]),
        ({"days": 1, "start_date": "2026-11-23", "end_date": "2026-11-24"}, ["2026-11-24"]),
        ({"years": 9000, "start_date": "2027-01-01"}, ["2027-01-01"]),
        ({"years": 1, "start_date": "9998-06-01"}, ["9998-06-01", "9999-06-01"]),
        ({"months": 1, "days": 20, "start_date": "9999-10-30"}, ["9999-10-30", "9999-12-20"]),
    ],
)
def test_a_calendar_interval_steps_over_dates(fires: Fires, fields: dict[str, Any], expected: list[str]) -> None:
    assert [fire[:10] for fire in fires({"type": "calendarinterval", **fields}, count=3)] == expected


def test_a_calendar_interval_starts_on_the_local_date_of_creation(fires: Fires) -> None:
    daily = {"type": "calendarinterval", "days": 2, "hour": 20, "timezone": "Pacific/Auckland"}
    assert fires(daily, after="2026-11-23T12:00:00Z", count=2) == ["2026-11-24T07:00:00Z", "2026-11-26T07:00:00Z"]


def test_a_calendar_interval_asked_near_the_ends_of_time_answers(trigger: Make, at: At) -> None:
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        daily = trigger({"type": "calendarinterval", "days": 1, "start_date": "0001-01-01", "timezone": zone})
        assert daily.next(at("0001-01-01T00:00:00Z")) is not None
        assert daily.next(at("9999-12-31T23:59:59Z")) is None


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, ""),
        ({"hour": 3}, ""),
        ({"days": -1}, "days"),
        ({"days": 1, "hour": 24}, "hour"),
        ({"days": 1, "minute": 60}, "minute"),
        ({"days": 1, "second": -1}, "second"),
        ({"years": 10**40}, "years"),
        ({"years": 1, "days": 10_000_000}, "days"),
        ({"days": 1, "start_date": "2027-02-30"}, "start_date"),
        ({"days": 1, "start_date": "2027-02-01T00:00"}, "start_date"),
        ({"days": 1, "end_date": "x"}, "end_date"),
        ({"days": 1, "start_date": "2027-02-01", "end_date": "2027-01-31"}, "end_date"),
        ({"days": 1, "end_date": "2026-11-22"}, "end_date"),
    ],
)
def test_a_calendar_interval_that_cannot_be_is_refused(refusal: Refusal, fields: dict[str, Any], path: str) -> None:
    assert refusal({"type": "calendarinterval", **fields})[0] == path


def test_a_calendar_interval_is_described_by_its_steps(trigger: Make) -> None:
    described = trigger({"type": "calendarinterval", "years": 1, "days": 2, "hour": 9}).description
    assert described == "calendarinterval[years=1, days=2, time='09:00:00']"


@pytest.mark.parametrize(
    ("fields", "anchors"),
    [
        ({"type": "date", "run_date": "2027-10-27T15:30"}, {}),
        ({"type": "interval", "hours": 1}, {"start_time": "2026-11-23T06:00:00Z"}),
        ({"type": "cron", "hour": 1}, {}),
        ({"type": "calendarinterval", "days": 1}, {"start_date": "2026-11-23"}),
    ],
)
def test_anchoring_writes_in_the_zone_and_the_start_and_nothing_else(
    config: Shape, at: At, fields: dict[str, Any], anchors: dict[str, str]
) -> None:
    anchored = anchor(config(fields), created=at(CREATED), timezone="Europe/Berlin")
    assert msgspec.to_builtins(anchored) == {**fields, "timezone": "Europe/Berlin", **anchors}


def test_a_zone_of_its_own_goes_before_the_instance_s(config: Shape, at: At) -> None:
    fields = {"type": "cron", "hour": 1, "timezone": "Asia/Tokyo"}
    assert anchor(config(fields), created=at(CREATED), timezone="Europe/Berlin").timezone == "Asia/Tokyo"


@pytest.mark.parametrize("fields", [{"type": "cron", "hour": 1}, {"type": "interval", "hours": 1, "timezone": "UTC"}])
def test_compiling_what_was_not_anchored_is_a_fault_of_the_program(config: Shape, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="anchor it first"):
        compile_trigger(config(fields))
