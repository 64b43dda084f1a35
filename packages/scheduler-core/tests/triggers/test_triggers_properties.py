"""Properties that hold for every trigger, and crons against a scan of every minute around clock changes."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.scheduler.core.triggers import Trigger, anchor
from schedulezero.scheduler.core.triggers.calendar_interval import CalendarSteps

At = Callable[[str], int]
Make = Callable[..., Trigger]

few = settings(deadline=None, max_examples=60, database=None)
many = settings(deadline=None, max_examples=120, database=None)

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHANGES = [
    ("Europe/Berlin", "2027-03-28T01:00"),
    ("Europe/Berlin", "2027-10-31T01:00"),
    ("Europe/Dublin", "2027-03-28T01:00"),
    ("Europe/Dublin", "2027-10-31T01:00"),
    ("America/New_York", "2027-03-14T07:00"),
    ("America/New_York", "2027-11-07T06:00"),
    ("Australia/Lord_Howe", "2027-10-02T15:30"),
    ("Australia/Lord_Howe", "2027-04-03T15:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("America/Sao_Paulo", "2018-02-18T02:00"),
    ("Asia/Kathmandu", "2027-03-28T01:00"),
]


# --- crons against a scan -------------------------------------------------------------------------------------------


@cache
def minutes_around(zone: str, change: str) -> list[tuple[datetime, datetime]]:
    """Every minute of the four days around a change, with the local time then."""
    middle = datetime.fromisoformat(change).replace(tzinfo=UTC)
    instants = (middle + MINUTE * offset for offset in range(-2 * 1440, 2 * 1440))
    return [(instant, instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for instant in instants]


def scanned(
    minutes: list[tuple[datetime, datetime]], matches: Callable[[datetime], bool], *, every_hour: bool, twice: bool
) -> list[datetime]:
    """The fires among `minutes`, found by looking at each of them and at each one that the clock left out."""
    fires: list[datetime] = []
    seen: set[datetime] = set()
    previous = minutes[0][1] - MINUTE
    for instant, local in minutes:
        left_out = (previous + MINUTE * n for n in range(1, max(1, (local - previous) // MINUTE)))
        made_up = not every_hour and any(matches(skipped) for skipped in left_out)
        if made_up or (matches(local) and (twice or local not in seen)):
            fires.append(instant)
        seen.add(local)
        previous = local
    return fires


def joined(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


minute_texts = st.one_of(
    st.sets(st.integers(0, 59), min_size=1, max_size=4).map(lambda chosen: (joined(chosen), chosen, False)),
    st.just(("*", set(range(60)), True)),
    st.just(("0-59", set(range(60)), False)),
    st.integers(1, 59).map(lambda step: (f"*/{step}", set(range(0, 60, step)), True)),
    st.integers(1, 30).map(lambda step: (f"10-40/{step}", set(range(10, 41, step)), True)),
)
hour_texts = st.one_of(
    st.sets(st.integers(0, 4), min_size=1, max_size=4).map(lambda chosen: (joined(chosen), chosen)),
    st.sets(st.integers(0, 23), min_size=1, max_size=24).map(lambda chosen: (joined(chosen), chosen)),
    st.just(("*", set(range(24)))),
    st.just(("0-23", set(range(24)))),
    st.integers(2, 12).map(lambda step: (f"*/{step}", set(range(0, 24, step)))),
    st.sampled_from([("0,23", {0, 23}), ("22-23", {22, 23})]),
)
weekday_texts = st.one_of(
    st.just(("*", set(range(7)))),
    st.sets(st.integers(0, 6), min_size=1, max_size=6).map(lambda chosen: (joined(chosen), chosen)),
)
day_texts = st.one_of(
    st.just(("*", set(range(1, 32)))),
    st.sets(st.integers(1, 31), min_size=8, max_size=30).map(lambda chosen: (joined(chosen), chosen)),
)


@many
@given(st.sampled_from(CHANGES), minute_texts, hour_texts, day_texts, weekday_texts)
def test_a_cron_fires_at_the_minutes_that_a_scan_finds(
    trigger: Make,
    change: tuple[str, str],
    minute: tuple[str, set[int], bool],
    hour: tuple[str, set[int]],
    day: tuple[str, set[int]],
    weekday: tuple[str, set[int]],
) -> None:
    def matches(local: datetime) -> bool:
        by_day, by_weekday = local.day in day[1], local.isoweekday() % 7 in weekday[1]
        either = day[0] != "*" and weekday[0] != "*"
        return (
            local.minute in minute[1]
            and local.hour in hour[1]
            and ((by_day or by_weekday) if either else (by_day and by_weekday))
        )

    every_hour = hour[1] == set(range(24))
    minutes = minutes_around(*change)
    expected = scanned(minutes, matches, every_hour=every_hour, twice=every_hour or minute[2])
    expression = f"{minute[0]} {hour[0]} {day[0]} * {weekday[0]}"
    made = trigger({"type": "cron", "expression": expression, "timezone": change[0]}, created=minutes[0][0].isoformat())

    found = takewhile(lambda fire: fire <= minutes[-1][0], walk(made, instant(minutes[0][0]) - 1))
    assert list(found) == expected
    for moment in expected[:5] + expected[-5:]:
        assert made.latest(0, instant(moment) + 1) == instant(moment)


def instant(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def walk(made: Trigger, after: int) -> Any:
    while (fire := made.next(after)) is not None:
        yield EPOCH + timedelta(microseconds=fire)
        after = fire


# --- every kind of trigger ------------------------------------------------------------------------------------------

crons = st.sampled_from(
    [
        "*/15 * * * *",
        "*/7 1-3 * * *",
        "30 2 * * *",
        "* * * * * *",
        "*/20 30 2 * * *",
        "0 0 1 * *",
        "0 12 13 * fri#2,mon",
        "0 0 L 2 *",
        "59 23 31 12 *",
    ]
).map(lambda text: {"type": "cron", "expression": text})
intervals = st.builds(
    lambda seconds: {"type": "interval", "seconds": seconds},
    st.one_of(st.integers(1, 10**6), st.floats(0.5, 1000, allow_nan=False)),
)
calendars = st.fixed_dictionaries(
    {
        "type": st.just("calendarinterval"),
        "months": st.integers(0, 3),
        "days": st.integers(1, 40),
        "hour": st.integers(0, 3),
        "minute": st.sampled_from([0, 30]),
    }
)
dates = st.builds(
    lambda day: {"type": "date", "run_date": f"2027-{day:%m-%dT%H:%M:%S}"},
    st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 31)),
)
simple = st.one_of(crons, intervals, calendars, dates)
composites = st.builds(
    lambda kind, parts: {"type": kind, "triggers": parts},
    st.sampled_from(["and", "or"]),
    st.lists(simple, min_size=1, max_size=3),
)
configs = st.one_of(simple, composites)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
moments = st.datetimes(datetime(2026, 12, 25), datetime(2027, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC))


@many
@given(configs, zones, moments)
def test_fires_are_strictly_later_and_strictly_increasing(
    trigger: Make, fields: dict[str, Any], zone: str, after: datetime
) -> None:
    made = trigger(fields, created="2026-12-25T00:00:00Z", timezone=zone)
    fires = [instant(fire) for fire in islice(walk(made, instant(after)), 10)]
    assert all(earlier < later for earlier, later in zip([instant(after), *fires], fires, strict=False))
    upcoming = made.upcoming(instant(after), 10)
    # The search of an `and` is bounded as a whole there, and fire by fire in the walk.
    assert upcoming == (fires[: len(upcoming)] if fields["type"] == "and" else fires)
    assert all(made.next(fire - 1) == fire for fire in fires)


@many
@given(configs, zones, moments, st.integers(0, 6), st.integers(0, 12))
def test_searching_back_and_counting_agree_with_walking(
    trigger: Make, fields: dict[str, Any], zone: str, after: datetime, n: int, past: int
) -> None:
    made = trigger(fields, created="2026-12-25T00:00:00Z", timezone=zone)
    start = instant(after)
    fires = made.upcoming(start, 12)
    until = fires[min(past, len(fires) - 1)] if fires else start + 10**12
    walked = [fire for fire in fires if fire <= until]

    counted, exact = made.count(start, until)
    assert counted == len(walked)
    assert exact or (fields["type"] == "and" and not fires), (
        "only the search for a meeting that never comes is given up"
    )
    assert made.latest(start, until) == (walked[-1] if walked else None)
    assert made.newest(start, until, n) == walked[max(0, len(walked) - n) :]
    if walked:
        assert made.latest(start, until - 1) == (walked[-2] if len(walked) > 1 else None)
        assert made.latest(start, start) is None


@few
@given(configs, zones, moments)
def test_anchoring_twice_is_anchoring_once(
    config: Callable[[dict[str, Any]], TriggerConfig], fields: dict[str, Any], zone: str, created: datetime
) -> None:
    once = anchor(config(fields), created=instant(created), timezone=zone)
    assert anchor(once, created=instant(created) + 10**9, timezone="Asia/Tokyo") == once


def test_a_count_that_is_not_exact_says_so(trigger: Make, at: At) -> None:
    minutely = trigger({"type": "cron", "expression": "* * * * *"})
    day = (at("2027-01-01T00:00:00Z"), at("2027-01-02T00:00:00Z"))
    assert minutely.count(*day) == (1440, True)
    assert minutely.count(*day, limit=1440) == (1440, True)
    assert minutely.count(*day, limit=1439) == (1439, False)


def test_triggers_answer_at_the_ends_of_time(trigger: Make, at: At) -> None:
    ends = (at("0001-01-01T00:00:00Z"), 0, at("9999-12-31T23:59:59.999999Z"))
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        hourly = trigger({"type": "cron", "hour": "*", "timezone": zone})
        assert hourly.next(ends[0]) is not None
        assert hourly.next(ends[2]) is None
        assert hourly.next(ends[2] - 10**6) is None
        assert hourly.latest(ends[0], ends[2]) is not None


@few
@given(
    st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    st.integers(0, 30),
    st.integers(0, 60),
    st.dates(date(2024, 1, 1), date(2060, 1, 1)),
)
def test_calendar_steps_are_those_of_apscheduler(start: date, months: int, days: int, since: date) -> None:
    days = days or (0 if months else 1)
    theirs = CalendarIntervalTrigger(months=months, days=days, start_date=start, timezone=UTC)
    stepped = (theirs.next() for _ in range(60_000))
    expected = list(islice((fire.date() for fire in stepped if fire and fire.date() >= since), 5))
    assert list(islice(CalendarSteps(start=start, months=months, days=days).since(since), 5)) == expected


def test_a_walk_in_another_thread_does_not_disturb_the_next_fire(trigger: Make, at: At) -> None:
    minutely = trigger({"type": "cron", "expression": "*/5 * * * *"})
    start, end = at("2027-01-01T00:00:00Z"), at("2027-01-15T00:00:00Z")
    counts: list[tuple[int, bool]] = []
    walkers = [threading.Thread(target=lambda: counts.append(minutely.count(start, end))) for _ in range(3)]
    for walker in walkers:
        walker.start()
    while any(walker.is_alive() for walker in walkers):
        assert minutely.next(at("2030-06-01T00:00:00Z")) == at("2030-06-01T00:05:00Z")
    for walker in walkers:
        walker.join(timeout=10)
    assert counts == [(4032, True)] * 3
