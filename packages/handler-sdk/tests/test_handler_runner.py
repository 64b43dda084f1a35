"""What becomes of jobs: on the loop, in threads, in processes; through the engine, with no socket."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from schedulezero.handler import Context, Fail, Handler, Retry
from schedulezero.handler.engine import Engine
from schedulezero.handler.outcomes import MAX_TRACEBACK_BYTES, Work
from schedulezero.handler.processes import Assignment, Processes
from schedulezero.handler.session import Session
from schedulezero.handler.testing import Line, Ran, run, run_async
from schedulezero.protocol.handling import Cancel, Execute, FromInstance, Outcome

WAIT_SECONDS = 20
PROCESS_JOBS = """
import os, sys, time
from schedulezero.handler import Context, Handler

handler = Handler("p")

@handler.method(process=True)
def add(a: int, b: int = 1) -> int:
    return a + b

@handler.method(process=True)
def which() -> int:
    return os.getpid()

@handler.method(process=True)
def speak(ctx: Context) -> int:
    ctx.log.info("from afar", pid_differs=True)
    return ctx.attempt

@handler.method(process=True)
def crash() -> None:
    os._exit(7)

@handler.method(process=True)
def leave() -> None:
    sys.exit("gone")

@handler.method(process=True)
def spin(ctx: Context) -> None:
    ctx.log.info("spinning")
    while True:
        time.sleep(60)
"""


def offered(function: Any) -> Handler:
    """A handler that offers `function` as m, and a quick method that answers `here`."""
    handler = Handler("h")
    handler.method(name="m")(function)
    handler.method(name="quick")(lambda: "here")
    return handler


class Bench:
    """An engine, and what it has sent, to be waited for."""

    def __init__(self, handler: Handler, capacity: int = 2) -> None:
        specs = {name: method.spec for name, method in handler.methods.items()}
        session = Session(instance_id="i", boot_id="b", capacity=capacity, methods=specs)
        self.engine = Engine(session, handler.methods, self._send, lambda: datetime.now(UTC))
        self.parcels: list[Sequence[FromInstance]] = []
        self._sent = asyncio.Condition()

    def execute(self, id_: str, method: str = "m", claim: int = 1, params: bytes = b"{}", **more: Any) -> None:
        work = Execute(
            execution_id=id_,
            attempt=claim,
            claim=claim,
            boot_id="b",
            shard=7,
            epoch=1,
            method=method,
            params=Raw(params),
            idempotency_key=id_,
            **more,
        )
        self.engine.receive([(b"peer", [work])])

    def cancel(self, id_: str) -> None:
        self.engine.receive([(b"peer", [Cancel(execution_id=id_, attempt=1, claim=1)])])

    async def outcomes(self, count: int) -> list[Outcome]:
        while len(found := [m for parcel in self.parcels for m in parcel if isinstance(m, Outcome)]) < count:
            await self._next()
        return found

    async def _next(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS), self._sent:
            await self._sent.wait()

    def _send(self, _peer: bytes, messages: Sequence[FromInstance]) -> bool:
        self.parcels.append(messages)
        self._notified = asyncio.ensure_future(self._notify())
        return True

    async def _notify(self) -> None:
        async with self._sent:
            self._sent.notify_all()


def kinds(body: Any) -> list[Any]:
    """The same job as a sync and as an async function."""

    async def asynchronous() -> Any:
        return body()

    return [pytest.param(body, id="thread"), pytest.param(asynchronous, id="loop")]


def raising(error: BaseException) -> Any:
    def body() -> None:
        raise error.with_traceback(None)

    return body


# -- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", kinds(lambda: {"rows": [1, None]}))
def test_a_result_is_carried_as_json(job: Any) -> None:
    assert run(offered(job), "m") == Ran(
        status="success", result={"rows": [1, None]}, error=None, final=False, retry_after_seconds=None, lines=()
    )


@pytest.mark.parametrize("job", kinds(raising(ValueError("no such order"))))
def test_an_exception_is_an_error_with_the_traceback_of_the_job_alone(job: Any) -> None:
    ran = run(offered(job), "m")

    assert (ran.status, ran.final) == ("error", False)
    assert ran.error is not None
    assert (ran.error.type, ran.error.message) == ("ValueError", "no such order")
    assert ran.error.traceback is not None
    assert "test_handler_runner.py" in ran.error.traceback
    assert 'runner.py", line' not in ran.error.traceback.replace("test_handler_runner", "")


@pytest.mark.parametrize(
    "job",
    [
        *kinds(raising(SystemExit(3))),
        *kinds(raising(KeyboardInterrupt())),
        *kinds(raising(asyncio.CancelledError())),
        *kinds(raising(GeneratorExit())),
        *kinds(raising(StopIteration())),
    ],
)
def test_what_would_end_a_process_or_a_task_is_the_error_of_the_job(job: Any) -> None:
    ran = run(offered(job), "m")

    assert ran.status == "error"
    assert ran.error is not None


def test_a_retry_carries_its_delay_and_a_fail_is_final() -> None:
    later = run(offered(raising(Retry("busy", after=2.5))), "m")
    never = run(offered(raising(Fail("no such order"))), "m")

    assert (later.status, later.retry_after_seconds, later.final) == ("error", 2.5, False)
    assert (never.status, never.retry_after_seconds, never.final) == ("error", None, True)


@pytest.mark.parametrize(
    ("result", "type_", "message"),
    [
        ("x" * 1024 * 1024, "ResultTooLarge", "1048578 bytes of JSON, the most is 1048576"),
        (object(), "ResultNotEncodable", "a object, has no JSON form"),
        ("\ud800", "ResultNotEncodable", "a str, has no JSON form"),
    ],
)
def test_a_result_that_cannot_be_carried_is_a_final_error(result: Any, type_: str, message: str) -> None:
    ran = run(offered(lambda: result), "m")

    assert (ran.status, ran.final, ran.result) == ("error", True, None)
    assert ran.error is not None
    assert ran.error.type == type_
    assert message in ran.error.message


def test_params_that_do_not_fit_are_a_final_error_with_the_field() -> None:
    def job(n: int) -> None: ...

    ran = run(offered(job), "m", {"n": "one"})

    assert (ran.status, ran.final) == ("error", True)
    assert ran.error is not None
    assert (ran.error.type, ran.error.message) == ("InvalidParams", "job_params: n: expected integer, got string")
    assert ran.error.traceback is None


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("error", [Mute(), ValueError("\ud800"), ValueError("x" * 10_000_000)])
def test_whatever_text_an_exception_has_it_can_travel_and_is_bounded(error: Exception) -> None:
    ran = run(offered(raising(error)), "m")

    assert ran.error is not None
    assert len(msgspec.json.encode(ran.error)) < 4 * MAX_TRACEBACK_BYTES


def test_a_long_traceback_keeps_its_end() -> None:
    def job() -> None:
        raise ValueError("at the bottom") from ValueError("x" * 100_000)

    ran = run(offered(job), "m")

    assert ran.error is not None
    assert ran.error.traceback is not None
    assert ran.error.traceback.endswith("ValueError: at the bottom\n")
    assert len(ran.error.traceback.encode()) <= MAX_TRACEBACK_BYTES + 20


def test_the_context_and_params_come_as_declared_and_lines_are_collected() -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)

    def job(ctx: Context, name: str, n: int = 2) -> list[Any]:
        ctx.log.info("began", name=name)
        return [ctx.attempt, ctx.max_attempts, ctx.schedule_id, str(ctx.scheduled_for), n]

    ran = run(offered(job), "m", {"name": "x"}, attempt=2, max_attempts=3, schedule_id="nightly", scheduled_for=when)

    assert ran.result == [2, 3, "nightly", str(when), 2]
    assert ran.lines == (Line(level="info", event="began", fields={"name": "x"}),)


def test_an_unknown_method_is_named_with_those_there_are() -> None:
    with pytest.raises(LookupError, match="handler h offers m, quick, not n"):
        run(offered(lambda: None), "n")


# -- timeouts and cancellation ----------------------------------------------------------------------------------------


def test_an_async_job_is_cancelled_at_its_timeout() -> None:
    cancelled = []

    async def job(ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(ctx.cancelled)

    ran = run(offered(job), "m", timeout_seconds=0.01)

    assert ran.status == "timeout"
    assert ran.error is not None
    assert ran.error.message == "the attempt has not ended within its 0.01 s"
    assert cancelled == [True]


def test_a_thread_is_told_of_its_timeout_and_keeps_its_slot_until_it_ends() -> None:
    release = threading.Event()

    def stuck(ctx: Context) -> bool:
        release.wait(WAIT_SECONDS)
        seen.append(ctx.cancelled)
        return True

    seen: list[bool] = []

    async def scenario() -> None:
        bench = Bench(offered(stuck), capacity=1)
        bench.execute("stuck", timeout_seconds=0.01)
        bench.execute("next")
        (timeout,) = await bench.outcomes(1)
        assert (timeout.execution_id, timeout.status) == ("stuck", "timeout")
        assert bench.engine.session.running == 1
        release.set()
        (_, success) = await bench.outcomes(2)
        assert (success.execution_id, success.status) == ("next", "success")
        await bench.engine.close()

    asyncio.run(scenario())
    assert seen == [True, False]


def test_a_cancelled_job_says_so_and_frees_its_slot_when_it_has_ended() -> None:
    async def job() -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        bench = Bench(offered(job), capacity=1)
        bench.execute("e1")
        bench.execute("next", "quick")
        bench.cancel("e1")
        assert [outcome.status for outcome in await bench.outcomes(2)] == ["cancelled", "success"]
        await bench.engine.close()

    asyncio.run(scenario())


def test_a_job_that_will_not_be_cancelled_is_given_up_and_its_result_dropped() -> None:
    async def scenario() -> None:
        release = asyncio.Event()

        async def stubborn() -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await release.wait()
            return "all the same"

        bench = Bench(offered(stubborn), capacity=1)
        bench.execute("e1")
        bench.execute("next", "quick")
        bench.cancel("e1")
        await bench.outcomes(1)
        assert bench.engine.session.running == 1
        release.set()
        told = [(outcome.execution_id, outcome.status) for outcome in await bench.outcomes(2)]
        assert told == [("e1", "cancelled"), ("next", "success")]
        await bench.engine.close()

    asyncio.run(scenario())


def test_a_newer_claim_runs_after_the_older_was_stopped() -> None:
    async def job(ctx: Context) -> int:
        if ctx.attempt == 1:
            await asyncio.Event().wait()
        return ctx.attempt

    async def scenario() -> None:
        bench = Bench(offered(job))
        bench.execute("e1", claim=1)
        bench.execute("e1", claim=2)
        (outcome,) = await bench.outcomes(1)
        assert (outcome.claim, outcome.status, bytes(outcome.result)) == (2, "success", b"2")
        await bench.engine.close()

    asyncio.run(scenario())


# -- the loop ---------------------------------------------------------------------------------------------------------


def test_a_blocking_sync_job_does_not_block_the_loop() -> None:
    release = threading.Event()
    handler = offered(lambda: release.wait(WAIT_SECONDS))

    @handler.method
    async def unblock() -> None:
        release.set()

    async def scenario() -> None:
        bench = Bench(handler)
        bench.execute("blocked")
        bench.execute("unblocks", "unblock")
        told = {outcome.execution_id: bytes(outcome.result) for outcome in await bench.outcomes(2)}
        assert told == {"unblocks": b"null", "blocked": b"true"}
        await bench.engine.close()

    asyncio.run(scenario())


def test_jobs_that_end_together_are_told_in_one_parcel() -> None:
    async def job() -> None: ...

    async def scenario() -> None:
        bench = Bench(offered(job), capacity=50)
        for n in range(50):
            bench.execute(f"e{n}")
        await bench.outcomes(50)
        assert len(bench.parcels) == 1
        await bench.engine.close()

    asyncio.run(scenario())


def test_sync_jobs_run_at_the_same_time_up_to_the_capacity() -> None:
    meet = threading.Barrier(4)
    handler = offered(lambda: meet.wait(WAIT_SECONDS) >= 0)

    async def scenario() -> None:
        bench = Bench(handler, capacity=4)
        for n in range(8):
            bench.execute(f"e{n}")
        assert {outcome.status for outcome in await bench.outcomes(8)} == {"success"}
        await bench.engine.close()

    asyncio.run(scenario())


def test_a_job_that_is_left_behind_may_end_when_its_loop_is_gone() -> None:
    release, ended = threading.Event(), threading.Event()

    def job() -> None:
        release.wait(WAIT_SECONDS)
        ended.set()

    async def scenario() -> None:
        bench = Bench(offered(job))
        bench.execute("e1")
        await bench.engine.close()

    asyncio.run(scenario())
    release.set()

    assert ended.wait(WAIT_SECONDS)


def test_a_method_can_be_run_from_an_async_test() -> None:
    async def scenario() -> Ran:
        return await run_async(offered(lambda: 1), "m")

    assert asyncio.run(scenario()).result == 1


# -- processes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "process_jobs.py").write_text(PROCESS_JOBS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "process_jobs", raising=False)
    module: ModuleType = __import__("process_jobs")
    return module.handler


def test_a_process_job_has_its_params_context_and_result(jobs: Handler) -> None:
    assert run(jobs, "add", {"a": 2}).result == 3
    spoken = run(jobs, "speak", attempt=2)
    assert (spoken.result, spoken.lines) == (
        2,
        (Line(level="info", event="from afar", fields={"pid_differs": True}),),
    )


def test_a_process_is_kept_for_the_next_job_and_replaced_when_it_died(jobs: Handler) -> None:
    async def scenario() -> None:
        bench = Bench(jobs)
        bench.execute("e1", "which")
        await bench.outcomes(1)
        bench.execute("e2", "which")
        await bench.outcomes(2)
        bench.execute("e3", "crash")
        await bench.outcomes(3)
        bench.execute("e4", "which")
        first, second, crashed, fourth = await bench.outcomes(4)
        assert bytes(first.result) == bytes(second.result) != bytes(fourth.result)
        assert crashed.error is not None
        assert crashed.error.message.startswith("the job's process ended with code 7")
        assert (crashed.error.type, crashed.final) == ("ProcessDied", False)
        await bench.engine.close()

    asyncio.run(scenario())


def test_a_stop_that_comes_after_the_end_of_a_job_does_not_hit_the_next_one(jobs: Handler) -> None:
    def assignment(id_: str) -> Assignment:
        execute = Execute(
            execution_id=id_,
            attempt=1,
            claim=1,
            boot_id="b",
            shard=7,
            epoch=1,
            method="which",
            params=Raw(b"{}"),
            idempotency_key=id_,
        )
        work = Work(execute=execute, started_at=datetime.now(UTC))
        return Assignment(work=work, function=jobs.methods["which"].function, arguments={}, context_name=None)

    processes = Processes()
    first, second = processes.call(), processes.call()
    before = first.run(assignment("e1"), lambda _: None)
    first.stop()
    after = second.run(assignment("e2"), lambda _: None)
    processes.close()

    assert bytes(before.result) == bytes(after.result)


def test_a_process_job_that_exits_is_an_error_of_the_job(jobs: Handler) -> None:
    ran = run(jobs, "leave")

    assert ran.error is not None
    assert (ran.status, ran.error.type, ran.error.message) == ("error", "SystemExit", "gone")


def test_a_process_job_is_killed_at_its_timeout_and_the_slot_is_free_again(jobs: Handler) -> None:
    async def scenario() -> None:
        bench = Bench(jobs, capacity=1)
        bench.execute("e1", "spin", timeout_seconds=0.5)
        (outcome,) = await bench.outcomes(1)
        assert outcome.status == "timeout"
        bench.execute("e2", "add", params=b'{"a": 1}')
        (_, after) = await bench.outcomes(2)
        assert bytes(after.result) == b"2"
        await bench.engine.close()

    asyncio.run(scenario())


def test_a_call_that_cannot_be_pickled_is_an_error_of_the_job() -> None:
    def module_level() -> None: ...

    module_level.__qualname__ = "module_level"
    handler = Handler("h")
    handler.method(name="m", process=True)(module_level)

    ran = run(handler, "m")

    assert ran.error is not None
    assert ran.error.type == "PicklingError"
