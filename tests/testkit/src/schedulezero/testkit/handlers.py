"""Handlers for tests, the same methods under two names: `schedulezero handler schedulezero.testkit.handlers:work`.

Every run is a line in the diary, the file that `SCHEDULEZERO_TEST_DIARY` names, so that tests can count real runs.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from schedulezero.handler import Context, Fail, Handler

DIARY = "SCHEDULEZERO_TEST_DIARY"
INSTANCE_ID = "SCHEDULEZERO_HANDLER_INSTANCE_ID"


class Flaky(Exception):
    """What `fail_times` raises."""


class Run(NamedTuple):
    """A real run: an attempt that has begun."""

    execution_id: str
    instance_id: str
    attempt: int
    pid: int
    """Which life of the instance."""


def read_diary(path: Path) -> list[Run]:
    """Return all runs, in the order in which they began."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Run(id_, where, int(attempt), int(pid)) for id_, where, attempt, pid in map(str.split, lines)]


def here() -> str:
    """Return the id of this instance."""
    return os.environ.get(INSTANCE_ID, "unnamed")


def noop(ctx: Context, n: int = 0) -> int:
    """Return its parameter."""
    _note(ctx)
    return n


def echo(ctx: Context, **params: Any) -> dict[str, Any]:
    """Return all parameters."""
    _note(ctx)
    return params


async def sleep(ctx: Context, seconds: float) -> float:
    """Take its time."""
    _note(ctx)
    await asyncio.sleep(seconds)
    return seconds


def block(ctx: Context, seconds: float) -> float:
    """Take its time in a thread, and cannot be stopped in it."""
    _note(ctx)
    time.sleep(seconds)
    return seconds


async def sign(ctx: Context, seconds: float = 0) -> dict[str, int]:
    """Take its time, then return which attempt it was and in which process."""
    _note(ctx)
    await asyncio.sleep(seconds)
    return {"attempt": ctx.attempt, "pid": os.getpid()}


async def freeze(ctx: Context, seconds: float) -> float:
    """Take its time on the loop itself, so that the whole program says nothing meanwhile."""
    _note(ctx)
    time.sleep(seconds)  # noqa: ASYNC251
    return seconds


async def fail_times(ctx: Context, times: int) -> int:
    """Fail that often, then return the number of the attempt."""
    _note(ctx)
    if ctx.attempt <= times:
        raise Flaky(f"attempt {ctx.attempt} of {times} that fail")
    return ctx.attempt


async def fail_for_good(ctx: Context, why: str = "no use") -> None:
    """Fail in a way that no other attempt can mend."""
    _note(ctx)
    raise Fail(why)


async def where(ctx: Context) -> str:
    """Return the id of the instance that runs it."""
    _note(ctx)
    return here()


async def chat(ctx: Context, lines: int) -> int:
    """Log lines, and tell of its progress."""
    _note(ctx)
    for number in range(1, lines + 1):
        ctx.log.info("line", number=number)
        ctx.progress(number, lines)
    return lines


METHODS: tuple[Callable[..., Any], ...] = (
    *(noop, echo, sleep, block, sign, freeze),
    *(fail_times, fail_for_good, where, chat),
)


def handler_of(id_: str) -> Handler:
    """Return a handler of this name that offers all methods."""
    handler = Handler(id_, version="test")
    for method in METHODS:
        handler.method(method)
    return handler


work = handler_of("work")
other = handler_of("other")


def _note(ctx: Context) -> None:
    """A single write to a file that is appended to is not cut by those of other processes."""
    path = os.environ.get(DIARY)
    if path is None:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{ctx.execution_id} {here()} {ctx.attempt} {os.getpid()}\n".encode())
    finally:
        os.close(descriptor)
