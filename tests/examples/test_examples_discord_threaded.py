"""The threaded bot: plain functions that work through the bot's loop."""

import pytest
from discord_bots import THREADED, Bots
from fake_discord.server import FakeDiscord
from fake_discord.world import GENERAL, NEWS

from schedulezero.testkit.api import Api
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.waiting import eventually

HANDLER = "discord-threaded"


@pytest.fixture(scope="module")
def api(system: Deployment, bots: Bots) -> Api:
    """The API of a system that the bot is connected to."""
    bots.start(THREADED, HANDLER)
    return system.api


def test_a_schedule_posts_messages_from_threads(api: Api, fake: FakeDiscord) -> None:
    every = {"type": "interval", "seconds": 0.2}

    api.schedule(HANDLER, "send_message", every, {"channel_id": NEWS, "text": "from a thread"}, max_runs=2)

    eventually(lambda: fake.texts(NEWS) == ["from a thread"] * 2, what="two messages")


def test_a_lost_permission_is_an_error_that_is_not_tried_again(api: Api, fake: FakeDiscord) -> None:
    fake.fail_next("POST /channels", 403, {"message": "Missing Permissions", "code": 50013})

    ended = api.run(HANDLER, "send_message", {"channel_id": GENERAL, "text": "let me in"}, wait_seconds=10)

    assert ended["status"] == "error"
    assert ended["error"]["type"] == "Fail"
    assert len(api.execution(ended["execution_id"])["attempts"]) == 1


def test_blocking_work_is_done_in_the_thread(api: Api, fake: FakeDiscord) -> None:
    ended = api.run(HANDLER, "report_disk", {"channel_id": GENERAL}, wait_seconds=10)

    assert ended["status"] == "success"
    assert fake.texts(GENERAL)[-1].startswith("/ is ")


def test_what_cannot_be_is_an_error_that_names_the_parameter(api: Api) -> None:
    params = {"channel_id": GENERAL, "path": "/no/such/disk"}

    ended = api.run(HANDLER, "report_disk", params, wait_seconds=10)

    assert ended["error"] | {"traceback": None} == {
        "type": "Fail",
        "message": "path: there is no /no/such/disk on the bot's machine",
        "traceback": None,
    }


def test_cancelling_a_job_ends_its_request_on_the_bots_loop_and_frees_its_thread(api: Api, fake: FakeDiscord) -> None:
    held = fake.hold_next(f"POST /channels/{GENERAL}/messages")
    run = api.run(HANDLER, "send_message", {"channel_id": GENERAL, "text": "too late"})
    assert held.arrived.wait(10)

    api.do(f"/api/executions/{run['execution_id']}/cancel")

    assert api.ended(run["execution_id"])["status"] == "cancelled"
    eventually(lambda: running(api) == 0, what="the slot to be free")
    held.release.set()


def running(api: Api) -> int:
    """How many slots of the bot are taken."""
    instances = api.read(f"/api/handlers/{HANDLER}")["instances"]
    return sum(instance["running"] for instance in instances if instance["status"] == "Connected")
