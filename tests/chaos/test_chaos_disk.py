"""A disk without a free byte: commands are refused and told why, nothing accepted is lost, and with room it goes on.

The database alone is on a small disk of its own, which is filled under load; the tests look at what came of it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import pytest

from schedulezero.testkit.api import Api, job
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.small_disk import SmallDisk, small_disk
from schedulezero.testkit.waiting import eventually, until

from .load import EVERY_SECOND, HANDLER, Load
from .promises import broken_promises
from .starting import start

DISK_MEBIBYTES = 24
OUTLASTING_SECONDS = 3.0
"""How long the work takes that begins before the disk is full and ends while it is."""

PATIENCE_SECONDS = 60.0
START_FAILED = 2
RUN = job(HANDLER, "sign")
COMMANDS: dict[str, tuple[str, Any]] = {
    "a run": ("/api/run_now", RUN),
    "a batch": ("/api/run_now/batch", {"runs": [RUN, RUN]}),
    "a schedule": ("/api/schedule", {**RUN, "trigger_config": EVERY_SECOND, "schedule_id": "never"}),
    "a pause": ("/api/pause", {"reason": "the disk is full"}),
}

pytestmark = pytest.mark.timeout(300)


@dataclass(slots=True)
class Story:
    """One system, what was seen of it while its disk was full, and what was wrong afterwards."""

    deployment: Deployment
    load: Load
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def api(self) -> Api:
        return self.deployment.api


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    directory = tmp_path_factory.mktemp("disk")
    with small_disk(directory / "small", DISK_MEBIBYTES) as disk, Deployment(directory / "state") as deployment:
        yield tell(deployment, disk)


def tell(deployment: Deployment, disk: SmallDisk) -> Story:
    """Fill the disk under load, start the scheduler anew on it, and make room again."""
    story = Story(deployment, Load(deployment.api, Random(0)))
    deployment.scheduler.under(SCHEDULEZERO_DATABASE_URL=f"sqlite:///{disk.root / 'jobs.db'}")
    start(deployment, deployment.handler("work-1"))
    with story.load.running():
        story.load.await_progress()
        outlasting = story.load.run(OUTLASTING_SECONDS)["execution_id"]
        eventually(lambda: story.api.execution(outlasting)["status"] == "running", what="its begin")
        began = time.time()
        disk.fill()
        look_while_it_is_full(story, outlasting, began)
        disk.make_room()
        story.load.await_progress()
        end_and_start_on_a_full_disk(story, disk)
        disk.make_room()
        deployment.scheduler.start()
        story.load.await_progress()
    story.seen["outlasting"] = story.api.ended(outlasting, within=PATIENCE_SECONDS)
    story.faults = [*broken_promises(deployment, story.load), *deployment.tracebacks]
    return story


def look_while_it_is_full(story: Story, outlasting: str, began: float) -> None:
    """See what is answered, until the work that outlasts it has ended in its handler."""
    eventually(lambda: is_refused(story), within=PATIENCE_SECONDS, what="a refusal")
    story.answers = {name: story.api.post(path, json=body) for name, (path, body) in COMMANDS.items()}
    story.seen["health"] = story.api.read("/api/health")
    story.seen["ready"] = story.api.reaches("/api/health/ready")
    until(began + OUTLASTING_SECONDS + 1)
    story.seen["meanwhile"] = story.api.execution(outlasting)["status"]


def is_refused(story: Story) -> bool:
    """Ask for a run; it may still be accepted."""
    try:
        story.load.run(0)
    except AssertionError:
        return True
    return False


def end_and_start_on_a_full_disk(story: Story, disk: SmallDisk) -> None:
    scheduler = story.deployment.scheduler
    disk.fill()
    eventually(lambda: is_refused(story), within=PATIENCE_SECONDS, what="a refusal")
    story.seen["exit code of the end"] = scheduler.end(within=PATIENCE_SECONDS)
    # A database that is closed has given back the space of its log.
    disk.fill()
    said = len(scheduler.text)
    story.seen["exit code of the start"] = scheduler.start().wait(within=PATIENCE_SECONDS)
    story.seen["last words"] = scheduler.text[said:].splitlines()


# -- what came of it --------------------------------------------------------------------------------------------------


def test_a_full_disk_loses_and_doubles_nothing(story: Story) -> None:
    assert story.faults == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_on_a_full_disk_is_refused_and_told_why_and_when_to_ask_again(story: Story, name: str) -> None:
    answer = story.answers[name]

    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["error"]["code"] == "unavailable"
    assert "full" in answer.json()["error"]["message"]
    assert int(answer.headers["Retry-After"]) >= 1


def test_what_was_refused_has_stored_nothing(story: Story) -> None:
    assert story.api.get("/api/schedules/never").status_code == httpx.codes.NOT_FOUND
    assert story.api.read("/api/health")["paused"] is None


def test_health_says_that_the_disk_is_full(story: Story) -> None:
    database = story.seen["health"]["components"]["database"]

    assert (database["status"], story.seen["ready"]) == ("failing", False)
    assert "full" in database["message"]


def test_an_outcome_that_could_not_be_stored_is_kept_by_its_handler_until_it_can(story: Story) -> None:
    ended = story.seen["outlasting"]

    assert story.seen["meanwhile"] == "running"
    assert (ended["status"], ended["attempt_number"]) == ("success", 1)


def test_a_scheduler_ends_as_it_should_on_a_full_disk(story: Story) -> None:
    assert story.seen["exit code of the end"] == 0


def test_a_scheduler_that_is_started_on_a_full_disk_says_so_in_one_line(story: Story) -> None:
    (line,) = story.seen["last words"]

    assert story.seen["exit code of the start"] == START_FAILED
    assert "full" in line
