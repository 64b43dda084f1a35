"""A handler of plain sockets and json takes part like any other: it registers, works, and is lost and found."""

import sys
from pathlib import Path

import pytest

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

EXAMPLE = Path(__file__).parents[2] / "docs_site" / "examples" / "plain_handler.py"


@pytest.fixture
def plain(deployment: Deployment) -> Program:
    """The example, connected to a deployment."""
    deployment.start()
    deployment.await_ready()
    program = deployment.program("plain", [sys.executable, str(EXAMPLE)]).start()
    connected(deployment)
    return program


def connected(deployment: Deployment) -> None:
    def is_connected() -> bool:
        answer = deployment.api.get("/api/handlers/plain")
        return answer.status_code == 200 and answer.json()["status"] == "Connected"

    eventually(is_connected, within=20, what="the plain handler")


def test_a_handler_of_plain_sockets_serves_runs_and_schedules_and_leaves_in_order(
    deployment: Deployment, plain: Program
) -> None:
    api = deployment.api

    assert api.run("plain", "add", {"a": 2, "b": 40}, wait_seconds=10)["result"] == 42
    every = {"type": "interval", "seconds": 0.2}
    schedule_id = api.schedule("plain", "greet", every, {"name": "Ada"}, max_runs=3, overlap="allow")
    eventually(
        lambda: [r["status"] for r in api.executions(schedule_id=schedule_id)] == ["success"] * 3,
        within=10,
        what="three successes",
    )
    refused = api.post("/api/run_now", json={"handler_id": "plain", "method_name": "add", "job_params": {"a": "x"}})
    assert refused.status_code == 422

    assert plain.end(within=10) == 0
    eventually(lambda: api.get("/api/handlers/plain").json()["status"] == "Disconnected", within=5, what="its leave")


def test_a_killed_handler_of_plain_sockets_is_succeeded_by_its_next_start(
    deployment: Deployment, plain: Program
) -> None:
    plain.kill()
    waiting = deployment.api.run("plain", "greet", {"name": "Grace"})["execution_id"]

    plain.start()

    done = deployment.api.ended(waiting, within=20)
    assert done["status"] == "success"
