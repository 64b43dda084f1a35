"""What a running job knows of itself, and how it speaks while it runs."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from schedulezero.handler.text import cut_end, printable
from schedulezero.protocol.handling import Execute, Report

MAX_LINES = 1000
MAX_LINE_BYTES = 8 * 1024
_logger = logging.getLogger("schedulezero.handler")
_encoder = msgspec.json.Encoder(enc_hook=repr)


class Context:
    """One attempt of one execution. It may be used from any thread.

    Attributes:
        execution_id: the execution's id.
        idempotency_key: the same for every attempt: give it to whoever must not do the work twice.
        attempt: 1 for the first.
        max_attempts: how many there may be.
        schedule_id: the schedule that fired, or None for a run by hand.
        scheduled_for: the instant it was due, aware and UTC, or None for a run by hand.
        log: lines for people: `ctx.log.info("fetched", rows=17)`; also `debug`, `warning` and `error`.
    """

    __slots__ = ("_cancelled", "_emit", "_execute", "_lines", "_lock", "_now", "_progress", "log")

    def __init__(self, execute: Execute, emit: Callable[[Report], None], now: Callable[[], datetime]) -> None:
        self._execute, self._emit, self._now = execute, emit, now
        self._cancelled = False
        self._lines = 0
        self._lock = threading.Lock()
        self._progress: tuple[int, str | None] | None = None
        self.log = Log(self)

    @property
    def execution_id(self) -> str:
        return self._execute.execution_id

    @property
    def idempotency_key(self) -> str:
        return self._execute.idempotency_key

    @property
    def attempt(self) -> int:
        return self._execute.attempt

    @property
    def max_attempts(self) -> int:
        return self._execute.max_attempts

    @property
    def schedule_id(self) -> str | None:
        return self._execute.schedule_id

    @property
    def scheduled_for(self) -> datetime | None:
        return self._execute.scheduled_for

    @property
    def cancelled(self) -> bool:
        """Whether the attempt was cancelled or timed out. A thread cannot be stopped: look here from time to time."""
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Leave a job that nobody waits for any more.

        Raises:
            asyncio.CancelledError: the attempt was cancelled or timed out. `except Exception` does not catch it.
        """
        if self._cancelled:
            raise asyncio.CancelledError

    def progress(self, done: float, total: float = 1, message: str | None = None) -> None:
        """Tell how far the job has come: `progress(0.25)`, or `progress(5, 20)`. Only whole percents travel.

        Args:
            done: how much is done, in any unit.
            total: how much there is to do, in the same unit.
            message: what is being done now.
        """
        fraction = min(max(done / total, 0.0), 1.0) if total else 1.0
        step = (int(fraction * 100), message)
        if step != self._progress:
            self._progress = step
            self._say(
                logging.INFO, "progress", {"fraction": fraction, "done": done, "total": total, "message": message}
            )

    def _cancel(self) -> None:
        self._cancelled = True

    def _say(self, level: int, event: str, fields: dict[str, Any]) -> None:
        _logger.log(level, "%s %s execution_id=%s", event, fields, self.execution_id)
        with self._lock:
            self._lines += 1
            lines = self._lines
        if lines <= MAX_LINES:
            self._report(level, event, fields)
        elif lines == MAX_LINES + 1:
            self._report(logging.WARNING, "log_limit_reached", {"max_lines": MAX_LINES})

    def _report(self, level: int, event: str, fields: dict[str, Any]) -> None:
        execute = self._execute
        self._emit(
            Report(
                execution_id=execute.execution_id,
                attempt=execute.attempt,
                claim=execute.claim,
                at=self._now(),
                level=logging.getLevelName(level).lower(),
                event=cut_end(printable(event), MAX_LINE_BYTES // 4),
                fields=_encode_fields(fields),
            )
        )


class Log:
    """The lines of one attempt: an event in a few words, and what belongs to it by name."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def debug(self, event: str, /, **fields: Any) -> None:
        self._context._say(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        self._context._say(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        self._context._say(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        self._context._say(logging.ERROR, event, fields)


def _encode_fields(fields: dict[str, Any]) -> Raw:
    try:
        encoded = _encoder.encode(fields)
    except (TypeError, ValueError, OverflowError, RecursionError):
        encoded = _encoder.encode({"text": printable(repr(fields))})
    if len(encoded) <= MAX_LINE_BYTES:
        return Raw(encoded)
    # JSON within JSON is escaped once more, which can double it.
    return Raw(_encoder.encode({"truncated": cut_end(encoded.decode(), MAX_LINE_BYTES * 3 // 8)}))
