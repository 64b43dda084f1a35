"""Preview: the fires that creation would have, and what clock changes do to them."""

from collections.abc import Callable
from typing import Any

import pytest

from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.scheduler.core.triggers import Preview, preview

At = Callable[[str], int]
Show = Callable[..., Preview]


@pytest.fixture
def show(config: Callable[[dict[str, Any]], TriggerConfig], at: At) -> Show:
    def make(fields: dict[str, Any], *, after: str = "2027-03-27T12:00:00Z", count: int = 3) -> Preview:
        return preview(config(fields), after=at(after), count=count, timezone="Europe/Berlin")

    return make


def test_after_stands_for_creation(show: Show, at: At) -> None:
    shown = show({"type": "interval", "hours": 1}, after="2027-01-01T00:30:00Z", count=2)
    assert shown.fire_times == (at("2027-01-01T01:30:00Z"), at("2027-01-01T02:30:00Z"))
    assert shown.warnings == ()


def test_as_many_fires_as_asked_for_are_shown(show: Show) -> None:
    fires = show({"type": "cron", "expression": "* * * * *"}, count=1000).fire_times
    assert len(fires) == 1000
    assert sorted(set(fires)) == list(fires)


def test_fewer_are_shown_where_there_are_no_more(show: Show) -> None:
    assert show({"type": "date", "run_date": "2020-01-01"}).fire_times == ()
    never = {"type": "and", "triggers": [{"type": "cron", "day": 1}, {"type": "cron", "day": 2}]}
    assert show(never) == Preview(fire_times=(), warnings=())


def test_what_cannot_be_created_cannot_be_previewed(show: Show) -> None:
    with pytest.raises(ScheduleZeroError, match="hour 24"):
        show({"type": "cron", "hour": 24})


@pytest.mark.parametrize(
    ("fields", "after", "warnings"),
    [
        (
            {"type": "cron", "expression": "30 2 * * *"},
            "2027-03-27T12:00:00Z",
            ["2027-03-28: 02:30 does not exist in Europe/Berlin, fires at 03:00"],
        ),
        (
            {"type": "cron", "expression": "15 30 2 * * *"},
            "2027-03-27T12:00:00Z",
            ["2027-03-28: 02:30:15 does not exist in Europe/Berlin, fires at 03:00"],
        ),
        (
            {"type": "cron", "expression": "*/20 2 * * *"},
            "2027-03-27T12:00:00Z",
            ["2027-03-28: 02:00 does not exist in Europe/Berlin, fires at 03:00"],
        ),
        (
            {"type": "cron", "expression": "30 2 * * *"},
            "2027-10-30T12:00:00Z",
            ["2027-10-31: 02:30 occurs twice in Europe/Berlin, fires at the first (00:30Z)"],
        ),
        (
            {"type": "calendarinterval", "days": 1, "hour": 2, "minute": 30},
            "2027-03-27T12:00:00Z",
            ["2027-03-28: 02:30 does not exist in Europe/Berlin, fires at 03:00"],
        ),
        (
            {"type": "calendarinterval", "days": 1, "hour": 2, "minute": 30},
            "2027-10-30T12:00:00Z",
            ["2027-10-31: 02:30 occurs twice in Europe/Berlin, fires at the first (00:30Z)"],
        ),
        (
            {"type": "date", "run_date": "2027-03-28T02:30"},
            "2027-03-27T12:00:00Z",
            ["2027-03-28: 02:30 does not exist in Europe/Berlin, fires at 03:00"],
        ),
        (
            {"type": "cron", "expression": "0 12 * * *", "timezone": "Pacific/Apia"},
            "2011-12-29T12:00:00Z",
            ["2011-12-30: 12:00 does not exist in Pacific/Apia, fires at 2011-12-31 00:00"],
        ),
    ],
)
def test_clock_changes_are_warned_of(show: Show, fields: dict[str, Any], after: str, warnings: list[str]) -> None:
    assert list(show(fields, after=after).warnings) == warnings


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "cron", "expression": "*/15 * * * *"},
        {"type": "cron", "expression": "30 * * * *"},
        {"type": "cron", "expression": "0 3 * * *"},
        {"type": "cron", "expression": "30 1 * * *"},
        {"type": "date", "run_date": "2027-03-28T02:30:00+01:00"},
        {"type": "interval", "minutes": 30},
    ],
)
@pytest.mark.parametrize("after", ["2027-03-27T12:00:00Z", "2027-10-30T12:00:00Z"])
def test_a_trigger_that_no_clock_change_touches_has_no_warning(show: Show, fields: dict[str, Any], after: str) -> None:
    assert show(fields, after=after, count=200).warnings == ()


def test_a_change_outside_the_shown_range_is_not_warned_of(show: Show) -> None:
    assert show({"type": "cron", "expression": "30 2 * * *"}, after="2027-03-20T12:00:00Z", count=3).warnings == ()


def test_the_parts_of_a_composite_warn_once_each(show: Show) -> None:
    nightly = {"type": "cron", "expression": "30 2 * * *"}
    either = {"type": "or", "triggers": [nightly, {"type": "cron", "expression": "0 2,3 * * *"}]}
    assert show(either, count=9).warnings == (
        "2027-03-28: 02:30 does not exist in Europe/Berlin, fires at 03:00",
        "2027-03-28: 02:00 does not exist in Europe/Berlin, fires at 03:00",
    )
    assert len(show({"type": "and", "triggers": [nightly, nightly]}).warnings) == 1
