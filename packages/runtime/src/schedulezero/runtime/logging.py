"""Log lines: one event a line, as JSON or for a terminal, our own and those of the libraries alike.

Every line carries `action` (what happened, in dotted words: `handler.lost`), `service`, `level` and `timestamp`.
"""

import logging
import sys
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from schedulezero.runtime.clock import Clock, SystemClock, to_datetime
from schedulezero.runtime.settings import LogFormat, LogLevel

__all__ = ["FilteringBoundLogger", "configure", "get_logger"]

# Tells at `info` of each of its own parts that it loads.
_TALKATIVE = "alembic.runtime.plugins"


def configure(
    level: LogLevel, format: LogFormat, *, service: str, stream: TextIO | None = None, clock: Clock | None = None
) -> None:
    """Send the lines of structlog, the standard library and `warnings` to one stream. May be called again.

    Args:
        level: the least level that is written.
        format: `json`, `console`, or `auto`: console where the stream is a terminal.
        service: the `service` of every line that binds no other.
        stream: where to; standard error if left out.
        clock: what the timestamps are read from; the machine's if left out.
    """
    stream, number = stream or sys.stderr, logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _Stamp(service, clock or SystemClock()),
            structlog.processors.EventRenamer("action"),
            *_renderers(format, stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    logging.basicConfig(level=number, handlers=[_Bridge()], force=True)
    logging.getLogger(_TALKATIVE).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


def get_logger(**ids: object) -> FilteringBoundLogger:
    """Return a logger whose lines all carry `ids`; the first argument of its methods is the line's action."""
    return cast(FilteringBoundLogger, structlog.get_logger(**ids))


class _Stamp:
    """Adds the time and, where none is bound, the service."""

    def __init__(self, service: str, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line.setdefault("service", self._service)
        line["timestamp"] = to_datetime(self._clock.now()).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return line


class _Bridge(logging.Handler):
    """Turns a record of the standard library into a line whose action is the name of its logger."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
            get_logger().log(_standard(record.levelno), record.name, message=message, exc_info=record.exc_info)
        except Exception:  # as any handler: a record that cannot be formatted must not fail the program
            self.handleError(record)


def _standard(level: int) -> int:
    """Return the named level at or below `level`; libraries use numbers between them."""
    return max(logging.DEBUG, min(level // 10 * 10, logging.CRITICAL))


def _renderers(format: LogFormat, stream: TextIO) -> list[Processor]:
    if format == "console" or (format == "auto" and stream.isatty()):
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), event_key="action", exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
