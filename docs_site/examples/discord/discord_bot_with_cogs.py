"""A Discord bot of cogs: one of them is the ScheduleZero handler, and its sprockets bring jobs and commands.

Start it beside a running system: `DISCORD_TOKEN=… python discord_bot_with_cogs.py`.
"""

import asyncio
import logging
from typing import Any

import discord
from bot_process import cancel, first_of, raise_failure_of, run, stop_on_signals
from cogs.schedulezero_cog import ScheduleZeroCog
from delivery import NOBODY
from discord.ext import commands

from schedulezero.client import ClientError, Unreachable

_log = logging.getLogger(__name__)


class Bot(commands.Bot):
    """A bot whose commands begin with `!`, or with its mention."""

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=True)
        super().__init__(commands.when_mentioned_or("!"), intents=intents, allowed_mentions=NOBODY)
        self.schedulezero = ScheduleZeroCog(self)

    async def setup_hook(self) -> None:
        await self.add_cog(self.schedulezero)

    async def on_command_error(self, ctx: commands.Context[Any], error: commands.CommandError) -> None:
        if isinstance(error, commands.CommandNotFound):
            return
        answer = explain(error)
        if answer is None:
            _log.error("command %s failed", ctx.command, exc_info=error)
            answer = "Something went wrong. The bot's log has more."
        if isinstance(error, commands.UserInputError) and ctx.command is not None:
            answer += f"\nUsage: `!{ctx.command.qualified_name} {ctx.command.signature}`"
        await ctx.reply(answer[:2000])


def explain(error: commands.CommandError) -> str | None:
    """Return what to tell the person whose command has failed, or None where the fault is ours."""
    cause = error.original if isinstance(error, commands.CommandInvokeError) else error
    match cause:
        case ClientError():
            return f"The scheduler refuses: {cause}"
        case Unreachable():
            return "The scheduler cannot be reached. Try again later."
        case commands.UserInputError() | commands.CheckFailure() | commands.CommandOnCooldown():
            return str(cause)
    return None


async def main(token: str) -> None:
    stop = stop_on_signals()
    async with Bot() as bot:
        await bot.login(token)  # calls setup_hook, so that the handler is served from here on
        connected = asyncio.create_task(bot.connect())
        await first_of(connected, bot.schedulezero.ended, stop.wait())
        await bot.remove_cog(bot.schedulezero.qualified_name)  # ends the jobs, while the bot can still send
        await cancel(connected)
    raise_failure_of(bot.schedulezero.ended, connected)


if __name__ == "__main__":
    run(main)
