"""Announcements: a message to a channel, once by a run or again and again by a schedule."""

from typing import Any

import discord
from cogs.sprocket import Sprocket, job
from delivery import DiscordId, MessageText, post
from discord.ext import commands

from schedulezero.handler import Context


class Announcements(Sprocket, description="says something in a channel, at times"):
    @job(timeout_seconds=120)
    async def say(self, ctx: Context, channel_id: DiscordId, text: MessageText) -> dict[str, str]:
        """Send a message to a channel or thread. Nobody is notified by what it mentions."""
        return await post(self.bot, ctx, channel_id, text)

    @commands.command()
    @commands.guild_only()
    @commands.has_guild_permissions(manage_guild=True)
    async def announce(
        self, ctx: commands.Context[Any], channel: discord.TextChannel, expression: str, *, text: str
    ) -> None:
        """Say something in a channel at the times of a cron expression: `!announce #news "0 9 * * mon-fri" Hello`."""
        assert isinstance(ctx.author, discord.Member), "guild_only"
        if not channel.permissions_for(ctx.author).send_messages:
            raise commands.MissingPermissions(["send_messages"])
        schedule_id = await self.schedules.create(
            channel.guild.id,
            self.name_of(self.say),
            {"type": "cron", "expression": expression},
            {"channel_id": str(channel.id), "text": text},
            schedule_id=f"announcement-{ctx.message.id}",
            name=f"announcement in #{channel.name}",
            owner=ctx.author.name,
            if_exists="keep",  # a message that Discord delivers twice makes one schedule
        )
        await ctx.reply(f"Announced. `!unschedule {schedule_id}` ends it.")
