"""Sprockets are found, one that is broken is told and left out, and all can be loaded anew while the bot runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cogs import sprocket_loading
from cogs.sprocket_loading import SprocketError, build_sprocket, find_sprockets
from cogs.sprockets.reminders import parse_delay
from discord.ext import commands
from discord_bots import Bots
from fake_discord.server import FakeDiscord
from fake_discord.world import ADA, GENERAL

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.waiting import eventually

HANDLER = "discord-cogs"
SPROCKET = """
from cogs.sprocket import Sprocket, job

class Echo(Sprocket, description="says it again"):
    @job()
    async def echo(self, text: str) -> str:
        return {said}
"""


@pytest.fixture
def bots(system: Deployment, fake: FakeDiscord) -> Iterator[Bots]:
    """One bot at a time, so that none does the work of another."""
    bots = Bots(system, fake)
    yield bots
    bots.close()


def asked(fake: FakeDiscord, text: str) -> str:
    """What the bot replies to its owner."""
    return fake.await_reply_to(fake.say(GENERAL, ADA, text))


def test_a_broken_sprocket_is_left_out_and_can_be_mended_while_the_bot_runs(
    system: Deployment, bots: Bots, fake: FakeDiscord, copied: Path
) -> None:
    folder = copied / "cogs" / "sprockets"
    (folder / "echo.py").write_text("import no_such_module\n")
    bot = bots.start(copied / "discord_bot_with_cogs.py", HANDLER)

    assert bot.said("sprocket echo is left out: ModuleNotFoundError: No module named 'no_such_module'")
    assert "- echo is left out: ModuleNotFoundError" in asked(fake, "!sprockets")
    assert "I will remind you" in asked(fake, "!remind 1d the others work")

    (folder / "echo.py").write_text(SPROCKET.format(said="text"))
    (folder / "cleanup.py").unlink()
    report = asked(fake, "!reload")

    assert "- echo: says it again" in report
    assert "cleanup" not in report
    method_names = eventually(lambda: offered(system), what="the methods of the new instance")
    assert "echo.echo" in method_names
    assert "cleanup.purge" not in method_names
    assert system.api.run(HANDLER, "echo.echo", {"text": "hello"}, wait_seconds=10)["result"] == "hello"


def test_work_for_a_job_that_is_not_offered_waits_until_it_is(
    system: Deployment, bots: Bots, fake: FakeDiscord, copied: Path
) -> None:
    echo = copied / "cogs" / "sprockets" / "echo.py"
    echo.write_text(SPROCKET.format(said="text"))
    bots.start(copied / "discord_bot_with_cogs.py", HANDLER)
    later = {"type": "interval", "seconds": 3}
    schedule_id = system.api.schedule(HANDLER, "echo.echo", later, {"text": "hello"}, max_runs=1)

    echo.write_text("broken(")
    asked(fake, "!reload")
    [waiting] = eventually(lambda: system.api.executions(schedule_id=schedule_id), what="the fire")
    assert waiting["status"] == "pending"
    echo.write_text(SPROCKET.format(said="text.upper()"))
    asked(fake, "!reload")

    assert system.api.ended(waiting["execution_id"])["result"] == "HELLO"


def offered(system: Deployment) -> list[str]:
    """What the bot offers, once it is connected."""
    handler = system.api.read(f"/api/handlers/{HANDLER}")
    assert handler["status"] == "Connected"
    return [method if isinstance(method, str) else method["name"] for method in handler["methods"]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of sprockets, in place of the real one."""
    import cogs.sprockets

    monkeypatch.setattr(sprocket_loading, "FOLDER", tmp_path)
    monkeypatch.setattr(cogs.sprockets, "__path__", [str(tmp_path)])
    return tmp_path


def test_modules_are_found_in_order_and_those_with_an_underscore_left_alone(folder: Path) -> None:
    for name in ("zebra.py", "ant.py", "_shared.py", "notes.txt"):
        (folder / name).touch()

    assert find_sprockets() == ["ant", "zebra"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1", "it defines no classes of the kind Sprocket; let it define one"),
        (SPROCKET.format(said=1) + SPROCKET.format(said=2).replace("Echo", "Other"), "it defines 2 classes"),
        ("def broken(:", "SyntaxError"),
        (SPROCKET.format(said=1).replace("text: str", "text: object()"), "HandlerError|TypeError"),
        (SPROCKET.format(said=1).replace("@job()", "@job(timeout_seconds=-1)"), "HandlerError: .*timeout_seconds"),
        ("raise SystemError('at import')", "SystemError: at import"),
    ],
    ids=["none", "two", "syntax", "annotation", "option", "raises"],
)
def test_what_is_wrong_with_a_sprocket_is_told(folder: Path, text: str, why: str) -> None:
    (folder / "faulty.py").write_text(text)

    with pytest.raises(SprocketError, match=why):
        build_sprocket("faulty", None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2D", 172_800), ("1d1h1m1s", 90_061)]
)
def test_delays_are_written_as_people_do(text: str, seconds: int) -> None:
    assert parse_delay(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "0s", "10", "m", "-5m", "5m extra", "367d", "9999999s", "1m1h", "٣m"])
def test_other_delays_are_refused_with_examples(text: str) -> None:
    with pytest.raises(commands.BadArgument, match="give one such as 90s, 10m"):
        parse_delay(text)
