"""Idempotency keys are kept with their runs in one transaction: a scheduler that dies at its commit changes nothing."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from schedulezero.testkit.api import Api, job
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.dying import SIDES, Side
from schedulezero.testkit.waiting import eventually

RUN = ("/api/run_now", job("work", "noop"))
BATCH = ("/api/run_now/batch", {"runs": [job("work", "noop")] * 3})


@pytest.mark.parametrize("side", SIDES)
def test_what_is_asked_again_by_its_key_is_run_once_on_whichever_side_of_its_commit_the_scheduler_dies(
    deployment: Deployment, side: Side
) -> None:
    api = deployment.api
    dying = deployment.program("dying", (sys.executable, "-m", "schedulezero.testkit.dying", side))
    for program in (deployment.registry, dying, deployment.web, deployment.handler("work-1")):
        program.start()
    deployment.await_ready()
    deployment.await_instances("work-1")

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(ask, api.url, *request) for request in (RUN, BATCH)]
        assert dying.wait() == -signal.SIGKILL
        deployment.scheduler.start()
        unknown = [one.result() for one in asked]
    deployment.await_ready()
    answers = [[accepted(api, *request) for request in (RUN, BATCH)] for _ in range(2)]

    # Who came when it was dead already has not reached it.
    assert {one.status_code for one in unknown} == {503}
    assert "outcome_unknown" in {one.json()["error"]["code"] for one in unknown}
    assert answers[0] == answers[1]
    ids = [id_ for answer in answers[0] for id_ in answer]
    assert sorted(one["execution_id"] for one in api.executions()) == sorted(ids)
    assert {api.ended(id_)["status"] for id_ in ids} == {"success"}
    assert sorted(run.execution_id for run in deployment.diary) == sorted(ids)


def ask(url: str, path: str, body: Any) -> httpx.Response:
    with Api(url) as api:
        return api.post(path, json=body, headers={"Idempotency-Key": path})


def accepted(api: Api, path: str, body: Any) -> list[str]:
    """Ask until it is accepted, and return the ids of the executions."""
    answer = eventually(lambda: api.do(path, body, key=path), within=30)
    return list(answer["execution_ids"]) if "execution_ids" in answer else [answer["execution_id"]]
