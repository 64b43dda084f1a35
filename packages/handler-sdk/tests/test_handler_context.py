"""What a running job knows and says."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from schedulezero.handler import Context
from schedulezero.handler.context import MAX_LINE_BYTES, MAX_LINES
from schedulezero.protocol.handling import Execute, Report

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXECUTE = Execute(
    execution_id="e1",
    attempt=2,
    claim=7,
    boot_id="b",
    shard=7,
    epoch=1,
    method="m",
    params=Raw(b"{}"),
    idempotency_key="key",
    max_attempts=3,
    schedule_id="nightly",
    scheduled_for=NOW,
)


def new_context() -> tuple[Context, list[Report]]:
    said: list[Report] = []
    return Context(EXECUTE, said.append, lambda: NOW), said


def fields(report: Report) -> Any:
    return msgspec.json.decode(report.fields)


def test_it_knows_its_execution() -> None:
    context, _ = new_context()

    assert (context.execution_id, context.idempotency_key) == ("e1", "key")
    assert (context.attempt, context.max_attempts) == (2, 3)
    assert (context.schedule_id, context.scheduled_for) == ("nightly", NOW)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_line_is_reported_with_its_claim_and_logged_at_its_level(
    level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "schedulezero.handler")
    context, said = new_context()

    getattr(context.log, level)("fetched", rows=17)

    (report,) = said
    assert (report.execution_id, report.attempt, report.claim, report.at) == ("e1", 2, 7, NOW)
    assert (report.level, report.event, fields(report)) == (level, "fetched", {"rows": 17})
    assert [(record.levelname.lower(), "fetched" in record.message) for record in caplog.records] == [(level, True)]


def test_progress_is_a_fraction_or_a_part_of_a_total_and_travels_once_a_percent() -> None:
    context, said = new_context()

    context.progress(0.25)
    for done in range(1001):
        context.progress(done, 1000)
    context.progress(1000, 1000, "done")

    assert fields(said[0]) == {"fraction": 0.25, "done": 0.25, "total": 1, "message": None}
    assert fields(said[-1]) == {"fraction": 1.0, "done": 1000, "total": 1000, "message": "done"}
    assert len(said) == 1 + 101 + 1
    assert {report.event for report in said} == {"progress"}


def test_lines_are_bounded_and_the_last_one_says_so() -> None:
    context, said = new_context()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: context.log.info("line", n=n), range(MAX_LINES + 50)))

    assert len(said) == MAX_LINES + 1
    assert [r.event for r in said].count("log_limit_reached") == 1


@pytest.mark.parametrize("text", ["x" * 20_000, '"' * 20_000, "\n" * 20_000])
def test_a_long_line_is_cut_and_says_so(text: str) -> None:
    context, said = new_context()

    context.log.info(text, text=text)

    assert len(bytes(said[0].fields)) <= MAX_LINE_BYTES
    assert list(fields(said[0])) == ["truncated"]
    assert said[0].event.endswith("cut …")


@pytest.mark.parametrize("value", [object(), {1: {2, 3}}, {(1, 2): 3}, "\ud800", 2**80, float("nan")])
def test_anything_can_be_logged(value: Any) -> None:
    context, said = new_context()

    context.log.info("\ud800", value=value)

    assert msgspec.json.encode(said)


def test_a_thread_can_ask_whether_it_was_cancelled() -> None:
    context, _ = new_context()
    context.raise_if_cancelled()
    assert not context.cancelled

    context._cancel()

    assert context.cancelled
    with pytest.raises(asyncio.CancelledError):
        context.raise_if_cancelled()
