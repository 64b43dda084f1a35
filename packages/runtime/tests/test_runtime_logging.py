"""What a log line looks like, whoever wrote it."""

import io
import json
import logging
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schedulezero.runtime.clock import ManualClock, from_datetime
from schedulezero.runtime.logging import configure, get_logger

NOON = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_action_service_level_time_and_the_ids_bound(stream: io.StringIO) -> None:
    configure("info", "json", service="scheduler", stream=stream, clock=ManualClock(from_datetime(NOON)))

    get_logger(shard=7).warning("lease.lost", epoch=3)

    assert lines(stream) == [
        {
            "action": "lease.lost",
            "service": "scheduler",
            "level": "warning",
            "timestamp": "2026-11-23T12:00:00.000005Z",
            "shard": 7,
            "epoch": 3,
        }
    ]


def test_a_logger_made_before_the_configuration_obeys_it(stream: io.StringIO) -> None:
    log = get_logger()
    configure("warning", "json", service="web", stream=stream)

    log.info("quiet")
    log.error("loud")

    assert [line["action"] for line in lines(stream)] == ["loud"]


def test_a_part_of_a_process_may_name_its_own_service(stream: io.StringIO) -> None:
    configure("info", "json", service="standalone", stream=stream)

    get_logger(service="registry").info("handler.connected")

    assert lines(stream)[0]["service"] == "registry"


def test_lines_of_libraries_come_out_alike_with_their_logger_as_action(stream: io.StringIO) -> None:
    configure("info", "json", service="web", stream=stream)

    logging.getLogger("tornado.access").info("%d GET %s", 200, "/")
    logging.getLogger("alembic").log(logging.INFO + 5, "between two levels")
    logging.getLogger("alembic").debug("below the level")

    first, second = lines(stream)
    assert (first["action"], first["message"], first["service"]) == ("tornado.access", "200 GET /", "web")
    assert (second["action"], second["level"]) == ("alembic", "info")


def test_warnings_are_lines_too(stream: io.StringIO) -> None:
    configure("info", "json", service="web", stream=stream)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)

    assert "old ways" in lines(stream)[0]["message"]
    assert lines(stream)[0]["action"] == "py.warnings"


@pytest.mark.parametrize("foreign", [False, True])
def test_an_exception_is_part_of_its_line(stream: io.StringIO, foreign: bool) -> None:
    configure("info", "json", service="web", stream=stream)

    try:
        raise LookupError("no such thing")
    except LookupError:
        (logging.getLogger("lib") if foreign else get_logger()).exception("it.broke")

    (line,) = lines(stream)
    assert line["level"] == "error"
    assert line["exception"].endswith("LookupError: no such thing")


def test_values_json_does_not_know_are_written_as_text(stream: io.StringIO) -> None:
    configure("info", "json", service="web", stream=stream)

    get_logger().info("seen", path=Path("/srv"), surrogate="\udc80", newline="a\nb")

    assert lines(stream)[0]["path"] == str(Path("/srv"))
    assert lines(stream)[0]["newline"] == "a\nb"


def test_auto_is_the_console_on_a_terminal_and_json_elsewhere(stream: io.StringIO) -> None:
    terminal = Terminal()

    configure("info", "auto", service="web", stream=terminal)
    get_logger().info("seen", n=1)
    configure("info", "auto", service="web", stream=stream)
    get_logger().info("seen", n=1)

    assert "seen" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()
    assert lines(stream)[0]["n"] == 1


def test_the_console_form_without_a_terminal_has_no_colours(stream: io.StringIO) -> None:
    configure("info", "console", service="web", stream=stream)

    get_logger().info("seen", n=1)

    assert "\x1b[" not in stream.getvalue()
    assert "seen" in stream.getvalue()
    assert "n=1" in stream.getvalue()
