"""A Discord bot with a ScheduleZero handler in a thread of its own.

The jobs are plain functions that may block, and the handler answers the scheduler even while the bot's loop is held up.
Start it beside a running system: `DISCORD_TOKEN=… python discord_handler_threaded.py`.
"""

import asyncio
import shutil
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any

import discord
from bot_process import cancel, drain, first_of, raise_failure_of, run, stop_on_signals
from delivery import NOBODY, DiscordId, MessageText, post

from schedulezero.handler import Context, Fail, Handler

handler = Handler("discord-threaded")
client = discord.Client(intents=discord.Intents(guilds=True), allowed_mentions=NOBODY)

LOOK_SECONDS = 0.25


@handler.method(timeout_seconds=120)
def send_message(ctx: Context, channel_id: DiscordId, text: MessageText) -> dict[str, str]:
    """Send a message to a channel or thread. Nobody is notified by what it mentions."""
    return on_the_bot(ctx, post(client, ctx, channel_id, text))


@handler.method(timeout_seconds=120)
def report_disk(ctx: Context, channel_id: DiscordId, path: str = "/") -> dict[str, str]:
    """Tell a channel how full a disk of the bot's machine is."""
    try:
        usage = shutil.disk_usage(path)  # may block for long where the disk is a network's
    except FileNotFoundError as error:
        raise Fail(f"path: there is no {path} on the bot's machine") from error
    ctx.raise_if_cancelled()
    return on_the_bot(ctx, post(client, ctx, channel_id, f"{path} is {usage.used / usage.total:.0%} full."))


def on_the_bot[T](ctx: Context, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on the bot's loop and return its result, from a job's thread.

    The wait ends with the attempt: when it is cancelled or its timeout is over, so is `work`.
    """
    future = asyncio.run_coroutine_threadsafe(work, client.loop)
    while not wait([future], timeout=LOOK_SECONDS).done:
        if ctx.cancelled:
            future.cancel()
            ctx.raise_if_cancelled()
    return future.result()


class HandlerThread(threading.Thread):
    """Serves a handler on a loop of its own until it is stopped or drained.

    Attributes:
        ended: done when the handler has ended, with what it has raised.
    """

    def __init__(self, handler: Handler) -> None:
        super().__init__(name=f"handler {handler.id}", daemon=True)
        self.ended: Future[None] = Future()
        self._handler = handler
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)

    def stop(self) -> None:
        """Ask it to finish what it runs and end; to be called from any thread."""
        with suppress(RuntimeError):  # its loop is closed: it has ended
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self) -> None:
        served = asyncio.create_task(self._handler.serve())
        await first_of(served, self._stop.wait())
        await drain(self._handler, served)
        raise_failure_of(served)


async def main(token: str) -> None:
    stop = stop_on_signals()
    async with client:
        await client.login(token)
        connected, thread = asyncio.create_task(client.connect()), HandlerThread(handler)
        thread.start()
        ended = asyncio.wrap_future(thread.ended)
        await first_of(connected, ended, stop.wait())
        thread.stop()
        await asyncio.wait([ended])  # without blocking this loop, which the last jobs need
        await cancel(connected)
    raise_failure_of(ended, connected)


if __name__ == "__main__":
    run(main)
