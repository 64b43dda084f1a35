"""What a scheduler sees of a clock that was stepped, and of a time in which it stood still."""

import pytest

from schedulezero.runtime.clock import ManualClock
from schedulezero.scheduler.clock_watch import ClockWatch
from schedulezero.scheduler.core.inputs import TimeLeapt
from schedulezero.scheduler.core.model import SECOND

HOUR = 3_600 * SECOND


class SteppedClock(ManualClock):
    """A manual clock whose wall time is stepped, and that may pass between two readings of one look."""

    stepped = 0
    pause_seconds = 0.0

    def now(self) -> int:
        pause, self.pause_seconds = self.pause_seconds, 0.0
        now = super().now() + self.stepped
        self.advance(pause)
        return now


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(1_800_000_000 * SECOND)


@pytest.fixture
def watch(clock: SteppedClock) -> ClockWatch:
    return ClockWatch(clock)


@pytest.mark.parametrize("by", [HOUR, -HOUR, SECOND, -SECOND])
def test_a_wall_clock_that_gains_or_loses_on_the_monotonic_one_was_stepped(
    clock: SteppedClock, watch: ClockWatch, by: int
) -> None:
    clock.advance(1)
    clock.stepped += by
    assert watch.look() == TimeLeapt(stepped=by)


def test_a_step_is_seen_once(clock: SteppedClock, watch: ClockWatch) -> None:
    clock.stepped += HOUR
    assert watch.look() is not None
    clock.advance(1)
    assert watch.look() is None


def test_a_clock_that_is_slewed_was_not_stepped(clock: SteppedClock, watch: ClockWatch) -> None:
    for _ in range(100):
        clock.advance(1)
        clock.stepped += SECOND // 10
        assert watch.look() is None


def test_a_scheduler_that_has_not_looked_for_long_stood_still(clock: SteppedClock, watch: ClockWatch) -> None:
    clock.advance(4.9)
    assert watch.look() is None
    clock.advance(10)
    assert watch.look() == TimeLeapt(stood=10 * SECOND)


def test_a_machine_that_was_suspended_with_its_monotonic_clock_was_stepped(
    clock: SteppedClock, watch: ClockWatch
) -> None:
    clock.advance(6)
    clock.stepped += HOUR
    assert watch.look() == TimeLeapt(stood=6 * SECOND, stepped=HOUR)


def test_standing_still_between_the_two_clocks_is_no_step(clock: SteppedClock, watch: ClockWatch) -> None:
    clock.pause_seconds = 10
    assert watch.look() is None
    assert watch.look() == TimeLeapt(stood=10 * SECOND)


def test_what_was_before_the_beginning_does_not_count(clock: SteppedClock, watch: ClockWatch) -> None:
    clock.advance(60)
    clock.stepped += HOUR
    watch.begin()
    assert watch.look() is None
