"""What a successful run costs the database: two writes of rows, and one more where a schedule has fired.

Every statement that SQLite carries out is seen, each row of an `executemany` by itself. The figures by the minute are
not counted: they are written once for all that a transaction holds.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, event

from schedulezero.handler import Handler
from schedulezero.protocol.commands import ExecutionFilter, ExecutionList, RunBatch, ScheduleCreate
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RunRequest, ScheduleRequest
from schedulezero.scheduler.cleaner import Cleaner
from schedulezero.testkit.parts import Parts, running_parts
from schedulezero.testkit.waiting import becomes

RUNS = 16
"""As many as the handler has slots."""
_WRITE = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_SHARED = ("execution_counts", "execution_durations", "owners", "shard_leases", "spells")


@pytest.fixture(autouse=True)
def _nothing_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too old is looked for soon after the start, in statements of its own: no run costs them."""

    async def nothing(_cleaner: Cleaner) -> list[Any]:
        return []

    monkeypatch.setattr(Cleaner, "_begin", nothing)


@pytest.fixture
def writes() -> Iterator[Counter[tuple[str, str]]]:
    """Statement and table of every write of a row, in any database that the test opens."""
    seen: Counter[tuple[str, str]] = Counter()

    def note(statement: str) -> None:
        if (match := _WRITE.match(statement)) and match[2] not in _SHARED:
            seen[match[1], match[2]] += 1

    def follow(connection: Any, _: object) -> None:
        connection.set_trace_callback(note)

    event.listen(Engine, "connect", follow)
    yield seen
    event.remove(Engine, "connect", follow)


def handler() -> Handler:
    work = Handler("work")

    @work.method
    async def noop() -> None:
        """Do nothing."""

    return work


async def ended(parts: Parts, count: int, schedule_id: str | None = None) -> None:
    """Return once so many have succeeded."""
    filter_ = ExecutionFilter(status=(Status.SUCCESS,), schedule_id=schedule_id)

    async def look() -> bool:
        page = await parts.ask(ExecutionList(filter=filter_, limit=1000))
        return page.count == count

    await becomes(look, what=f"{count} successful runs")


def test_a_run_for_which_a_slot_is_free_is_two_row_writes(tmp_path: Path, writes: Counter[tuple[str, str]]) -> None:
    async def scenario() -> None:
        async with running_parts(tmp_path) as parts:
            await parts.serve(handler(), "work-1")
            before = 1
            writes.clear()

            run = RunRequest(handler_id="work", method_name="noop")
            await parts.ask(RunBatch(runs=(run,) * RUNS))
            await ended(parts, before + RUNS)

    asyncio.run(asyncio.wait_for(scenario(), 60))

    assert writes == {("INSERT INTO", "executions"): RUNS, ("UPDATE", "executions"): RUNS}


def test_a_run_that_a_schedule_has_fired_is_three_row_writes(tmp_path: Path, writes: Counter[tuple[str, str]]) -> None:
    trigger = {"type": "interval", "seconds": 0.2}
    raw = {"handler_id": "work", "method_name": "noop", "trigger_config": trigger, "max_runs": 3, "schedule_id": "s"}

    async def scenario() -> None:
        async with running_parts(tmp_path) as parts:
            await parts.serve(handler(), "work-1")
            writes.clear()

            request = msgspec.json.decode(msgspec.json.encode(raw), type=ScheduleRequest)
            await parts.ask(ScheduleCreate(schedule=request))
            await ended(parts, 3, schedule_id="s")

    asyncio.run(asyncio.wait_for(scenario(), 60))

    assert writes.pop(("INSERT INTO", "schedules")) == 1
    assert writes == {("UPDATE", "schedules"): 3, ("INSERT INTO", "executions"): 3, ("UPDATE", "executions"): 3}
