from datetime import UTC, datetime, timedelta, timezone

import pytest

from schedulezero.runtime.clock import ManualClock, SystemClock, from_datetime, to_datetime

FAR = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2027, 3, 28, 1, 0, 0, 1, tzinfo=UTC),
        FAR,
    ],
)
def test_a_datetime_survives_the_round_trip_to_the_microsecond(moment: datetime) -> None:
    assert to_datetime(from_datetime(moment)) == moment


def test_every_microsecond_near_the_end_of_time_is_distinct() -> None:
    last = from_datetime(FAR)

    assert [to_datetime(last - back) for back in range(3)] == [FAR - timedelta(microseconds=back) for back in range(3)]


def test_a_datetime_of_another_zone_is_the_same_instant() -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert from_datetime(moment) == from_datetime(datetime(2026, 7, 1, 10, tzinfo=UTC))


def test_a_naive_datetime_names_no_instant() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        from_datetime(datetime(2026, 7, 1))


def test_the_system_clock_tells_the_time_of_the_machine() -> None:
    clock = SystemClock()

    before, now, after = datetime.now(UTC), to_datetime(clock.now()), datetime.now(UTC)

    assert before - timedelta(milliseconds=1) <= now <= after
    assert clock.monotonic() <= clock.monotonic()


def test_a_manual_clock_moves_both_times_only_when_advanced() -> None:
    clock = ManualClock(1_000)
    standing = (clock.now(), clock.monotonic(), clock.now())

    clock.advance(1.5)

    assert standing == (1_000, 0.0, 1_000)
    assert (clock.now(), clock.monotonic()) == (1_501_000, 1.5)


def test_a_manual_clock_does_not_drift_over_many_small_steps() -> None:
    clock = ManualClock(0)

    for _ in range(10_000):
        clock.advance(0.1)

    assert clock.now() == 1_000 * 1_000_000


def test_a_manual_clock_is_not_advanced_backward() -> None:
    with pytest.raises(ValueError, match="forward"):
        ManualClock(0).advance(-1)
