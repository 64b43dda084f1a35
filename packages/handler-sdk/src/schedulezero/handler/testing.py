"""Run a handler's method with no socket and no server, as it would be run by a schedule."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Raw

from schedulezero.handler.app import Handler
from schedulezero.handler.engine import Engine
from schedulezero.handler.session import Session
from schedulezero.protocol.handling import Execute, FromInstance, Outcome, Report
from schedulezero.protocol.values import Failure

_ID = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that the job has logged; `event` is `progress` for its progress."""

    level: str
    event: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of a run. `result` is decoded from JSON; `final` says that it would not be tried again."""

    status: Literal["success", "error", "timeout", "cancelled"]
    result: Any
    error: Failure | None
    final: bool
    retry_after_seconds: float | None
    lines: tuple[Line, ...]


def run(
    handler: Handler,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    attempt: int = 1,
    max_attempts: int = 1,
    schedule_id: str | None = None,
    scheduled_for: datetime | None = None,
    timeout_seconds: float | None = None,
) -> Ran:
    """Run one attempt of a method and return what became of it; in a test that is async, await :func:`run_async`.

    Args:
        handler: the handler.
        method: the name of a method of its.
        params: the `job_params`; they go through JSON, as they would.
        attempt: 1 for the first.
        max_attempts: how many there may be.
        schedule_id: None for a run by hand.
        scheduled_for: None for a run by hand.
        timeout_seconds: in place of the method's own.

    Raises:
        LookupError: the handler has no such method.
    """
    work = run_async(
        handler,
        method,
        params,
        attempt=attempt,
        max_attempts=max_attempts,
        schedule_id=schedule_id,
        scheduled_for=scheduled_for,
        timeout_seconds=timeout_seconds,
    )
    return asyncio.run(work)


async def run_async(
    handler: Handler,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    attempt: int = 1,
    max_attempts: int = 1,
    schedule_id: str | None = None,
    scheduled_for: datetime | None = None,
    timeout_seconds: float | None = None,
) -> Ran:
    """Run one attempt on the running loop. Arguments and errors as of :func:`run`."""
    if method not in handler.methods:
        raise LookupError(f"handler {handler.id} offers {', '.join(handler.methods) or 'nothing'}, not {method}")
    execute = Execute(
        execution_id=_ID,
        attempt=attempt,
        claim=attempt,
        boot_id=_ID,
        shard=0,
        epoch=0,
        method=method,
        params=Raw(msgspec.json.encode(params or {})),
        idempotency_key=_ID,
        max_attempts=max_attempts,
        schedule_id=schedule_id,
        scheduled_for=scheduled_for,
        timeout_seconds=timeout_seconds,
    )
    return await _run(handler, execute)


async def _run(handler: Handler, execute: Execute) -> Ran:
    lines: list[Line] = []
    ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def hear(_peer: bytes, messages: Sequence[FromInstance]) -> bool:
        for message in messages:
            if isinstance(message, Report):
                lines.append(_line(message))
            elif isinstance(message, Outcome) and not ended.done():
                ended.set_result(message)
        return True

    specs = {name: method.spec for name, method in handler.methods.items()}
    session = Session(instance_id=_ID, boot_id=_ID, capacity=1, methods=specs)
    engine = Engine(session, handler.methods, hear, lambda: datetime.now(UTC))
    try:
        engine.receive([(b"", [execute])])
        return _ran(await ended, tuple(lines))
    finally:
        await engine.close()


def _line(report: Report) -> Line:
    return Line(level=report.level, event=report.event, fields=msgspec.json.decode(report.fields))


def _ran(outcome: Outcome, lines: tuple[Line, ...]) -> Ran:
    return Ran(
        status=outcome.status,
        result=msgspec.json.decode(outcome.result),
        error=outcome.error,
        final=outcome.final,
        retry_after_seconds=outcome.retry_after_seconds,
        lines=lines,
    )
