"""A Discord bot that is a ScheduleZero handler too, both on one event loop.

Start it beside a running system: `DISCORD_TOKEN=… python discord_handler.py`.
"""

import asyncio
from typing import Annotated

import discord
from bot_process import cancel, drain, first_of, raise_failure_of, run, stop_on_signals
from delivery import NOBODY, DiscordId, MessageText, post
from msgspec import Meta

from schedulezero.handler import Context, Handler

handler = Handler("discord")
client = discord.Client(intents=discord.Intents(guilds=True), allowed_mentions=NOBODY)


@handler.method(timeout_seconds=120)
async def send_message(ctx: Context, channel_id: DiscordId, text: MessageText) -> dict[str, str]:
    """Send a message to a channel or thread. Nobody is notified by what it mentions."""
    return await post(client, ctx, channel_id, text)


@handler.method(timeout_seconds=30, concurrency=1)
async def set_activity(text: Annotated[str, Meta(max_length=128)]) -> None:
    """Show a line below the bot's name; an empty one shows nothing."""
    await client.wait_until_ready()
    await client.change_presence(activity=discord.CustomActivity(text) if text else None)


async def main(token: str) -> None:
    stop = stop_on_signals()
    async with client:
        await client.login(token)
        connected, served = asyncio.create_task(client.connect()), asyncio.create_task(handler.serve())
        await first_of(connected, served, stop.wait())
        await drain(handler, served)  # while the bot can still send what is under way
        await cancel(connected)
    raise_failure_of(served, connected)


if __name__ == "__main__":
    run(main)
