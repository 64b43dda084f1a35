"""How the bots end: both sides together, and what runs is finished."""

import signal
from pathlib import Path

import pytest
from discord_bots import ASYNCIO, COGS, THREADED, Bots
from fake_discord.server import FakeDiscord
from fake_discord.world import GENERAL

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.waiting import eventually

HANDLERS = {ASYNCIO: "discord", THREADED: "discord-threaded", COGS: "discord-cogs"}
METHODS = {ASYNCIO: "send_message", THREADED: "send_message", COGS: "announcements.say"}


def each(*scripts: Path) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("script", scripts, ids=lambda script: script.stem)


@each(ASYNCIO, THREADED, COGS)
def test_sigterm_lets_a_message_that_is_under_way_arrive(
    system: Deployment, bots: Bots, fake: FakeDiscord, script: Path
) -> None:
    bot = bots.start(script, HANDLERS[script])
    held = fake.hold_next(f"POST /channels/{GENERAL}/messages")
    params = {"channel_id": GENERAL, "text": f"last words of {script.stem}"}
    run = system.api.run(HANDLERS[script], METHODS[script], params)
    assert held.arrived.wait(10)

    bot.send(signal.SIGTERM)
    eventually(lambda: bot.said("draining: 1 jobs are running"), what="the drain")
    held.release.set()

    assert bot.wait() == 0
    assert system.api.ended(run["execution_id"])["status"] == "success"
    assert params["text"] in fake.texts(GENERAL)
    assert not bot.said("Traceback")


@each(THREADED, COGS)
def test_a_drain_that_the_server_asks_for_ends_the_bot(system: Deployment, bots: Bots, script: Path) -> None:
    bot = bots.start(script, HANDLERS[script])

    system.api.do(f"/api/handlers/{HANDLERS[script]}/drain")

    assert bot.wait() == 0
    assert not bot.said("Traceback")


@each(ASYNCIO, THREADED)
def test_when_discord_ends_the_connection_for_good_the_handler_ends_too(
    system: Deployment, bots: Bots, fake: FakeDiscord, script: Path
) -> None:
    bot = bots.start(script, HANDLERS[script])

    fake.disconnect(4013)

    assert bot.wait() == 1
    assert bot.text.splitlines()[-1] == "Discord has ended the connection with code 4013; start the bot again"
    assert not bot.said("Traceback")
    assert "Connected" not in system.api.instances(HANDLERS[script]).values()


@each(ASYNCIO, THREADED, COGS)
def test_a_signal_while_the_bot_logs_in_ends_it_too(bots: Bots, fake: FakeDiscord, script: Path) -> None:
    held = fake.hold_next("GET /users/@me")
    bot = bots.program(script).start()
    assert held.arrived.wait(60)

    bot.send(signal.SIGTERM)
    held.release.set()

    assert bot.wait() == 0
    assert not bot.said("Traceback")
