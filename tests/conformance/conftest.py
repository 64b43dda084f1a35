"""What the conformance suite runs on. A database is added here, and every test of the suite runs on it too."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import RetryPolicy, ScheduleRequest
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.model import (
    Change,
    Execution,
    InsertExecution,
    InsertSchedule,
    Schedule,
    UpdateExecution,
    replace,
    shard_of,
)
from schedulezero.scheduler.store import Store
from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.scheduler.store.leases import Ownership
from schedulezero.scheduler.store.migrations import upgrade
from schedulezero.testkit.databases.fixtures import KINDS, Databases

NOW = 1_790_000_000_123_456
"""Some instant, in microseconds."""


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> str:
    return databases.cleared(request.param, tmp_path)


@pytest.fixture
def engines(database_url: str) -> Iterator[Engines]:
    with open_engines(database_url) as engines:
        upgrade(engines.writer)
        yield engines


@pytest.fixture
def ownership(engines: Engines) -> Ownership:
    ownership = Ownership(engines.writer, owner="first")
    ownership.acquire()
    return ownership


@pytest.fixture
def store(engines: Engines, ownership: Ownership) -> Store:
    return Store(engines, ownership, None)


class Rows:
    """Makes rows, each different from the others, and the changes that write them."""

    now = NOW

    def __init__(self) -> None:
        self._ids = IdSource(random.Random(7))

    def execution(self, **fields: Any) -> Execution:
        id_ = self._ids.next(NOW)
        defaults: dict[str, Any] = {
            "id": id_,
            "shard": shard_of(id_),
            "handler_id": "reports",
            "method_name": "do_work",
            "params": "{}",
            "status": Status.PENDING,
            "priority": 5,
            "created_at": NOW,
            "ready_at": NOW,
            "retry": RetryPolicy(),
        }
        return Execution(**{**defaults, **fields})

    def schedule(self, id_: str = "nightly", **fields: Any) -> Schedule:
        request = ScheduleRequest(
            handler_id="reports",
            method_name="do_work",
            job_params=Raw(b'{ "n" : 1 }'),
            trigger_config=IntervalTrigger(seconds=10),
            schedule_id=id_,
        )
        defaults: dict[str, Any] = {
            "id": id_,
            "shard": shard_of(id_),
            "generation": "g1",
            "version": 1,
            "request": request,
            "state": "active",
            "decided_through": NOW,
            "created_at": NOW,
            "updated_at": NOW,
        }
        return Schedule(**{**defaults, **fields})

    def started(self, execution: Execution, **fields: Any) -> Execution:
        claimed = {"attempt": 1, "claim": 77, "instance_id": "i1", "boot_id": "b1", "started_at": NOW + 1}
        return replace(execution, **{"status": Status.RUNNING, **claimed, **fields})

    def ended(self, execution: Execution, status: Status = Status.SUCCESS, **fields: Any) -> Execution:
        return replace(execution, **{"status": status, "completed_at": NOW + 1_000_000, **fields})

    @staticmethod
    def insert(row: Execution | Schedule) -> Change:
        if isinstance(row, Execution):
            return InsertExecution(execution=row)
        return InsertSchedule(schedule=row)

    @staticmethod
    def update(before: Execution, after: Execution) -> UpdateExecution:
        return UpdateExecution(execution=after, status_before=before.status, claim_before=before.claim)


@pytest.fixture
def new() -> Rows:
    return Rows()
