"""The pipeline: what is due is decided as fast as the writer takes it, and no faster."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry

from schedulezero.protocol.triggers import DateTrigger
from schedulezero.protocol.values import ScheduleRequest
from schedulezero.runtime.clock import SystemClock, to_datetime
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.core.inputs import Loaded, Upcoming
from schedulezero.scheduler.core.memory import Limits
from schedulezero.scheduler.core.model import SHARDS, Change, InsertExecution, Schedule
from schedulezero.scheduler.pipeline import Pipeline

SCHEDULES = 1_000


class Database:
    """As a store that is ours, with schedules that are all due; it commits when it is let to."""

    def __init__(self, due: int) -> None:
        self.ownership = SimpleNamespace(epoch=1, shards=frozenset(range(SHARDS)))
        self.writer = self.reader = self
        self.decided: list[str] = []
        self.begun, self.may_go_on, self.all_decided = threading.Event(), threading.Event(), threading.Event()
        self._due = due

    def load(self, *, epoch: int, **_limits: int) -> Loaded:
        schedules = [one_shot(number, self._due) for number in range(SCHEDULES)]
        return Loaded(
            epoch=epoch,
            upcoming=Upcoming(schedules=schedules, through=None),
            states={"active": SCHEDULES},
            executions=[],
            pending={},
            unfinished={},
            handlers=[],
            pauses={},
        )

    def commit(self, groups: Sequence[Sequence[Change]]) -> list[None]:
        self.begun.set()
        assert self.may_go_on.wait(10)
        inserted = [change for group in groups for change in group if isinstance(change, InsertExecution)]
        self.decided += [str(change.execution.schedule_id) for change in inserted]
        if len(self.decided) == SCHEDULES:
            self.all_decided.set()
        return [None] * len(groups)


def one_shot(number: int, due: int) -> Schedule:
    trigger = DateTrigger(run_date=to_datetime(due).isoformat(), timezone="UTC")
    request = ScheduleRequest(handler_id="h", method_name="work", trigger_config=trigger)
    return Schedule(
        id=f"s{number}",
        shard=0,
        generation="1",
        version=1,
        request=request,
        state="active",
        decided_through=due - 1,
        created_at=due - 1,
        updated_at=due - 1,
        next_fire=due,
        due_at=due,
    )


def pipeline_over(database: Any) -> Pipeline:
    metrics = SchedulerMetrics.on(CollectorRegistry())
    nothing: Any = lambda *_: None  # noqa: E731
    return Pipeline(database, SystemClock(), Limits(), perform=nothing, reloaded=nothing, metrics=metrics)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_very_many_that_are_due_wait_while_the_writer_has_enough_to_do() -> None:
    clock = SystemClock()
    database = Database(clock.now())

    async def main() -> int:
        pipeline = pipeline_over(database)
        await pipeline.start()
        assert await asyncio.to_thread(database.begun.wait, 10)
        await turns(200)
        assert pipeline.committer.is_full
        assert pipeline.memory is not None
        waiting = sum(row.state == "active" for row in pipeline.memory.agenda.held().values())
        database.may_go_on.set()
        assert await asyncio.to_thread(database.all_decided.wait, 10)
        await pipeline.stop()
        return waiting

    assert asyncio.run(main()) > SCHEDULES // 4
    assert Counter(database.decided) == Counter(f"s{number}" for number in range(SCHEDULES))
