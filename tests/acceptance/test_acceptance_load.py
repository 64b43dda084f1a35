"""Many runs and many schedules on separate processes: every fire has its row, every run its instance, none two."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from schedulezero.testkit.api import ENDED, job
from schedulezero.testkit.deployment import Deployment, NewDeployment
from schedulezero.testkit.ledger import every, instant, ledger_faults
from schedulezero.testkit.waiting import eventually

INSTANCES = {"work": ("work-1", "work-2"), "other": ("other-1", "other-2")}
SINGLE_CALLS, BATCH = 700, 300
CONNECTIONS = 4
SCHEDULES = 100
FIRES = 10


@pytest.fixture(scope="module")
def cluster(new_deployment: NewDeployment) -> Iterator[Deployment]:
    """Registry, scheduler, gateway and two instances of each of two handlers, all of them processes of their own."""
    with new_deployment("cluster") as deployment:
        deployment.start()
        for handler_id, instance_ids in INSTANCES.items():
            for instance_id in instance_ids:
                deployment.handler(instance_id, handler_id).start()
        for handler_id, instance_ids in INSTANCES.items():
            deployment.await_instances(*instance_ids, handler_id=handler_id)
        yield deployment


def test_a_thousand_runs_and_a_hundred_schedules_are_neither_lost_nor_doubled(cluster: Deployment) -> None:
    schedules = create_schedules(cluster)
    accepted = run_singly(cluster) + run_batch(cluster)
    assert len(set(accepted)) == len(accepted) == SINGLE_CALLS + BATCH
    await_fires(cluster, schedules)
    pause_all(cluster, schedules)

    records = cluster.api.executions()
    assert {record["status"] for record in records} == {"success"}
    by_hand = [record["execution_id"] for record in records if record["schedule_id"] is None]
    assert sorted(by_hand) == sorted(accepted)
    for record in records:
        assert record["instance_id"] in INSTANCES[record["handler_id"]], record
    assert real_runs(cluster) == {record["execution_id"]: record["instance_id"] for record in records}
    for schedule_id in schedules:
        check_ledger(cluster, schedule_id, records)


def test_the_work_was_shared_by_the_instances(cluster: Deployment) -> None:
    assert {run.instance_id for run in cluster.diary} == {one for ids in INSTANCES.values() for one in ids}


def test_nothing_of_this_has_left_a_traceback(cluster: Deployment) -> None:
    assert cluster.tracebacks == []


def create_schedules(cluster: Deployment) -> list[str]:
    trigger = {"type": "interval", "seconds": 1}
    return [
        cluster.api.schedule(handler_of(number), "noop", trigger, {"n": number}, overlap="allow")
        for number in range(SCHEDULES)
    ]


def run_singly(cluster: Deployment) -> list[str]:
    """Ask for the runs one by one, over a few connections."""

    def ask(numbers: range) -> list[str]:
        with cluster.api.again() as api:
            return [api.run(handler_of(number), "noop", {"n": number})["execution_id"] for number in numbers]

    parts = [range(start, SINGLE_CALLS, CONNECTIONS) for start in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return [id_ for ids in threads.map(ask, parts) for id_ in ids]


def run_batch(cluster: Deployment) -> list[str]:
    runs = [job(handler_of(number), "noop", {"n": number}) for number in range(BATCH)]
    return list(cluster.api.do("/api/run_now/batch", {"runs": runs})["execution_ids"])


def await_fires(cluster: Deployment, schedules: list[str]) -> None:
    def fired() -> bool:
        runs = {one["id"]: one["runs"] for one in cluster.api.read("/api/schedules", limit=1000)["schedules"]}
        assert min(runs[id_] for id_ in schedules) >= FIRES, f"the slowest has fired {min(runs.values())} times"
        return True

    eventually(fired, within=FIRES + 10, what=f"{FIRES} fires of each schedule")


def pause_all(cluster: Deployment, schedules: list[str]) -> None:
    """Let no schedule fire any more, and what runs end."""
    for schedule_id in schedules:
        cluster.api.do(f"/api/schedules/{schedule_id}/pause")
    eventually(lambda: all(one["status"] in ENDED for one in cluster.api.executions()), what="the end of all runs")


def real_runs(cluster: Deployment) -> dict[str, str]:
    """Return where each execution has run, by its id, having checked that it has run once."""
    runs = cluster.diary
    assert [id_ for id_, count in Counter(run.execution_id for run in runs).items() if count > 1] == []
    return {run.execution_id: run.instance_id for run in runs}


def check_ledger(cluster: Deployment, schedule_id: str, records: list[dict[str, Any]]) -> None:
    schedule = cluster.api.read(f"/api/schedules/{schedule_id}")
    first = instant(schedule["trigger_config"]["start_time"])
    due = every(1, first=first, through=instant(schedule["last_fire_time"]))
    rows = [record for record in records if record["schedule_id"] == schedule_id]
    assert len(due) == schedule["runs"] >= FIRES
    assert ledger_faults(rows, due) == []


def handler_of(number: int) -> str:
    return ("work", "other")[number % 2]
