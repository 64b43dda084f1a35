"""What the process of every bot needs: its token, its signals, an end in good order, and exit codes."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from types import FrameType
from typing import Any, NoReturn

import aiohttp
import discord

from schedulezero.handler import Handler, SettingsError

DRAIN_SECONDS = 10

_PORTAL = "https://discord.com/developers/applications"


def run(main: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Run `main(token)` to its end. The token is in DISCORD_TOKEN.

    What a user has to mend is one line on stderr and exit code 2; a Discord that cannot be reached, exit code 1.
    """
    token = os.environ.get("DISCORD_TOKEN", "").strip()
    if not token:
        _end_with(2, f"DISCORD_TOKEN is not set: give it the token of your bot, from {_PORTAL}")
    discord.utils.setup_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it has a line for every request
    try:
        asyncio.run(main(token))
    except discord.LoginFailure:
        _end_with(2, f"DISCORD_TOKEN: Discord does not know this token; reset it at {_PORTAL}")
    except discord.PrivilegedIntentsRequired:
        _end_with(2, f"an intent is not permitted: switch on Message Content Intent at {_PORTAL}, under Bot")
    except SettingsError as error:
        _end_with(2, str(error))
    except discord.ConnectionClosed as error:
        _end_with(1, f"Discord has ended the connection with code {error.code}; start the bot again")
    except aiohttp.ClientConnectionError as error:
        _end_with(1, f"Discord cannot be reached: {error}")


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl+C set. A second one of them ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def hear(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):  # by `signal` itself, which works on Windows too
        signal.signal(number, hear)
    return stop


async def first_of(*ends: Awaitable[Any]) -> None:
    """Return when the first of them has ended, however it has; the others go on."""
    await asyncio.wait([asyncio.ensure_future(end) for end in ends], return_when=asyncio.FIRST_COMPLETED)


async def drain(handler: Handler, serving: asyncio.Task[None]) -> None:
    """Let a handler finish what it runs. What takes longer than DRAIN_SECONDS is given up, and tried again later.

    Args:
        handler: the handler; it takes nothing new from now on.
        serving: the task of its `serve`, on the running loop.
    """
    handler.drain()
    await asyncio.wait([serving], timeout=DRAIN_SECONDS)
    await cancel(serving)


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task if it still runs, and return when it has ended."""
    task.cancel()
    await asyncio.wait([task])


def raise_failure_of(*ends: asyncio.Future[Any]) -> None:
    """Raise what one of them has raised; being cancelled is no failure."""
    for end in ends:
        if end.done() and not end.cancelled():
            end.result()


def _end_with(code: int, line: str) -> NoReturn:
    sys.stderr.write(f"{line}\n")
    sys.exit(code)
