"""The cog that is the ScheduleZero handler: it loads the sprockets, serves their jobs, and answers people."""

import asyncio
import logging
import os
from datetime import datetime
from typing import Any

import discord
from bot_process import drain
from cogs.guild_schedules import GuildSchedules, NoSuchSchedule, Record
from cogs.sprocket import Sprocket
from cogs.sprocket_loading import build_sprocket, find_sprockets
from discord.ext import commands

from schedulezero.client import AsyncClient
from schedulezero.handler import Handler

HANDLER_ID = "discord-cogs"

_SHOWN = 15
_log = logging.getLogger(__name__)


class ScheduleZeroCog(commands.Cog, name="ScheduleZero"):
    """Serves the jobs of the sprockets, from `cog_load` to `cog_unload`.

    The web gateway is where SCHEDULER_URL says, `http://127.0.0.1:8888` by default.

    Args:
        bot: the bot.

    Attributes:
        ended: done when the handler has ended by itself: it was drained by the server, or has failed.
        sprockets: those that are loaded, by name.
        faults: why the others are not, by name.
    """

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.sprockets: dict[str, Sprocket] = {}
        self.faults: dict[str, str] = {}
        self._reloading = asyncio.Lock()

    async def cog_load(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client = AsyncClient(os.environ.get("SCHEDULER_URL", "http://127.0.0.1:8888"))
        self._schedules = GuildSchedules(self._client, HANDLER_ID)
        await self._begin()

    async def cog_unload(self) -> None:
        async with self._reloading:
            await self._end()
        await self._client.close()

    # -- commands --------------------------------------------------------------------------------------------------

    @commands.command()
    @commands.guild_only()
    @commands.has_guild_permissions(manage_guild=True)
    async def schedules(self, ctx: commands.Context[Any]) -> None:
        """List what is scheduled for this server."""
        assert ctx.guild is not None, "guild_only"
        found = await self._schedules.waiting(ctx.guild.id)
        await ctx.reply("\n".join(_listed(found))[:2000] or "Nothing is scheduled here.")

    @commands.command()
    @commands.guild_only()
    @commands.has_guild_permissions(manage_guild=True)
    async def unschedule(self, ctx: commands.Context[Any], schedule_id: str) -> None:
        """Delete a schedule of this server."""
        assert ctx.guild is not None, "guild_only"
        try:
            await self._schedules.remove(ctx.guild.id, schedule_id)
        except NoSuchSchedule:
            await ctx.reply("There is no such schedule here. `!schedules` lists them.")
        else:
            await ctx.reply("Done.")

    @commands.command(name="sprockets")
    @commands.is_owner()
    async def show_sprockets(self, ctx: commands.Context[Any]) -> None:
        """Tell which sprockets are loaded, and what is wrong with the others."""
        await ctx.reply(self._report())

    @commands.command()
    @commands.is_owner()
    async def reload(self, ctx: commands.Context[Any]) -> None:
        """Let jobs finish, then load the sprockets as they are on the disk now. Work that comes meanwhile waits."""
        async with self._reloading:
            await self._end()
            await self._begin()
        await ctx.reply(self._report())

    # -- serving ---------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._handler = Handler(HANDLER_ID)
        for name in find_sprockets():
            await self._add(name)
        self._serving = asyncio.create_task(self._handler.serve())
        self._serving.add_done_callback(self._tell_of_end)

    async def _add(self, name: str) -> None:
        try:
            sprocket = build_sprocket(name, self.bot, self._schedules)
            await self.bot.add_cog(sprocket)
        except Exception as error:  # a cog may raise anything when it is added
            self.faults[name] = str(error)
            _log.error("sprocket %s is left out: %s", name, error, exc_info=error)
            return
        sprocket.offer_to(self._handler)
        self.sprockets[name] = sprocket

    async def _end(self) -> None:
        self._serving.remove_done_callback(self._tell_of_end)
        await drain(self._handler, self._serving)
        for sprocket in self.sprockets.values():
            await self.bot.remove_cog(sprocket.qualified_name)
        self.sprockets.clear()
        self.faults.clear()

    def _tell_of_end(self, serving: asyncio.Task[None]) -> None:
        error = None if serving.cancelled() else serving.exception()
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)

    def _report(self) -> str:
        loaded = [f"- {name}: {sprocket.description}" for name, sprocket in self.sprockets.items()]
        left_out = [f"- {name} is left out: {fault[:300]}" for name, fault in self.faults.items()]
        return "\n".join([*loaded, *left_out])[:2000] or "There are no sprockets."


def _listed(schedules: list[Record]) -> list[str]:
    """Return a line for each schedule, the soonest first; for what is over a message's length, how many they are."""
    soonest = sorted(schedules, key=lambda one: one["next_fire_time"] or "never")
    lines = [f"- `{one['id']}` {one['name'] or one['trigger']}, {_moment(one)}" for one in soonest[:_SHOWN]]
    return [*lines, f"and {len(schedules) - _SHOWN} more"] if len(schedules) > _SHOWN else lines


def _moment(schedule: Record) -> str:
    due = schedule["next_fire_time"]
    return discord.utils.format_dt(datetime.fromisoformat(due), "R") if due else "not before it is resumed"
