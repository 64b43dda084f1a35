"""What is old is removed while the scheduler works, and many executions are changed at once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from schedulezero.handler import Handler
from schedulezero.protocol.commands import (
    ExecutionBulk,
    ExecutionClear,
    ExecutionErrors,
    ExecutionFilter,
    ExecutionList,
    ExecutionRetry,
    ExecutionStatistics,
    HandlerPause,
    RunBatch,
    RunNow,
    ScheduleCreate,
    SchedulePause,
)
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import RetryOptions, RunRequest, ScheduleRequest
from schedulezero.runtime.clock import SystemClock, to_datetime
from schedulezero.testkit.parts import Parts, running_parts
from schedulezero.testkit.waiting import becomes

NOOP = RunRequest(handler_id="work", method_name="noop")
MANY = 10_500


def with_work(directory: Path, test: Callable[[Parts, Any], Any]) -> None:
    """Run `test` with everything running and `work` served."""
    handler = Handler("work")

    @handler.method
    async def noop() -> None:
        """Succeed."""

    @handler.method
    async def fail() -> None:
        """Fail."""
        raise RuntimeError("as told")

    @handler.method
    async def hold() -> None:
        """Run until cancelled."""
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with running_parts(directory) as parts:
            await parts.serve(handler, "work-1")
            await asyncio.wait_for(test(parts, handler), 100)

    asyncio.run(scenario())


def later() -> Any:
    """Return an instant that all that has ended lies before."""
    return to_datetime(SystemClock().now()) + timedelta(hours=1)


async def run_many(parts: Parts, run: RunRequest, count: int) -> None:
    for begin in range(0, count, 500):
        await parts.ask(RunBatch(runs=(run,) * min(500, count - begin)))


async def count_of(parts: Parts, *statuses: Status) -> int:
    page = await parts.ask(ExecutionList(filter=ExecutionFilter(status=statuses), include_total=True, limit=1))
    assert isinstance(page.total, int)
    return page.total


def test_a_skip_that_is_still_extended_is_spared_when_everything_is_cleared(tmp_path: Path) -> None:
    async def test(parts: Parts, _handler: Handler) -> None:
        schedule = ScheduleRequest(
            handler_id="work", method_name="hold", trigger_config=IntervalTrigger(seconds=1), schedule_id="s"
        )
        await parts.ask(ScheduleCreate(schedule=schedule))

        async def skipped() -> Any:
            records = (await parts.ask(ExecutionList(filter=ExecutionFilter(schedule_id="s")))).records
            return next((one for one in records if one.status is Status.SKIPPED), None)

        first = await becomes(skipped, what="a skip")
        await parts.ask(ExecutionClear(before=later()))

        async def extended() -> bool:
            row = await skipped()
            return row is not None and row.covers is not None and row.covers.count >= 2

        await becomes(extended, what="the skip extended")
        assert (await skipped()).execution_id == first.execution_id
        await parts.ask(SchedulePause(schedule_id="s"))

    with_work(tmp_path, test)


def test_everything_that_has_ended_is_cleared_and_what_waits_stays(tmp_path: Path) -> None:
    async def test(parts: Parts, _handler: Handler) -> None:
        await run_many(parts, NOOP, 1_200)

        async def all_ended() -> bool:
            return await count_of(parts, Status.PENDING, Status.RUNNING) == 0

        await becomes(all_ended, within=60)
        await parts.ask(HandlerPause(handler_id="work"))
        await run_many(parts, NOOP, 3)

        cleared = await parts.ask(ExecutionClear(before=later()))

        assert cleared.records_cleared >= 1_200
        assert (await parts.ask(ExecutionStatistics())).total_executions == 3

    with_work(tmp_path, test)


def test_more_than_ten_thousand_are_cancelled_and_run_again_in_bulk_and_not_twice(tmp_path: Path) -> None:
    async def test(parts: Parts, _handler: Handler) -> None:
        await parts.ask(HandlerPause(handler_id="work"))
        await run_many(parts, NOOP, MANY)

        cancelled = await parts.ask(ExecutionBulk(action="cancel", filter=ExecutionFilter(handler_id="work")))
        again = ExecutionBulk(action="retry", filter=ExecutionFilter(status=(Status.CANCELLED,)))
        retried = await parts.ask(again)
        twice = await parts.ask(again)

        assert (cancelled.matched, cancelled.done) == (MANY, MANY)
        assert (retried.matched, retried.done) == (MANY, MANY)
        assert (twice.matched, twice.done) == (0, 0)
        assert await count_of(parts, Status.PENDING) == MANY

    with_work(tmp_path, test)


def test_a_dead_letter_that_was_run_again_by_hand_is_left_out_of_bulk(tmp_path: Path) -> None:
    async def test(parts: Parts, _handler: Handler) -> None:
        run = RunRequest(handler_id="work", method_name="fail", retry=RetryOptions(max_attempts=1))
        ended = [await parts.ask(RunNow(run=run, wait_seconds=10)) for _ in range(3)]
        assert {one.status for one in ended} == {"error"}
        await parts.ask(ExecutionRetry(execution_id=ended[0].execution_id))
        letters = {one.execution_id for one in (await parts.ask(ExecutionErrors())).records}
        until = (await parts.execution(ended[2].execution_id)).created_at + timedelta(microseconds=1)

        dead = ExecutionFilter(status=(Status.ERROR,), until=until)
        answer = await parts.ask(ExecutionBulk(action="retry", filter=dead))

        assert letters >= {one.execution_id for one in ended}
        assert (answer.matched, answer.done) == (2, 2)

    with_work(tmp_path, test)
