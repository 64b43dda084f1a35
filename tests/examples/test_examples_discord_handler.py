"""The asyncio bot: its jobs at a Discord that works and at one that does not."""

import json

import pytest
from discord_bots import ASYNCIO, Bots
from fake_discord.server import TOKEN, FakeDiscord
from fake_discord.world import ELSEWHERE, GENERAL, NEWS

from schedulezero.testkit.api import Api
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

HANDLER = "discord"
AGAIN = {"max_attempts": 3, "base_seconds": 0.1, "jitter": 0}
POST = f"POST /channels/{GENERAL}/messages"


@pytest.fixture(scope="module")
def bot(bots: Bots) -> Program:
    return bots.start(ASYNCIO, HANDLER)


@pytest.fixture
def api(system: Deployment, bot: Program) -> Api:
    """The API of a system that the bot is connected to."""
    return system.api


def sent(api: Api, text: str, channel_id: str = GENERAL, **options: object) -> dict[str, object]:
    """The execution of `send_message`, once it has ended."""
    run = api.run(HANDLER, "send_message", {"channel_id": channel_id, "text": text}, retry=AGAIN, **options)
    return api.ended(run["execution_id"])


def answers(fake: FakeDiscord, request: str) -> list[str]:
    """The statuses of the answers to this request, in order."""
    return [line.rpartition(" ")[2] for line in fake.requests if line.startswith(f"{request} ")]


def test_a_schedule_posts_messages(api: Api, fake: FakeDiscord) -> None:
    every = {"type": "interval", "seconds": 0.2}

    api.schedule(HANDLER, "send_message", every, {"channel_id": NEWS, "text": "the hour strikes"}, max_runs=2)

    eventually(lambda: fake.texts(NEWS) == ["the hour strikes"] * 2, what="two messages")


def test_the_result_is_the_id_of_the_message(api: Api, fake: FakeDiscord) -> None:
    ended = sent(api, "which one?")

    assert ended["status"] == "success"
    assert ended["result"] == {"message_id": fake.posted[-1]["id"]}


def test_nobody_is_notified_by_what_a_message_mentions(api: Api, fake: FakeDiscord) -> None:
    sent(api, "@everyone wake up")

    assert fake.posted[-1]["allowed_mentions"] == {"parse": []}


def test_what_is_no_id_is_refused_before_anything_is_stored(api: Api) -> None:
    refused = api.do("/api/run_now", job("#general"), status=422)

    assert refused["error"]["details"][0]["path"] == "job_params.channel_id"


def test_a_message_that_is_too_long_is_refused_before_anything_is_stored(api: Api) -> None:
    refused = api.do("/api/run_now", job(GENERAL, "x" * 2001), status=422)

    assert refused["error"]["details"][0]["path"] == "job_params.text"


def job(channel_id: str, text: str = "hello") -> dict[str, object]:
    params = {"channel_id": channel_id, "text": text}
    return {"handler_id": HANDLER, "method_name": "send_message", "job_params": params}


@pytest.mark.parametrize(
    ("status", "words"), [(403, "Missing Permissions"), (404, "Unknown Channel"), (400, "Cannot send an empty message")]
)
def test_what_discord_refuses_is_not_tried_again(api: Api, fake: FakeDiscord, status: int, words: str) -> None:
    fake.fail_next(f"POST /channels/{ELSEWHERE}", status, {"message": words, "code": 50013})

    ended = sent(api, "let me in", ELSEWHERE)

    assert (ended["status"], ended["attempt_number"]) == ("error", 1)
    assert words in json.dumps(ended["error"])


def test_when_discord_is_in_trouble_the_job_is_tried_again(api: Api, fake: FakeDiscord) -> None:
    fake.fail_next(POST, 503)

    ended = sent(api, "after the outage")

    assert (ended["status"], ended["attempt_number"]) == ("success", 2)


def test_a_message_whose_answer_was_lost_is_not_posted_twice(api: Api, fake: FakeDiscord) -> None:
    fake.fail_next(POST, 503, after_doing=True)

    ended = sent(api, "once")

    assert (ended["status"], ended["attempt_number"]) == ("success", 2)
    assert fake.history(GENERAL).count("once") == 1


def test_a_rate_limit_is_waited_for_within_the_attempt(api: Api, fake: FakeDiscord) -> None:
    limited = {"message": "You are being rate limited.", "retry_after": 0.2, "global": False}
    fake.fail_next(POST, 429, limited, headers={"Retry-After": "1"})
    before = len(fake.requests)

    ended = sent(api, "patience")

    assert (ended["status"], ended["attempt_number"]) == ("success", 1)
    assert fake.requests[before:] == [f"{POST} 429", f"{POST} 200"]


def test_the_gateway_may_ask_the_bot_to_reconnect(api: Api, fake: FakeDiscord) -> None:
    resumed = fake.gateway.resumed

    fake.reconnect()

    eventually(lambda: fake.gateway.resumed == resumed + 1, what="the session to go on")
    api.run(HANDLER, "set_activity", {"text": "on duty again"}, wait_seconds=10)
    eventually(lambda: fake.gateway.activities[-1]["state"] == "on duty again", what="the activity")


def test_a_lost_session_is_begun_anew_and_messages_go_on_meanwhile(api: Api, fake: FakeDiscord) -> None:
    identified = fake.gateway.identified

    fake.lose_session()

    assert sent(api, "without the gateway")["status"] == "success"
    eventually(lambda: fake.gateway.identified == identified + 1, what="a session")


def test_the_bot_sends_heartbeats_to_the_gateway(bot: Program, fake: FakeDiscord) -> None:
    before = fake.gateway.heartbeats

    eventually(lambda: fake.gateway.heartbeats >= before + 2, what="two heartbeats")


def test_the_token_is_not_in_the_log(bot: Program) -> None:
    assert "connected to Gateway" in bot.text
    assert TOKEN not in bot.text
