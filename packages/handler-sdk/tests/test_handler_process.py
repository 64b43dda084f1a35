"""A handler as a process of its own: `handler.run()`, signals, exit codes, its size."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq

from schedulezero.protocol.commands import HandlerDeregister
from schedulezero.protocol.handling import Report, Welcome

WAIT_SECONDS = 30
APP = """
import asyncio, threading
from schedulezero.handler import Context, Handler

handler = Handler("app")

@handler.method
def until_cancelled(ctx: Context) -> None:
    ctx.log.info("began")
    threading.Event().wait()

@handler.method
async def nap(ctx: Context, seconds: float) -> str:
    ctx.log.info("began")
    await asyncio.sleep(seconds)
    return "rested"

@handler.method(process=True)
def spin(ctx: Context) -> None:
    ctx.log.info("began")
    threading.Event().wait()

if __name__ == "__main__":
    handler.run()
"""

Script = Callable[[Any, Any, Any], Awaitable[None]]


@pytest.fixture
def app(tmp_path: Path, fakes: Any) -> Callable[..., tuple[int, str]]:
    """Runs the app beside a registry and a scheduler; returns its exit code and stderr."""
    path = tmp_path / "app.py"
    path.write_text(APP)
    make_registry, make_scheduler = fakes

    async def start(environment: dict[str, str], port: str) -> asyncio.subprocess.Process:
        settings = {**os.environ, "SCHEDULEZERO_ZRPC_PORT": port, **environment}
        return await asyncio.create_subprocess_exec(
            sys.executable, str(path), env=settings, stderr=asyncio.subprocess.PIPE
        )

    async def perform(script: Script | None, environment: dict[str, str]) -> tuple[int, str]:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        registry = make_registry(context)
        process = await start(environment, registry.endpoint.rpartition(":")[2])
        opened = [registry]
        try:
            if script is not None:
                scheduler = make_scheduler(context, await registry.registration())
                opened.append(scheduler)
                scheduler.hello()
                await scheduler.heard.take(Welcome)
                await script(process, registry, scheduler)
            async with asyncio.timeout(WAIT_SECONDS):
                _, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            for each in opened:
                each.close()
            context.term()
        assert process.returncode is not None
        return process.returncode, errors.decode()

    def app(script: Script | None = None, **environment: str) -> tuple[int, str]:
        return asyncio.run(perform(script, {f"SCHEDULEZERO_{name}": value for name, value in environment.items()}))

    return app


async def begun(scheduler: Any, id_: str, method: str, params: bytes = b"{}") -> None:
    scheduler.execute(id_, method, params)
    await scheduler.heard.take(Report, lambda report: report.execution_id == id_)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_runs_finish_delivers_its_outcome_and_ends_with_0(app: Any, number: signal.Signals) -> None:
    async def script(process: Any, registry: Any, scheduler: Any) -> None:
        await begun(scheduler, "e1", "nap", b'{"seconds": 0.5}')
        process.send_signal(number)
        await scheduler.pulse(draining=True)
        outcome = await scheduler.outcome("e1")
        assert bytes(outcome.result) == b'"rested"'
        assert process.returncode is None
        scheduler.acknowledge(outcome)
        await registry.heard.take(HandlerDeregister)

    code, errors = app(script)

    assert code == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize("method", ["until_cancelled", "spin"])
def test_what_does_not_end_within_the_drain_time_is_given_up(app: Any, method: str) -> None:
    async def script(process: Any, registry: Any, scheduler: Any) -> None:
        await begun(scheduler, "e1", method)
        script.children = psutil.Process(process.pid).children(recursive=True)  # type: ignore[attr-defined]
        process.send_signal(signal.SIGTERM)
        await registry.heard.take(HandlerDeregister)

    code, errors = app(script, HANDLER_DRAIN_SECONDS="0.2")

    assert code == 0
    assert "stopping before the end of the drain" in errors
    _, alive = psutil.wait_procs(script.children, timeout=WAIT_SECONDS)  # type: ignore[attr-defined]
    assert not alive


def test_a_second_signal_cuts_the_drain_short(app: Any) -> None:
    async def script(process: Any, registry: Any, scheduler: Any) -> None:
        await begun(scheduler, "e1", "until_cancelled")
        process.send_signal(signal.SIGTERM)
        await scheduler.pulse(draining=True)
        process.send_signal(signal.SIGTERM)
        await registry.heard.take(HandlerDeregister)

    assert app(script, HANDLER_DRAIN_SECONDS="3600")[0] == 0


def test_a_bad_setting_is_one_line_and_exit_code_2(app: Any) -> None:
    code, errors = app(HANDLER_CONCURRENCY="many")

    remedy = "SCHEDULEZERO_HANDLER_CONCURRENCY='many': give a number from 1 to 100000, or leave it out for 16\n"
    assert (code, errors) == (2, remedy)


def test_a_taken_address_is_one_line_and_exit_code_2(app: Any, fakes: Any) -> None:
    async def script(process: Any, _registry: Any, scheduler: Any) -> None:
        address = scheduler._instance.address
        script.second = await asyncio.to_thread(app, HANDLER_BIND=address)  # type: ignore[attr-defined]
        process.send_signal(signal.SIGTERM)

    app(script)

    code, errors = script.second  # type: ignore[attr-defined]
    assert code == 2
    assert re.fullmatch(r"SCHEDULEZERO_HANDLER_BIND=\S+: cannot listen on .*\n", errors)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the size of a process is read from Linux")
def test_an_idle_handler_is_small(app: Any) -> None:
    async def script(process: Any, _registry: Any, scheduler: Any) -> None:
        await begun(scheduler, "e1", "nap", b'{"seconds": 0}')
        scheduler.acknowledge(await scheduler.outcome("e1"))
        script.pss = psutil.Process(process.pid).memory_full_info().pss  # type: ignore[attr-defined]
        process.send_signal(signal.SIGTERM)

    app(script)

    assert script.pss < 32 * 2**20  # type: ignore[attr-defined]
