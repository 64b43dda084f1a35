"""Background loops: their rounds, their failures, their end."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.runtime.metrics import LoopMetrics
from schedulezero.runtime.service import Backoff, FatalError, Loops, supervise

QUICK = Backoff(first=0.001, most=0.002, rng=random.Random(1))


@dataclass
class Counted:
    """A loop that calls `round` with the number of each round, from 1."""

    round: Callable[[int], object]
    interval: float = 0.0
    name: str = "counted"
    rounds: int = field(default=0, init=False)

    async def run_once(self) -> None:
        self.rounds += 1
        self.round(self.rounds)


def metrics() -> LoopMetrics:
    return LoopMetrics.on(CollectorRegistry())


def supervised(loop: Counted, stop: asyncio.Event, counted: LoopMetrics | None = None) -> None:
    asyncio.run(asyncio.wait_for(supervise(loop, stop, metrics=counted or metrics(), backoff=QUICK), 10))


def test_rounds_go_on_until_stopped() -> None:
    stop = asyncio.Event()
    loop = Counted(lambda number: stop.set() if number == 5 else None)

    supervised(loop, stop)

    assert loop.rounds == 5


def test_the_pause_between_rounds_ends_at_once_when_stopped() -> None:
    stop = asyncio.Event()
    loop = Counted(lambda _: asyncio.get_running_loop().call_soon(stop.set), interval=3_600)

    supervised(loop, stop)

    assert loop.rounds == 1


def test_a_failed_round_is_logged_counted_and_tried_again() -> None:
    stop, counted = asyncio.Event(), metrics()

    def round_(number: int) -> None:
        if number <= 2:
            raise OSError("disk full")
        stop.set()

    loop = Counted(round_, name="cleaner")
    with capture_logs() as logs:
        supervised(loop, stop, counted)

    assert loop.rounds == 3
    assert [(line["event"], line["loop"], line["failures"]) for line in logs] == [
        ("loop.failed", "cleaner", 1),
        ("loop.failed", "cleaner", 2),
    ]
    (family,) = counted.failures.collect()
    assert [s.value for s in family.samples if s.name == "schedulezero_loop_failures_total"] == [2.0]


def test_only_an_error_that_is_not_our_own_is_logged_with_its_traceback() -> None:
    stop = asyncio.Event()

    def round_(number: int) -> None:
        if number == 1:
            raise ScheduleZeroError.of(Code.UNAVAILABLE, "the disk is full")
        if number == 2:
            raise OSError("disk full")
        stop.set()

    with capture_logs() as logs:
        supervised(Counted(round_), stop)

    assert [(line["log_level"], line["error"], "exc_info" in line) for line in logs] == [
        ("warning", "the disk is full", False),
        ("error", "disk full", True),
    ]


def test_a_success_begins_the_count_of_failures_anew() -> None:
    stop = asyncio.Event()

    def round_(number: int) -> None:
        if number == 4:
            stop.set()
        elif number != 2:
            raise OSError("disk full")

    with capture_logs() as logs:
        supervised(Counted(round_), stop)

    assert [line["failures"] for line in logs] == [1, 1]


def test_waits_grow_to_a_most_and_are_spread() -> None:
    backoff = Backoff(first=1, factor=2, most=60, rng=random.Random(7))

    waits = {failures: [backoff.seconds(failures) for _ in range(200)] for failures in (1, 3, 10, 100_000)}

    for failures, nominal in ((1, 1), (3, 4), (10, 60), (100_000, 60)):
        assert all(0.5 * nominal <= wait <= 1.5 * nominal for wait in waits[failures])
        assert max(waits[failures]) - min(waits[failures]) > 0.5 * nominal


def test_stopping_lets_the_round_under_way_finish() -> None:
    async def scenario() -> list[str]:
        journal: list[str] = []
        begun, may_end = asyncio.Event(), asyncio.Event()

        class Slow:
            name = "slow"
            interval = 0.0

            async def run_once(self) -> None:
                begun.set()
                await may_end.wait()
                journal.append("finished")

        loops = Loops(metrics=metrics())
        loops.start(Slow())
        await begun.wait()
        stopping = asyncio.create_task(loops.stop())
        asyncio.get_running_loop().call_soon(may_end.set)
        await stopping
        return journal

    assert asyncio.run(asyncio.wait_for(scenario(), 10)) == ["finished"]


def test_a_stop_that_is_cancelled_cuts_the_round_off() -> None:
    async def scenario() -> bool:
        begun, cut = asyncio.Event(), asyncio.Event()

        class Endless:
            name = "endless"
            interval = 0.0

            async def run_once(self) -> None:
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    cut.set()

        loops = Loops(metrics=metrics())
        loops.start(Endless())
        await begun.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loops.stop(), 0.01)
        return cut.is_set()

    assert asyncio.run(asyncio.wait_for(scenario(), 10))


def fatal(_: int) -> None:
    raise FatalError("another process owns the file")


def cancelled(_: int) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("round_", "message"), [(fatal, "another process owns the file"), (cancelled, "the loop counted was cancelled")]
)
def test_a_loop_that_cannot_go_on_is_told_to_whoever_waits(round_: Callable[[int], object], message: str) -> None:
    async def scenario() -> None:
        loops = Loops(metrics=metrics())
        loops.start(Counted(lambda _: None, interval=3_600, name="well"))
        loops.start(Counted(round_))
        try:
            await loops.wait_failed()
        finally:
            await loops.stop()

    with pytest.raises(FatalError, match=message):
        asyncio.run(asyncio.wait_for(scenario(), 10))


def test_giving_up_the_wait_for_failures_leaves_the_loops_running() -> None:
    async def scenario() -> tuple[int, int]:
        again = asyncio.Event()
        loop = Counted(lambda _: again.set())
        loops = Loops(metrics=metrics())
        loops.start(loop)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loops.wait_failed(), 0.01)
        before = loop.rounds
        again.clear()
        await again.wait()
        await loops.stop()
        return before, loop.rounds

    before, after = asyncio.run(asyncio.wait_for(scenario(), 10))
    assert after > before


def test_a_failure_in_the_last_round_is_raised_by_stop() -> None:
    async def scenario() -> None:
        begun, may_end = asyncio.Event(), asyncio.Event()

        class Last:
            name = "last"
            interval = 0.0

            async def run_once(self) -> None:
                begun.set()
                await may_end.wait()
                raise FatalError("too late to go on")

        loops = Loops(metrics=metrics())
        loops.start(Last())
        await begun.wait()
        asyncio.get_running_loop().call_soon(may_end.set)
        await loops.stop()

    with pytest.raises(FatalError, match="too late"):
        asyncio.run(asyncio.wait_for(scenario(), 10))
