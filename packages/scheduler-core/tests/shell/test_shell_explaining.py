"""The facts of an explanation, as they are found in a database."""

from pathlib import Path

from schedulezero.protocol.commands import ScheduleExplain
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import RetryPolicy, ScheduleRequest
from schedulezero.runtime.clock import ManualClock, to_datetime
from schedulezero.scheduler.core.model import (
    SECOND,
    Execution,
    InsertExecution,
    InsertSchedule,
    ReviseSchedule,
    Schedule,
    replace,
)
from schedulezero.scheduler.explaining import Explaining
from schedulezero.scheduler.store import Store

START = 1_800_000_000_000_000
FIRST = Schedule(
    id="s",
    shard=0,
    generation="g1",
    version=1,
    request=ScheduleRequest(
        handler_id="h",
        method_name="work",
        trigger_config=IntervalTrigger(seconds=10, start_time=to_datetime(START).isoformat(), timezone="UTC"),
        schedule_id="s",
    ),
    state="active",
    decided_through=START + 60 * SECOND,
    created_at=START - SECOND,
    updated_at=START - SECOND,
)
ROW = Execution(
    id="e1",
    shard=0,
    handler_id="h",
    method_name="work",
    params="{}",
    status=Status.SUCCESS,
    priority=5,
    created_at=START,
    ready_at=START,
    retry=RetryPolicy(),
    schedule_id="s",
    generation="g1",
    fire_time=START,
    attempt=1,
    started_at=START,
    completed_at=START,
)


def test_an_instant_that_was_decided_before_its_schedule_was_replaced_is_explained_by_its_row(tmp_path: Path) -> None:
    replaced_at = START + 60 * SECOND
    second = replace(FIRST, generation="g2", version=2, decided_through=replaced_at, times_since=replaced_at)
    store = Store.open(f"sqlite:///{tmp_path / 'past.db'}", owner="o")
    store.writer.commit(
        [
            [InsertSchedule(schedule=FIRST)],
            [InsertExecution(execution=ROW)],
            [ReviseSchedule(schedule=second, version_before=1)],
        ]
    )
    explaining = Explaining(store.history, ManualClock(replaced_at + SECOND), "UTC")

    question = explaining.find(ScheduleExplain(schedule_id="s", at=to_datetime(START).isoformat()))
    answer = explaining.conclude(question, None)
    store.close()

    assert (answer.decision, answer.execution_id) == ("success", "e1")
