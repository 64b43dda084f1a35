"""A database that fails: whoever asked is told so, the scheduler reads its state anew, and no work is done twice."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from schedulezero.handler import Context, Handler
from schedulezero.protocol.commands import (
    Command,
    ExecutionList,
    ExecutionStatistics,
    HandlerGet,
    RunBatch,
    RunNow,
    ScheduleCreate,
    ScheduleGet,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.link.sockets import SILENCE_MS
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import RunRequest, ScheduleRequest
from schedulezero.scheduler.store import StoreUnavailable
from schedulezero.scheduler.store.reads import Reader
from schedulezero.testkit.disk import POISON, Disk, Failure, unavailable, unknown_and_lost, unknown_and_stored
from schedulezero.testkit.parts import Parts, running_parts
from schedulezero.testkit.waiting import becomes

KEY = "once"
FAILURES = [unavailable, unknown_and_lost, unknown_and_stored]


class Jobs:
    """A handler that counts its runs, and whose `hold` lasts until it is let go."""

    def __init__(self) -> None:
        self.handler = Handler("work")
        self.runs: Counter[str] = Counter()
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()
        for method in (self.noop, self.hold):
            self.handler.method(method)

    async def noop(self, ctx: Context, text: str = "") -> None:
        self.runs[ctx.execution_id] += 1

    async def hold(self, ctx: Context) -> str:
        self.runs[ctx.execution_id] += 1
        self.begun.set()
        await self.let_go.wait()
        return "held"


def with_work(directory: Path, test: Callable[[Parts, Jobs], Any]) -> None:
    """Run `test` with everything running and `work` served."""

    async def scenario() -> None:
        async with running_parts(directory) as parts:
            jobs = Jobs()
            await parts.serve(jobs.handler, "work-1")
            await asyncio.wait_for(test(parts, jobs), 30)

    asyncio.run(scenario())


async def refusal_of(parts: Parts, command: Command[Any]) -> Code:
    with pytest.raises(ScheduleZeroError) as refused:
        await parts.ask(command)
    return refused.value.code


def run_of(method: str = "noop", *, key: str | None = None, tags: tuple[str, ...] = ()) -> RunNow:
    return RunNow(run=RunRequest(handler_id="work", method_name=method, tags=tags), idempotency_key=key)


async def runs_again(parts: Parts) -> str:
    """Return the id of the first run that succeeds."""

    async def look() -> str | None:
        answer = await parts.run("work", "noop", wait_seconds=5)
        return answer.execution_id if answer.status == "success" else None

    return await becomes(look, what="a run after the reload")


def test_a_commit_that_stored_nothing_is_answered_unavailable_and_the_next_run_is_served(
    tmp_path: Path, disk: Disk
) -> None:
    async def test(parts: Parts, _jobs: Jobs) -> None:
        before = (await parts.ask(ExecutionStatistics())).total_executions
        disk.failures = [unavailable]

        assert await refusal_of(parts, run_of()) is Code.UNAVAILABLE

        await runs_again(parts)
        assert (await parts.ask(ExecutionStatistics())).total_executions == before + 1

    with_work(tmp_path, test)


def test_the_scheduler_tries_to_read_its_state_until_it_can(tmp_path: Path, disk: Disk) -> None:
    async def test(parts: Parts, _jobs: Jobs) -> None:
        for _ in range(3):
            disk.failures = [unavailable]
            await refusal_of(parts, run_of())
            await runs_again(parts)

    with_work(tmp_path, test)


@pytest.mark.parametrize("failure", [unknown_and_stored, unknown_and_lost])
def test_a_commit_of_unknown_outcome_is_asked_again_by_its_key_and_runs_once(
    tmp_path: Path, disk: Disk, failure: Failure
) -> None:
    async def test(parts: Parts, jobs: Jobs) -> None:
        disk.failures = [failure]

        assert await refusal_of(parts, run_of(key=KEY)) is Code.OUTCOME_UNKNOWN

        async def ask_again() -> str:
            return (await parts.ask(run_of(key=KEY))).execution_id

        id_ = await becomes(ask_again, what="the answer")
        assert (await parts.ended(id_)).status is Status.SUCCESS
        assert await ask_again() == id_
        tried = await parts.ask(ExecutionList())
        assert [one.execution_id for one in tried.records].count(id_) == jobs.runs[id_] == 1
        assert set(jobs.runs.values()) == {1}

    with_work(tmp_path, test)


@pytest.mark.parametrize("failure", FAILURES)
def test_work_that_goes_on_while_the_state_is_read_anew_is_adopted_and_not_doubled(
    tmp_path: Path, disk: Disk, failure: Failure
) -> None:
    async def test(parts: Parts, jobs: Jobs) -> None:
        held = (await parts.run("work", "hold")).execution_id
        await jobs.begun.wait()
        disk.failures = [failure]
        await refusal_of(parts, run_of())

        await runs_again(parts)
        jobs.let_go.set()

        record = await parts.ended(held)
        assert (record.status, record.attempt_number, bytes(record.result)) == (Status.SUCCESS, 1, b'"held"')
        assert jobs.runs[held] == 1

    with_work(tmp_path, test)


@pytest.mark.parametrize("failure", FAILURES)
def test_an_outcome_whose_commit_fails_is_kept_by_the_handler_and_told_again(
    tmp_path: Path, disk: Disk, failure: Failure
) -> None:
    async def test(parts: Parts, jobs: Jobs) -> None:
        held = (await parts.run("work", "hold")).execution_id
        await jobs.begun.wait()

        disk.failures = [failure]
        jobs.let_go.set()

        record = await parts.ended(held)
        assert disk.failures == []
        assert (record.status, record.attempt_number, bytes(record.result)) == (Status.SUCCESS, 1, b'"held"')
        assert jobs.runs[held] == 1

    with_work(tmp_path, test)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_fire_whose_commit_fails_is_decided_once(tmp_path: Path, disk: Disk, failure: Failure) -> None:
    async def test(parts: Parts, jobs: Jobs) -> None:
        schedule = ScheduleRequest(
            handler_id="work",
            method_name="noop",
            trigger_config=IntervalTrigger(seconds=1),
            schedule_id="s",
            overlap="allow",
            max_runs=2,
        )
        await parts.ask(ScheduleCreate(schedule=schedule))
        disk.failures = [failure]

        async def finished() -> bool:
            return (await parts.ask(ScheduleGet(schedule_id="s"))).state == "finished"

        await becomes(finished, what="both fires")
        assert disk.failures == []
        records = [one for one in (await parts.ask(ExecutionList())).records if one.schedule_id == "s"]
        assert len({one.scheduled_for for one in records}) == len(records) == 2
        for record in records:
            assert (await parts.ended(record.execution_id)).status is Status.SUCCESS
            assert jobs.runs[record.execution_id] == 1

    with_work(tmp_path, test)


def test_a_value_that_the_database_refuses_is_refused_alone(tmp_path: Path, disk: Disk) -> None:
    async def test(parts: Parts, jobs: Jobs) -> None:
        disk.block()
        first = asyncio.create_task(parts.ask(run_of()))
        poisoned = asyncio.create_task(refusal_of(parts, run_of(tags=(POISON,))))
        last = asyncio.create_task(parts.ask(run_of()))
        disk.unblock()

        assert await poisoned is Code.INVALID_VALUE
        accepted = [answer.execution_id for answer in await asyncio.gather(first, last, return_exceptions=False)]
        for id_ in accepted:
            assert (await parts.ended(id_)).status is Status.SUCCESS
        await runs_again(parts)
        tags = {tag for one in (await parts.ask(ExecutionList())).records for tag in one.tags}
        assert POISON not in tags
        assert set(jobs.runs.values()) == {1}

    with_work(tmp_path, test)


def test_beyond_a_bounded_backlog_commands_are_refused_and_all_that_was_accepted_is_done(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedulezero.scheduler.pipeline._MAX_BACKLOG", 20)

    async def test(parts: Parts, jobs: Jobs) -> None:
        disk.block()
        asked = [asyncio.create_task(parts.ask(run_of())) for _ in range(60)]

        refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert all(problem_of(one).retry_after for one in refused)
        disk.unblock()
        answers = await asyncio.gather(*asked, return_exceptions=True)

        accepted = [answer.execution_id for answer in answers if not isinstance(answer, BaseException)]
        codes = {answer.code for answer in answers if isinstance(answer, ScheduleZeroError)}
        assert (codes, len(accepted) >= 20) == ({Code.UNAVAILABLE}, True)
        for id_ in accepted:
            assert (await parts.ended(id_)).status is Status.SUCCESS
        assert [jobs.runs[id_] for id_ in accepted] == [1] * len(accepted)

    with_work(tmp_path, test)


def test_a_backlog_of_few_but_large_steps_is_bounded_too(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedulezero.scheduler.pipeline._MAX_BACKLOG_BYTES", 5_000_000)

    async def test(parts: Parts, _jobs: Jobs) -> None:
        disk.block()
        asked = [asyncio.create_task(parts.run("work", "noop", text="x" * 900_000)) for _ in range(20)]

        refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert all(problem_of(one).retry_after for one in refused)
        disk.unblock()
        answers = await asyncio.gather(*asked, return_exceptions=True)

        accepted = [answer for answer in answers if not isinstance(answer, BaseException)]
        assert 5 <= len(accepted) <= 8

    with_work(tmp_path, test)


def test_nobody_is_lost_while_the_writer_stalls(tmp_path: Path, disk: Disk) -> None:
    async def test(parts: Parts, jobs: Jobs) -> None:
        held = (await parts.run("work", "hold")).execution_id
        await jobs.begun.wait()
        disk.block()
        stalled = asyncio.create_task(parts.run("work", "noop", wait_seconds=20))

        since = await last_seen(parts)

        async def long_enough() -> bool:
            return (await last_seen(parts) - since).total_seconds() > SILENCE_MS / 1000 + 1

        await becomes(long_enough, what="heartbeats for longer than a silence")
        disk.unblock()
        jobs.let_go.set()

        assert (await stalled).status == "success"
        record = await parts.ended(held)
        assert (record.status, record.attempt_number, jobs.runs[held]) == (Status.SUCCESS, 1, 1)

    with_work(tmp_path, test)


def test_work_behind_the_window_is_done_although_reading_it_failed_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = Reader.pending, iter((1, 2))

    def fail_twice(self: Reader, handler_id: str, method_name: str, *, limit: int) -> Any:
        if next(failures, None) is not None:
            raise StoreUnavailable.because("a disk that is away")
        return read(self, handler_id, method_name, limit=limit)

    monkeypatch.setattr(Reader, "pending", fail_twice)

    async def test(parts: Parts, jobs: Jobs) -> None:
        run = run_of().run
        await parts.ask(SystemPause(reason="so that all of it waits"))
        batches = [await parts.ask(RunBatch(runs=(run,) * 1000)) for _ in range(6)]
        await parts.ask(SystemResume())
        accepted = [id_ for batch in batches for id_ in batch.execution_ids]

        async def all_ran() -> bool:
            return len(jobs.runs) >= len(accepted)

        await becomes(all_ran, within=60)

        assert next(failures, None) is None
        assert {jobs.runs[id_] for id_ in accepted} == {1}

    with_work(tmp_path, test)


async def last_seen(parts: Parts) -> datetime:
    handler = await parts.registry.call(HandlerGet(handler_id="work"))
    return handler.instances[0].last_seen


def problem_of(answer: "asyncio.Task[Any]") -> Any:
    error = answer.exception()
    assert isinstance(error, ScheduleZeroError)
    return error.problem
