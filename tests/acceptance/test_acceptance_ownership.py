"""Two scheduler processes on one SQLite file: one schedules, and who was replaced can never write."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.ledger import every, instant, ledger_faults
from schedulezero.testkit.waiting import eventually, until

DATABASE = "schedulezero_jobs.db"
LEASE_SECONDS = 5.0
LOOK_SECONDS = 3.0
"""How long is looked at one that is to do nothing."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment with an instance of `work`, and a schedule `s` that fires every second."""
    with Deployment(tmp_path_factory.mktemp("first")) as deployment:
        deployment.start()
        deployment.handler("work-1").start()
        deployment.await_instances("work-1")
        every_second = {"type": "interval", "seconds": 1}
        deployment.api.schedule("work", "noop", every_second, schedule_id="s", overlap="allow")
        yield deployment


@pytest.fixture(scope="module")
def second(first: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Another deployment, of which everything runs but the scheduler; that is for the first one's database."""
    with Deployment(tmp_path_factory.mktemp("second")) as deployment:
        for program in (deployment.registry, deployment.web, deployment.handler("work-2")):
            program.start()
        yield deployment


def test_a_second_scheduler_leaves_also_while_the_first_stands_still(first: Deployment, second: Deployment) -> None:
    with first.scheduler.standing_still():
        start_on(first, second)
        assert second.scheduler.wait() == 2

    (line,) = (line for line in second.scheduler.text.splitlines() if not line.startswith("{"))
    assert f"process {first.scheduler.pid} on " in line
    assert "already schedules from" in line
    assert "SCHEDULEZERO_DATABASE_URL" in line
    assert first.api.run("work", "noop", {"n": 5}, wait_seconds=20)["result"] == 5


def test_a_scheduler_that_was_replaced_while_it_stood_still_writes_nothing_until_its_successor_has_ended(
    first: Deployment, second: Deployment
) -> None:
    """Somebody has removed the lock's file: only then does a second scheduler start beside one that lives."""
    zombie = first.scheduler
    running = first.api.run("work", "sleep", {"seconds": 2}, retry={"jitter": 0})["execution_id"]
    eventually(lambda: running in {run.execution_id for run in first.diary}, what="the run")
    stopped_at = time.time()
    with zombie.standing_still():
        (first.directory / f"{DATABASE}.lock").unlink()
        start_on(first, second)
        second.await_ready()
        second.await_instances("work-2")
        until(stopped_at + 2 * LEASE_SECONDS)
        begun = first.diary
    gone_on_at = time.time()

    refused = first.api.post("/api/run_now", json={"handler_id": "work", "method_name": "noop", "tags": ["zombie"]})
    eventually(lambda: zombie.lines("scheduler.commit_failed", error_type="Fenced"), what="the fence")
    until(gone_on_at + LOOK_SECONDS)

    assert refused.status_code == 503
    assert second.api.executions(tag="zombie") == []
    assert first.diary == begun
    record = second.api.ended(running, within=30)
    assert [(one["instance_id"], one["status"]) for one in record["attempts"]] == [
        ("work-1", "lost"),
        ("work-2", "success"),
    ]
    assert newest_of(second) > gone_on_at

    assert second.scheduler.end() == 0

    assert eventually(lambda: first.api.run("work", "noop", {"n": 5}, wait_seconds=20), within=30)["result"] == 5
    first.api.do("/api/schedules/s/pause")
    assert faults_of(first) == []


def start_on(first: Deployment, second: Deployment) -> None:
    """Start the scheduler of one deployment on the database of another."""
    second.scheduler.start(SCHEDULEZERO_DATABASE_URL=f"sqlite:///{first.directory / DATABASE}")


def faults_of(deployment: Deployment) -> list[str]:
    """Return what is wrong with the ledger of `s`, from its first instant to the last that was decided."""
    schedule, records = deployment.api.read("/api/schedules/s"), deployment.api.executions(schedule_id="s")
    due = every(1, first=instant(schedule["trigger_config"]["start_time"]), through=last_of(records))
    return ledger_faults(records, due)


def newest_of(deployment: Deployment) -> float:
    return last_of(deployment.api.executions(schedule_id="s")).timestamp()


def last_of(records: list[dict[str, Any]]) -> Any:
    return max(instant((one["covers"] or {"to": one["scheduled_for"]})["to"]) for one in records)
