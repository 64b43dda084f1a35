"""Processes that are killed: what was accepted is finished, what was due is accounted for, the others go on."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

import httpx
import pytest

from schedulezero.testkit.api import ENDED, Api, job
from schedulezero.testkit.deployment import Deployment, NewDeployment
from schedulezero.testkit.ledger import every, instant, ledger_faults
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually, until

INSTANCES = ("work-1", "work-2")
EVERY_SECOND = {"type": "interval", "seconds": 1}
DOWN_SECONDS = 4.0
FIRES_AGAIN_SECONDS = {"sqlite": 2.0}
LEASE_SECONDS = 5.0
"""Elsewhere nobody knows that it is dead before its lease is over."""
SCHEDULES = 34
"""Of each of the three catch-up policies."""
BATCH = 500
IMPORT_SECONDS = 1.0
GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    deployment: Deployment
    handlers: dict[str, Program]

    @property
    def api(self) -> Api:
        return self.deployment.api


@pytest.fixture(scope="module")
def cluster(new_deployment: NewDeployment) -> Iterator[Cluster]:
    """Every part a process of its own, as each test finds it and leaves it."""
    with new_deployment("kills") as deployment:
        deployment.start()
        handlers = {one: deployment.handler(one).start() for one in INSTANCES}
        deployment.await_instances(*INSTANCES)
        yield Cluster(deployment=deployment, handlers=handlers)


@dataclass(slots=True)
class Caller:
    """Asks for runs one after the other until told to stop; asks again, by the same key, what was not answered."""

    api: Api
    stop: Event = field(default_factory=Event)
    accepted: dict[str, str] = field(default_factory=dict)

    def call(self) -> None:
        while not self.stop.is_set():
            self._accept(f"call {len(self.accepted)}")

    def _accept(self, key: str) -> None:
        def ask() -> str | None:
            try:
                answer = self.api.post("/api/run_now", json=job("work", "noop"), headers={"Idempotency-Key": key})
            except httpx.TransportError:
                return None
            assert answer.is_success or answer.status_code == 503, answer.text
            return str(answer.json()["execution_id"]) if answer.is_success else None

        self.accepted[key] = eventually(ask, within=30, what="acceptance")


def test_a_killed_scheduler_loses_and_doubles_nothing(cluster: Cluster, database_kind: str) -> None:
    api, scheduler = cluster.api, cluster.deployment.scheduler
    slow = slowness(cluster.deployment)
    schedules = {policy: create_schedules(api, policy) for policy in ("latest", "all", "skip")}
    before = [api.run("work", "sleep", {"seconds": 2})["execution_id"] for _ in range(10)]
    with ThreadPoolExecutor(1) as thread, api.again() as connection:
        caller = Caller(connection)
        calling = thread.submit(caller.call)
        eventually(lambda: fired(api, schedules["all"]) >= 2, what="the first fires")

        before += api.do("/api/run_now/batch", {"runs": [job("work", "noop")] * BATCH})["execution_ids"]
        killed_at = time.time()
        scheduler.kill()
        until(killed_at + DOWN_SECONDS)
        started_at = time.time()
        scheduler.start()

        first = eventually(lambda: first_fire_after(api, started_at), within=60, what="a fire after the restart")
        eventually(lambda: fired(api, schedules["all"]) >= 8, what="some more fires")
        caller.stop.set()
        calling.result(timeout=30)
    pause(api, [id_ for ids in schedules.values() for id_ in ids])

    patience = FIRES_AGAIN_SECONDS.get(database_kind, LEASE_SECONDS)
    back_at = started_at + patience * max(slow, slowness(cluster.deployment))
    assert first <= back_at
    records = {record["execution_id"]: record for record in api.executions()}
    accepted = list(caller.accepted.values())
    assert len(set(accepted)) == len(accepted)
    assert {records[id_]["status"] for id_ in [*accepted, *before]} == {"success"}
    assert {record["status"] for record in records.values()} <= {"success", "skipped"}
    assert len([one for one in records.values() if one["schedule_id"] is None]) == len(accepted) + len(before)
    assert set(cluster_runs(cluster, before).values()) == {1}
    for policy, ids in schedules.items():
        for id_ in ids:
            check_catch_up(
                policy, api.read(f"/api/schedules/{id_}"), api.executions(schedule_id=id_), killed_at, back_at
            )


def test_the_work_of_a_killed_instance_is_retried_elsewhere_within_five_seconds(cluster: Cluster) -> None:
    api = cluster.api
    ids = [api.run("work", "sleep", {"seconds": 3}, retry={"jitter": 0})["execution_id"] for _ in range(6)]
    lost = eventually(lambda: [id_ for id_ in ids if runs_on(api, id_, "work-1")], what="work on the instance")

    killed_at = time.time()
    cluster.handlers["work-1"].kill()

    eventually(lambda: api.instances("work").get("work-1") != "Connected", within=5, what="its loss to be noticed")
    for id_ in lost:
        first, second = api.ended(id_)["attempts"]
        assert (first["instance_id"], first["status"]) == ("work-1", "lost")
        assert (second["instance_id"], second["status"]) == ("work-2", "success")
        assert instant(second["started_at"]).timestamp() - killed_at <= 5.0
    others = set(ids) - set(lost)
    assert {api.ended(id_)["attempt_number"] for id_ in others} <= {1}
    cluster.handlers["work-1"].start()
    cluster.deployment.await_instances(*INSTANCES)


def test_without_the_registry_work_goes_on_and_it_learns_of_every_handler_after_its_restart(cluster: Cluster) -> None:
    api, registry = cluster.api, cluster.deployment.registry
    registry.kill()
    assert {api.run("work", "where", wait_seconds=10)["status"] for _ in range(10)} == {"success"}
    assert api.get("/api/health").json()["components"]["registry"]["status"] == "unavailable"

    restarted_at = datetime.now(UTC)
    registry.start()
    eventually(lambda: api.reaches("/api/handlers"), what="the registry")
    answered_at = time.time()
    eventually(lambda: heard_since(api, restarted_at) == set(INSTANCES), what="both instances")

    assert time.time() - answered_at <= 2.0
    assert {api.run("work", "where", wait_seconds=10)["status"] for _ in range(10)} == {"success"}


def test_a_killed_gateway_takes_nothing_with_it(cluster: Cluster) -> None:
    api, web = cluster.api, cluster.deployment.web
    schedule_id = api.schedule("work", "noop", EVERY_SECOND)
    running = api.run("work", "sleep", {"seconds": 2})["execution_id"]

    web.kill()
    gone_at = time.time()
    until(gone_at + 2)
    web.start()
    cluster.deployment.await_ready()

    assert api.ended(running)["status"] == "success"
    fires = eventually(lambda: fires_of(api, schedule_id, 3), what="the fires")
    assert min(instant(one["created_at"]).timestamp() for one in fires) < gone_at + 2
    pause(api, [schedule_id])
    check_sound(api.read(f"/api/schedules/{schedule_id}"), api.executions(schedule_id=schedule_id))


def test_nothing_of_this_has_left_a_traceback(cluster: Cluster) -> None:
    assert cluster.deployment.tracebacks == []


# -- what is looked at ------------------------------------------------------------------------------------------------


def create_schedules(api: Api, policy: str) -> list[str]:
    options = {"catch_up": policy, "misfire_grace_seconds": GRACE_SECONDS, "overlap": "allow"}
    return [api.schedule("work", "noop", EVERY_SECOND, {"n": n}, **options) for n in range(SCHEDULES)]


def slowness(deployment: Deployment) -> float:
    """How many times slower than usual programs start, on a machine that is busy with other things; 1 at least."""
    began = time.monotonic()
    imports = deployment.program("imports", (sys.executable, "-c", "import schedulezero.service.scheduler")).start()
    assert imports.wait() == 0
    return max((time.monotonic() - began) / IMPORT_SECONDS, 1.0)


def fired(api: Api, schedules: list[str]) -> int:
    return min(int(api.read(f"/api/schedules/{id_}")["runs"]) for id_ in schedules)


def first_fire_after(api: Api, moment: float) -> float | None:
    """When the first execution of a schedule was decided after `moment`."""
    page = api.get("/api/executions", params={"limit": 1000})
    if page.status_code != 200:
        return None
    decided = [instant(one["created_at"]).timestamp() for one in page.json()["records"] if one["scheduled_for"]]
    return min((at for at in decided if at > moment), default=None)


def pause(api: Api, schedules: list[str]) -> None:
    for id_ in schedules:
        api.do(f"/api/schedules/{id_}/pause")
    eventually(lambda: all(one["status"] in ENDED for one in api.executions()), what="the end of all runs")


def check_sound(schedule: dict[str, Any], records: list[dict[str, Any]]) -> None:
    """Every instant, from the first to the last that was decided, has its row."""
    last = max(instant((one["covers"] or {"to": one["scheduled_for"]})["to"]) for one in records)
    due = every(1, first=instant(schedule["trigger_config"]["start_time"]), through=last)
    assert ledger_faults(records, due) == []


def check_catch_up(
    policy: str, schedule: dict[str, Any], records: list[dict[str, Any]], killed_at: float, back_at: float
) -> None:
    """What was missed, that is older than the grace when it was decided, became what the policy makes of it."""
    check_sound(schedule, records)
    ranges = [one for one in records if one["covers"] is not None]
    skipped = [one for one in records if one["status"] == "skipped"]
    if policy == "all":
        assert (ranges, skipped) == ([], [])
        return
    (missed,) = ranges
    assert missed["covers"]["count"] >= DOWN_SECONDS - GRACE_SECONDS - 1
    assert killed_at - 1 <= instant(missed["covers"]["from"]).timestamp()
    assert instant(missed["covers"]["to"]).timestamp() <= back_at
    if policy == "skip":
        assert skipped == ranges
        assert missed["reason"] == "misfire"
    else:
        assert (skipped, missed["status"], missed["scheduled_for"]) == ([], "success", missed["covers"]["to"])


def cluster_runs(cluster: Cluster, ids: list[str]) -> dict[str, int]:
    begun = [run.execution_id for run in cluster.deployment.diary]
    return {id_: begun.count(id_) for id_ in ids}


def runs_on(api: Api, id_: str, instance_id: str) -> bool:
    record = api.execution(id_)
    return (record["status"], record["instance_id"]) == ("running", instance_id)


def heard_since(api: Api, moment: datetime) -> set[str]:
    handlers = {one["id"]: one for one in api.read("/api/handlers")["handlers"]}
    instances = handlers["work"]["instances"]
    return {
        one["instance_id"] for one in instances if one["status"] == "Connected" and instant(one["last_seen"]) > moment
    }


def fires_of(api: Api, schedule_id: str, count: int) -> list[dict[str, Any]] | None:
    fires = api.executions(schedule_id=schedule_id)
    return fires if len(fires) >= count else None
