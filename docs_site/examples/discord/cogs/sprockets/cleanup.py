"""Clean-up: deletes a channel's old messages, a bounded number of them each time."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import discord
from cogs.sprocket import Sprocket, job
from delivery import DiscordId, failures_told_apart
from msgspec import Meta

from schedulezero.handler import Context, Fail

Days = Annotated[float, Meta(ge=0.04, le=3650, description="in days; an hour at least")]
Looked = Annotated[int, Meta(ge=1, le=1000, description="how many messages are looked at, newest first")]


class Cleanup(Sprocket, description="deletes old messages"):
    @job(timeout_seconds=600, concurrency=1)
    async def purge(
        self, ctx: Context, channel_id: DiscordId, older_than_days: Days, limit: Looked = 200
    ) -> dict[str, int]:
        """Delete messages that are older than that and not pinned. What is over the limit is left to the next run.

        Discord deletes messages of the last 14 days a hundred at a time and older ones singly, which takes long.
        """
        before = (ctx.scheduled_for or datetime.now(UTC)) - timedelta(days=older_than_days)
        with failures_told_apart():
            channel = await self.bot.fetch_channel(int(channel_id))
            if not isinstance(channel, discord.TextChannel | discord.Thread | discord.VoiceChannel):
                raise Fail(f"channel_id: {channel_id} has no messages of its own; give a text channel or a thread")
            deleted = await channel.purge(limit=limit, before=before, check=_is_loose, reason="ScheduleZero clean-up")
        return {"deleted": len(deleted)}


def _is_loose(message: discord.Message) -> bool:
    return not message.pinned
