"""Reminders: `!remind 10m tea` makes a schedule that fires once, and the job comes back to this bot."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import discord
from cogs.guild_schedules import NoSuchSchedule
from cogs.sprocket import Sprocket, job
from delivery import DiscordId, post
from discord.ext import commands
from msgspec import Meta

from schedulezero.client import ClientError, Unreachable
from schedulezero.handler import Context

MOST_OF_A_MEMBER = 25
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=366)

_DELAY = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", re.ASCII | re.IGNORECASE)

ReminderText = Annotated[str, Meta(min_length=1, max_length=1900)]  # leaves room for the mention


def parse_delay(text: str) -> timedelta:
    """Return what a person means by `90s`, `10m`, `1h30m` or `2d`.

    Raises:
        BadArgument: it means nothing, or is out of range.
    """
    found = _DELAY.fullmatch(text)
    days, hours, minutes, seconds = (int(part or 0) for part in (found.groups() if found else "0000"))
    delay = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not SHORTEST <= delay <= LONGEST:
        raise commands.BadArgument(
            f"`{text[:50]}` is no delay: give one such as 90s, 10m, 1h30m or 2d, of a year at most"
        )
    return delay


class Reminders(Sprocket, description="reminds people of what they have asked for"):
    @job(timeout_seconds=120, retry={"max_attempts": 10, "max_seconds": 600})
    async def deliver(
        self, ctx: Context, channel_id: DiscordId, member_id: DiscordId, text: ReminderText
    ) -> dict[str, str]:
        """Remind a person, who alone is notified, and remove the schedule, which will not fire again."""
        asker = discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(int(member_id))])
        result = await post(self.bot, ctx, channel_id, f"<@{member_id}> {text}", mentions=asker)
        if ctx.schedule_id is not None:
            await self._forget(ctx, ctx.schedule_id)
        return result

    @commands.command()
    @commands.guild_only()
    @commands.cooldown(5, 60, commands.BucketType.user)
    async def remind(self, ctx: commands.Context[Any], delay: Annotated[timedelta, parse_delay], *, text: str) -> None:
        """Remind you here, after a while: `!remind 1h30m the oven`."""
        assert ctx.guild is not None, "guild_only"
        mine = _tag(ctx.guild.id, ctx.author.id)
        if len(await self.schedules.waiting(ctx.guild.id, mine)) >= MOST_OF_A_MEMBER:
            await ctx.reply(f"You have {MOST_OF_A_MEMBER} reminders already. `!reminders` lists them.")
            return
        due = datetime.now(UTC) + delay
        schedule_id = await self.schedules.create(
            ctx.guild.id,
            self.name_of(self.deliver),
            {"type": "date", "run_date": due.isoformat()},
            {"channel_id": str(ctx.channel.id), "member_id": str(ctx.author.id), "text": text},
            schedule_id=f"reminder-{ctx.message.id}",
            name="reminder",
            owner=ctx.author.name,
            tags=[mine],
            if_exists="keep",  # a message that Discord delivers twice makes one schedule
        )
        await ctx.reply(
            f"I will remind you {discord.utils.format_dt(due, 'R')}. `!forget {schedule_id}` takes it back."
        )

    @commands.command()
    @commands.guild_only()
    async def reminders(self, ctx: commands.Context[Any]) -> None:
        """List your reminders in this server."""
        assert ctx.guild is not None, "guild_only"
        mine = await self.schedules.waiting(ctx.guild.id, _tag(ctx.guild.id, ctx.author.id))
        lines = [f"- `{one['id']}` {one['args'][2]['text'][:60]}" for one in mine]
        await ctx.reply("\n".join(lines)[:2000] or "You have none here.")

    @commands.command()
    @commands.guild_only()
    async def forget(self, ctx: commands.Context[Any], reminder_id: str) -> None:
        """Take a reminder of yours back."""
        assert ctx.guild is not None, "guild_only"
        try:
            await self.schedules.remove(ctx.guild.id, reminder_id, _tag(ctx.guild.id, ctx.author.id))
        except NoSuchSchedule:
            await ctx.reply("You have no such reminder here. `!reminders` lists them.")
        else:
            await ctx.reply("Forgotten.")

    async def _forget(self, ctx: Context, schedule_id: str) -> None:
        """The message is there: that its schedule stays is no reason to fail."""
        try:
            await self.schedules.forget(schedule_id)
        except (ClientError, Unreachable) as error:
            ctx.log.warning("the schedule stays", schedule_id=schedule_id, error=str(error))


def _tag(guild_id: int, member_id: int) -> str:
    return f"member:{guild_id}:{member_id}"
