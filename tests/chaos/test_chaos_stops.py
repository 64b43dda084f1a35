"""A process that stands still for ten seconds and goes on: nothing is lost or doubled, and what was late is told.

Each process is stopped in a system of its own, all of them at the same time; the tests look at what came of it.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from schedulezero.testkit.api import Api
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.ledger import instant
from schedulezero.testkit.waiting import eventually, until

from .load import HANDLER, Load
from .promises import broken_promises
from .starting import start

STOP_SECONDS = 10.0
OVERTAKEN_SECONDS = 8.0
"""How long the work takes whose instance stands still: it is over as soon as the instance goes on."""

FREEZE_SECONDS = 6.0
PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.timeout(300)


@dataclass(slots=True)
class Story:
    """One system, what was seen in it while one of its processes stood still, and what was wrong afterwards."""

    deployment: Deployment
    load: Load
    seen: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def api(self) -> Api:
        return self.deployment.api


def stop_scheduler(story: Story) -> None:
    story.seen["running"] = story.load.run(OVERTAKEN_SECONDS)["execution_id"]
    began = time.time()
    with story.deployment.scheduler.standing_still():
        until(began + STOP_SECONDS)
    story.seen["middle"] = (began + time.time()) / 2


def stop_registry(story: Story) -> None:
    began = time.time()
    with story.deployment.registry.standing_still():
        until(began + STOP_SECONDS)
    story.seen["instances"] = eventually(lambda: story.api.instances(HANDLER), what="the registry")


def stop_gateway(story: Story) -> None:
    """Ask for something while it stands still: the request waits in its socket.

    It may be sent on over a connection that the scheduler has given up meanwhile; the asker is told so, and asks again.
    """
    began = time.time()
    with ThreadPoolExecutor(1) as thread:
        with story.deployment.web.standing_still():
            asked = thread.submit(story.load.run_for_certain, "meanwhile", 0, wait_seconds=20)
            until(began + STOP_SECONDS)
        story.seen["answer"] = asked.result()


def stop_handler(story: Story) -> None:
    """Let an instance stand still with work on it until that has begun elsewhere, and longer than it takes."""
    deployment, api = story.deployment, story.api
    deployment.handler("work-2").start()
    deployment.handler("other-1", "other").start()
    deployment.await_instances("work-1", "work-2")
    deployment.await_instances("other-1", handler_id="other")
    ids = [story.load.run(OVERTAKEN_SECONDS)["execution_id"] for _ in range(6)]
    overtaken = eventually(lambda: [id_ for id_ in ids if runs_on(api, id_, "work-1")], what="work on the instance")
    frozen = api.run("other", "freeze", {"seconds": FREEZE_SECONDS})["execution_id"]
    began = time.time()
    with next(one for one in deployment.programs if one.name == "work-1").standing_still():
        await_unresponsive(api, "work-1", HANDLER)
        await_unresponsive(api, "other-1", "other")
        await_second_attempts(api, overtaken)
        until(began + STOP_SECONDS)
    story.seen["overtaken"] = [api.ended(id_, within=PATIENCE_SECONDS) for id_ in overtaken]
    story.seen["frozen"] = api.ended(frozen, within=PATIENCE_SECONDS)


CASES: Mapping[str, Callable[[Story], None]] = {
    "scheduler": stop_scheduler,
    "registry": stop_registry,
    "gateway": stop_gateway,
    "handler": stop_handler,
}


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Story]]]:
    """What comes of each stop, in systems that run side by side."""
    deployments = {victim: Deployment(tmp_path_factory.mktemp(victim)) for victim in CASES}
    with ThreadPoolExecutor(len(CASES)) as threads:
        try:
            yield {victim: threads.submit(tell, deployments[victim], stop) for victim, stop in CASES.items()}
        finally:
            list(threads.map(Deployment.close, deployments.values()))


def tell(deployment: Deployment, stop: Callable[[Story], None]) -> Story:
    """Let one thing stand still under load, and go on."""
    story = Story(deployment, Load(deployment.api, Random(0)))
    start(deployment, deployment.handler("work-1"))
    with story.load.running():
        story.load.await_progress()
        stop(story)
        story.load.await_progress()
    story.faults = [*broken_promises(deployment, story.load), *deployment.tracebacks]
    return story


@pytest.mark.parametrize("victim", CASES)
def test_a_process_that_stood_still_for_ten_seconds_has_lost_and_doubled_nothing(
    stories: dict[str, Future[Story]], victim: str
) -> None:
    assert stories[victim].result().faults == []


def test_a_scheduler_that_stood_still_beyond_its_lease_goes_on_and_accounts_for_what_it_missed(
    stories: dict[str, Future[Story]],
) -> None:
    story = stories["scheduler"].result()
    lives = story.deployment.scheduler.lines("service.started", name="scheduler")
    running = story.api.execution(story.seen["running"])
    missed = covering(story, "skip-allow")

    assert len(lives) == 1
    assert (running["status"], running["attempt_number"]) == ("success", 1)
    assert (missed["status"], missed["reason"]) == ("skipped", "misfire")
    assert missed["covers"]["count"] >= STOP_SECONDS - 4
    assert covering(story, "latest-allow")["status"] == "success"


def test_why_an_instant_did_not_run_at_which_the_scheduler_stood_still_is_explained(
    stories: dict[str, Future[Story]],
) -> None:
    story = stories["scheduler"].result()
    amid = instant(covering(story, "skip-allow")["covers"]["from"]) + timedelta(seconds=3)

    told = story.api.read("/api/schedules/skip-allow/explain", at=amid.isoformat())

    assert (told["decision"], told["reason"]) == ("skipped", "misfire")
    assert "as its process stood still" in told["text"]


def test_a_registry_that_stood_still_takes_nobody_for_lost(stories: dict[str, Future[Story]]) -> None:
    story = stories["registry"].result()

    assert story.seen["instances"] == {"work-1": "Connected"}
    assert story.deployment.scheduler.lines("instance.lost") == []


def test_a_gateway_that_stood_still_answers_what_it_was_asked_meanwhile(stories: dict[str, Future[Story]]) -> None:
    assert stories["gateway"].result().seen["answer"]["status"] == "success"


def test_work_of_an_instance_that_stood_still_is_lost_retried_and_not_overwritten_by_its_late_answer(
    stories: dict[str, Future[Story]],
) -> None:
    story = stories["handler"].result()

    for record in story.seen["overtaken"]:
        first, second = record["attempts"]
        assert (first["instance_id"], first["status"]) == ("work-1", "lost")
        assert (second["instance_id"], second["status"]) == ("work-2", "success")
        assert record["result"]["attempt"] == 2


def test_an_instance_whose_program_is_silent_is_shown_and_keeps_its_work(stories: dict[str, Future[Story]]) -> None:
    story = stories["handler"].result()
    frozen = story.seen["frozen"]

    assert (frozen["status"], frozen["attempt_number"], frozen["instance_id"]) == ("success", 1, "other-1")


# -- what is looked at ------------------------------------------------------------------------------------------------


def runs_on(api: Api, id_: str, instance_id: str) -> bool:
    record = api.execution(id_)
    return (record["status"], record["instance_id"]) == ("running", instance_id)


def await_unresponsive(api: Api, instance_id: str, handler_id: str) -> None:
    eventually(
        lambda: api.instances(handler_id)[instance_id] == "Unresponsive",
        within=PATIENCE_SECONDS,
        what=f"the silence of {instance_id} to be shown",
    )


def await_second_attempts(api: Api, ids: list[str]) -> None:
    eventually(
        lambda: all(api.execution(id_)["attempt_number"] == 2 for id_ in ids),
        within=PATIENCE_SECONDS,
        what="the work to begin elsewhere",
    )


def covering(story: Story, schedule_id: str) -> dict[str, Any]:
    """The range row of a schedule that accounts for the middle of the stop."""
    rows = [one for one in story.api.executions(schedule_id=schedule_id) if one["covers"]]
    (row,) = [one for one in rows if moment(one, "from") <= story.seen["middle"] <= moment(one, "to")]
    return row


def moment(row: dict[str, Any], end: str) -> float:
    return instant(row["covers"][end]).timestamp()
