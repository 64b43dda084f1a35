"""How a job posts a message: within Discord's limits, once, and with its failures told apart."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import discord
from msgspec import Meta

from schedulezero.handler import Context, Fail, Retry

# Ids of Discord do not fit into the numbers of JavaScript, so they travel as texts, as in Discord's own API.
DiscordId = Annotated[str, Meta(pattern="^[0-9]{15,20}$", description="an id of Discord, as a text")]
MessageText = Annotated[str, Meta(min_length=1, max_length=2000)]

NOBODY = discord.AllowedMentions.none()


async def post(
    client: discord.Client, ctx: Context, channel_id: str, text: str, *, mentions: discord.AllowedMentions = NOBODY
) -> dict[str, str]:
    """Post a message on behalf of a job.

    Discord remembers the nonce for some minutes: an attempt that comes after one whose answer was lost is given the
    message that is there already.

    Args:
        client: a bot that has logged in; it need not be connected to the gateway.
        ctx: the job's context.
        channel_id: the id of a channel or thread.
        text: 1 to 2000 characters.
        mentions: who may be notified by what the text mentions; nobody by default.

    Returns:
        The result of the job: `message_id`.

    Raises:
        Fail: Discord refuses, and would refuse again.
        Retry: Discord is in trouble, or has had enough of us for a while.
    """
    channel = client.get_partial_messageable(int(channel_id))
    with failures_told_apart():
        message = await channel.send(text, nonce=_nonce(ctx), allowed_mentions=mentions)
    return {"message_id": str(message.id)}


@contextmanager
def failures_told_apart() -> Iterator[None]:
    """Turn what Discord answers into what a job raises. A broken connection stays as it is: it is tried again too."""
    try:
        yield
    except discord.RateLimited as error:
        raise Retry(str(error), after=error.retry_after) from error
    except discord.HTTPException as error:
        if error.status == 429 or error.status >= 500:
            raise Retry(f"Discord is in trouble: {error}") from error
        raise Fail(f"Discord refuses: {error}") from error


def _nonce(ctx: Context) -> str:
    """A nonce has 25 characters at most, and an idempotency key has more."""
    return hashlib.blake2b(ctx.idempotency_key.encode(), digest_size=12).hexdigest()
