"""Run a bot against a fake Discord: `python -m fake_discord discord_bot_with_cogs.py`.

What is typed is said by Ada in #general, where she may do everything; what the bot posts is printed. No token and no
network are needed. With `FAKE_DISCORD=http://127.0.0.1:PORT` the bot joins a fake that runs elsewhere, as tests do.
"""

import contextlib
import os
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import discord
import yarl
from fake_discord.server import TOKEN, FakeDiscord
from fake_discord.world import ADA, GENERAL, Json, guild_of


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m fake_discord BOT.py")
    with _fake() as url:
        point_discord_py_to(url)
        run_script(Path(sys.argv[1]))


def point_discord_py_to(url: str) -> None:
    """Let discord.py talk to the fake at `url` in this process. It has no setting for that."""
    discord.http.Route.BASE = f"{url}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws{url.removeprefix('http')}/gateway")


def run_script(script: Path) -> None:
    """Do what `python SCRIPT` does, in this process."""
    sys.argv = [str(script)]
    sys.path[0] = str(script.resolve().parent)
    runpy.run_path(str(script), run_name="__main__")


@contextlib.contextmanager
def _fake() -> Iterator[str]:
    if url := os.environ.get("FAKE_DISCORD"):
        yield url
        return
    with FakeDiscord(on_post=_show) as fake:
        os.environ["DISCORD_TOKEN"] = TOKEN
        threading.Thread(target=_listen, args=[fake], daemon=True).start()
        yield fake.url


def _show(message: Json) -> None:
    guild = guild_of(message["channel_id"])
    print(f"#{guild.channels[message['channel_id']] if guild else '?'} | {message['content']}", flush=True)


def _listen(fake: FakeDiscord) -> None:
    for line in sys.stdin:
        fake.say(GENERAL, ADA, line.strip())


if __name__ == "__main__":
    main()
