"""Bots that cannot start: what their users have to mend is one line, and the exit code is 2."""

import pytest
from discord_bots import ASYNCIO, COGS, THREADED, Bots
from fake_discord.server import FakeDiscord

from schedulezero.testkit.programs import Program

FAULTS = {
    "no token": (ASYNCIO, {"DISCORD_TOKEN": " "}),
    "unknown token": (ASYNCIO, {"DISCORD_TOKEN": "mistyped-token"}),
    "setting, threaded": (THREADED, {"SCHEDULEZERO_HANDLER_CONCURRENCY": "many"}),
    "setting, cogs": (COGS, {"SCHEDULEZERO_HANDLER_CONCURRENCY": "many"}),
    "intent": (COGS, {}),
    "no network": (ASYNCIO, {"FAKE_DISCORD": "http://127.0.0.1:1"}),
}


@pytest.fixture(scope="module")
def faulty(bots: Bots, fake: FakeDiscord) -> dict[str, Program]:
    """A bot with each fault, all started together."""
    fake.gateway.allows_message_content = False
    return {fault: bots.program(script, **environ).start() for fault, (script, environ) in FAULTS.items()}


def refused(bot: Program, code: int = 2) -> str:
    """What a bot has ended with: one line."""
    assert bot.wait(within=60) == code  # six of them start at once
    assert not bot.said("Traceback")
    return bot.text.splitlines()[-1]


def test_a_token_that_is_not_there_is_asked_for(faulty: dict[str, Program]) -> None:
    assert refused(faulty["no token"]).startswith("DISCORD_TOKEN is not set: give it")
    assert faulty["no token"].text.count("\n") == 1


def test_a_token_that_discord_does_not_know_is_not_repeated(faulty: dict[str, Program]) -> None:
    assert refused(faulty["unknown token"]).startswith("DISCORD_TOKEN: Discord does not know this token")
    assert "mistyped-token" not in faulty["unknown token"].text


@pytest.mark.parametrize("fault", ["setting, threaded", "setting, cogs"])
def test_a_setting_that_cannot_be_used_is_named(faulty: dict[str, Program], fault: str) -> None:
    assert refused(faulty[fault]).startswith("SCHEDULEZERO_HANDLER_CONCURRENCY=")


def test_an_intent_that_is_not_permitted_is_named(faulty: dict[str, Program]) -> None:
    assert "Message Content Intent" in refused(faulty["intent"])


def test_a_discord_that_cannot_be_reached_is_worth_another_start(faulty: dict[str, Program]) -> None:
    assert refused(faulty["no network"], code=1).startswith("Discord cannot be reached: ")
