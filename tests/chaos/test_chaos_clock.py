"""A wall clock that is stepped by an hour: every instant is decided once, and spans of time stay what they are.

The clock of one system is stepped under the scheduler alone, that of another under all of its processes: forward by an
hour, back again, and forward again. The tests look at what came of it.
"""

import time
from collections.abc import Iterator
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
from schedulezero.testkit.wall_clock import WallClock

from .load import HANDLER, MAX_CATCH_UP, Load
from .promises import broken_promises
from .starting import start

HOUR = 3600
NEARLY_AN_HOUR = HOUR - 60
LOOK_SECONDS = 3.0
"""How long is looked at schedules that are not to fire."""

SPAN_SECONDS = 3.0
PATIENCE_SECONDS = 20.0
UNDER = ("the scheduler", "everything")

OTHER = "other"
"""The handler of the work whose spans of time are looked at."""

pytestmark = pytest.mark.timeout(300)


@dataclass(slots=True)
class Story:
    """One system, its clock, what was seen while it was stepped, and what was wrong afterwards."""

    deployment: Deployment
    clock: WallClock
    load: Load
    seen: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def api(self) -> Api:
        return self.deployment.api


Stories = dict[str, Future[Story]]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """What comes of the steps, in systems that run side by side."""
    directories = {under: tmp_path_factory.mktemp(under.split()[-1]) for under in UNDER}
    clocks = {under: WallClock(directory / "clock") for under, directory in directories.items()}
    deployments = {under: Deployment(directory) for under, directory in directories.items()}
    with ThreadPoolExecutor(len(UNDER)) as threads:
        try:
            yield {under: threads.submit(tell, under, deployments[under], clocks[under]) for under in UNDER}
        finally:
            list(threads.map(Deployment.close, deployments.values()))


def tell(under: str, deployment: Deployment, clock: WallClock) -> Story:
    """Step the clock under load: an hour forward, back, and forward again."""
    story = Story(deployment, clock, Load(deployment.api, Random(0)))
    handlers = [deployment.handler("work-1"), deployment.handler("other-1", OTHER)]
    for program in deployment.programs if under == "everything" else [deployment.scheduler]:
        program.under(**clock.environ)
    start(deployment, *handlers)
    deployment.await_instances("other-1", handler_id=OTHER)
    with story.load.running():
        story.load.await_progress()
        step_forward(story)
        story.load.await_progress()
        step_back(story)
        look_at_schedules_that_wait(story)
        clock.put_ahead(HOUR)
        story.load.await_progress()
    story.seen["instances"] = {**story.api.instances(HANDLER), **story.api.instances(OTHER)}
    story.faults = [*broken_promises(deployment, story.load), *deployment.tracebacks]
    return story


def step_forward(story: Story) -> None:
    """Put the clock on, with work under way that has far less time than an hour."""
    api = story.api
    running = api.run(OTHER, "sign", {"seconds": SPAN_SECONDS}, timeout_seconds=600)["execution_id"]
    eventually(lambda: api.execution(running)["status"] == "running", within=PATIENCE_SECONDS, what="its begin")
    story.clock.put_ahead(HOUR)
    story.seen["running"] = api.ended(running, within=PATIENCE_SECONDS)


def step_back(story: Story) -> None:
    """Put the clock back, with an attempt that is to be tried again soon."""
    api, retry = story.api, {"base_seconds": SPAN_SECONDS, "jitter": 0}
    retrying = api.run(OTHER, "fail_times", {"times": 1}, retry=retry)["execution_id"]
    eventually(lambda: api.execution(retrying)["status"] == "retrying", within=PATIENCE_SECONDS, what="its failure")
    story.clock.put_ahead(0)
    story.seen["retried"] = ended_or_not(api, retrying)


def look_at_schedules_that_wait(story: Story) -> None:
    """See what schedules do whose last decision lies in the future."""
    before = newest_fires(story)
    until(time.time() + LOOK_SECONDS)
    story.seen["fires"] = (before, newest_fires(story))
    story.seen["by hand"] = story.load.run(0, wait_seconds=20)


# -- the ledger -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("under", UNDER)
def test_a_stepped_clock_loses_and_doubles_nothing(stories: Stories, under: str) -> None:
    assert stories[under].result().faults == []


@pytest.mark.parametrize("under", UNDER)
def test_the_instants_of_an_hour_that_was_stepped_over_are_caught_up_by_policy(stories: Stories, under: str) -> None:
    story = stories[under].result()

    latest, skipped, older = (over_the_hour(story, f"{policy}-allow") for policy in ("latest", "skip", "all"))
    assert (latest["status"], latest["scheduled_for"]) == ("success", latest["covers"]["to"])
    assert (skipped["status"], skipped["reason"]) == ("skipped", "misfire")
    assert (older["status"], older["reason"]) == ("skipped", "misfire")
    assert older["covers"]["count"] + MAX_CATCH_UP >= NEARLY_AN_HOUR


@pytest.mark.parametrize("under", UNDER)
def test_after_a_step_back_nothing_fires_again_and_runs_by_hand_go_on(stories: Stories, under: str) -> None:
    story = stories[under].result()
    before, after = story.seen["fires"]

    assert before == after
    assert story.seen["by hand"]["status"] == "success"


# -- spans of time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("under", UNDER)
def test_no_instance_is_lost_by_a_step(stories: Stories, under: str) -> None:
    story = stories[under].result()

    assert story.seen["instances"] == {"work-1": "Connected", "other-1": "Connected"}
    assert story.deployment.scheduler.lines("instance.lost") == []


@pytest.mark.parametrize("under", UNDER)
def test_a_step_forward_ends_no_attempt_before_its_timeout(stories: Stories, under: str) -> None:
    running = stories[under].result().seen["running"]

    assert [attempt["status"] for attempt in running["attempts"]] == ["success"]


@pytest.mark.parametrize("under", UNDER)
def test_a_step_back_does_not_put_off_a_retry(stories: Stories, under: str) -> None:
    retried = stories[under].result().seen["retried"]

    assert (retried["status"], retried["attempt_number"]) == ("success", 2)


# -- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("under", UNDER)
def test_each_step_is_a_warning_in_the_log(stories: Stories, under: str) -> None:
    leapt = stories[under].result().deployment.scheduler.lines("clock.leapt", level="warning")

    steps = [round(line["stepped_seconds"] / HOUR) for line in leapt]
    assert [step for step in steps if step] == [1, -1, 1]


@pytest.mark.parametrize("under", UNDER)
def test_why_an_instant_did_not_run_that_was_stepped_over_is_explained(stories: Stories, under: str) -> None:
    story = stories[under].result()
    middle = instant(over_the_hour(story, "skip-allow")["covers"]["from"]) + timedelta(seconds=HOUR // 2)

    told = story.api.read("/api/schedules/skip-allow/explain", at=middle.isoformat())

    assert (told["decision"], told["reason"]) == ("skipped", "misfire")
    assert "as its clock was put ahead" in told["text"]
    (down,) = told["evidence"]["scheduler_down"]
    assert instant(down["to"]) - instant(down["from"]) >= timedelta(seconds=NEARLY_AN_HOUR)


# -- what is looked at ------------------------------------------------------------------------------------------------


def over_the_hour(story: Story, schedule_id: str) -> dict[str, Any]:
    """The one row of a schedule that accounts for most of an hour."""
    rows = [one for one in story.api.executions(schedule_id=schedule_id) if one["covers"]]
    (row,) = [one for one in rows if one["covers"]["count"] >= NEARLY_AN_HOUR - MAX_CATCH_UP]
    return row


def newest_fires(story: Story) -> dict[str, Any]:
    """When each schedule's newest execution was due."""
    rows = story.api.executions()
    fires = [(one["schedule_id"], instant(one["scheduled_for"])) for one in rows if one["scheduled_for"]]
    return {id_: max(due for of, due in fires if of == id_) for id_ in story.load.schedules}


def ended_or_not(api: Api, execution_id: str) -> dict[str, Any]:
    """Return an execution once it has ended, or as it is when the patience is over."""
    try:
        return api.ended(execution_id, within=PATIENCE_SECONDS)
    except AssertionError:
        return api.execution(execution_id)
