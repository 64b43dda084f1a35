"""Databases that have been in use for long: written by the scheduler's own store, faster than by living through it."""

import random
import time
from collections.abc import Iterable
from itertools import batched
from pathlib import Path
from sqlite3 import connect

from msgspec import Raw

from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import Failure, RetryPolicy, ScheduleRequest
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.model import (
    SECOND,
    Change,
    Execution,
    InsertExecution,
    InsertSchedule,
    Schedule,
    shard_of,
)
from schedulezero.scheduler.store import Store

from .system import HANDLER, iso

FILE = "schedulezero_jobs.db"
"""The name of the database in a state directory."""
_TOGETHER = 5_000


def seed_schedules(directory: Path, count: int, *, every_seconds: int) -> None:
    """Store schedules that fire as often, spread evenly."""
    step, now = every_seconds * SECOND, round(time.time() * SECOND)
    _write(directory, (_schedule(number, now + number * step // count, every_seconds) for number in range(count)))


def move_schedules(directory: Path, *, every_seconds: int) -> None:
    """Let the first fire of each come after now, as if the scheduler had run until now."""
    step, now = every_seconds * SECOND, round(time.time() * SECOND)
    with connect(directory / FILE) as connection:
        # Rounded up to whole steps.
        connection.execute(
            "UPDATE schedules SET next_fire = next_fire + max(0, (?1 - next_fire + ?2 - 1) / ?2) * ?2", (now, step)
        )
        connection.execute("UPDATE schedules SET due_at = next_fire, decided_through = next_fire - ?", (step,))
    connection.close()


def seed_executions(directory: Path, count: int, *, over_seconds: int) -> None:
    """Store ended runs of the last `over_seconds`, one in twenty of them an error, half of them of 100 schedules."""
    end = round(time.time() * SECOND)
    ids, chance = IdSource(random.Random(1)), random.Random(2)
    step = over_seconds * SECOND // count
    moments = (end - (count - number) * step for number in range(count))
    _write(directory, (_ended(ids, chance, number, at) for number, at in enumerate(moments)))


def _write(directory: Path, changes: Iterable[Change]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    store = Store.open(f"sqlite:///{directory / FILE}", owner="seed")
    try:
        for some in batched(changes, _TOGETHER):
            store.writer.commit([some])
    finally:
        store.close()


def _schedule(number: int, first: int, every_seconds: int) -> InsertSchedule:
    id_ = f"stored-{number:07}"
    trigger = IntervalTrigger(seconds=every_seconds, start_time=iso(first / SECOND), timezone="UTC")
    request = ScheduleRequest(
        handler_id=HANDLER,
        method_name="punctual",
        job_params=Raw(b'{"n": %d}' % number),
        trigger_config=trigger,
        schedule_id=id_,
    )
    schedule = Schedule(
        id=id_,
        shard=shard_of(id_),
        generation="1",
        version=1,
        request=request,
        state="active",
        decided_through=first - 1,
        created_at=first - every_seconds * SECOND,
        updated_at=first - every_seconds * SECOND,
        next_fire=first,
        due_at=first,
    )
    return InsertSchedule(schedule=schedule)


def _ended(ids: IdSource, chance: random.Random, number: int, at: int) -> InsertExecution:
    id_, took = ids.next(at), round(chance.lognormvariate(9, 1))
    scheduled, failed = chance.random() < 0.5, chance.random() < 0.05
    schedule_id = f"past-{chance.randrange(100):03}" if scheduled else None
    execution = Execution(
        id=id_,
        shard=shard_of(schedule_id or id_),
        handler_id=HANDLER,
        method_name="noop",
        params=f'{{"n": {number}}}',
        status=Status.ERROR if failed else Status.SUCCESS,
        priority=5,
        created_at=at,
        ready_at=at,
        retry=RetryPolicy(),
        schedule_id=schedule_id,
        generation="1" if scheduled else None,
        fire_time=at if scheduled else None,
        attempt=1,
        claim=at,
        instance_id="bench-1",
        boot_id="past",
        started_at=at + 1_000,
        completed_at=at + 1_000 + took,
        result=None if failed else str(number),
        error=Failure(type="ValueError", message="of the past") if failed else None,
    )
    return InsertExecution(execution=execution)
