"""The people, guilds and channels of the fake, in the words of Discord's API. Every id is a text, as it is there."""

import itertools
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

Json = dict[str, Any]

_DISCORD_EPOCH_MS = 1_420_070_400_000
_counter = itertools.count()

VIEW, SEND, HISTORY = 1 << 10, 1 << 11, 1 << 16
MANAGE_GUILD, MANAGE_MESSAGES = 1 << 5, 1 << 13


class Person(NamedTuple):
    """Who writes; `roles` are the ids of roles in the guild."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    bot: bool = False


class Guild(NamedTuple):
    """A guild: its channels by id."""

    id: str
    name: str
    channels: dict[str, str]


MODERATORS = "730000000000000001"
BOT = Person("710000000000000001", "clockwork", (MODERATORS,), bot=True)
ADA = Person("720000000000000001", "ada", (MODERATORS,))
BOB = Person("720000000000000002", "bob")
OWNER_OF_GUILDS = "720000000000000009"

GENERAL, NEWS, ELSEWHERE = "740000000000000001", "740000000000000002", "740000000000000003"
HOME = Guild("750000000000000001", "Home", {GENERAL: "general", NEWS: "news"})
OTHER = Guild("750000000000000002", "Other", {ELSEWHERE: "elsewhere"})
GUILDS = (HOME, OTHER)


def snowflake(at: datetime | None = None) -> str:
    """Return a new id whose time is `at`, now by default."""
    milliseconds = int((at.timestamp() if at else time.time()) * 1000)
    return str((milliseconds - _DISCORD_EPOCH_MS) << 22 | next(_counter) % (1 << 22))


def guild_of(channel_id: str) -> Guild | None:
    """Return the guild that a channel belongs to."""
    return next((guild for guild in GUILDS if channel_id in guild.channels), None)


# -- payloads -------------------------------------------------------------------------------------------------------


def user(person: Person) -> Json:
    return {"id": person.id, "username": person.name, "discriminator": "0", "avatar": None, "bot": person.bot}


def member(person: Person) -> Json:
    """A member without its user, as a message carries it."""
    return {"roles": list(person.roles), "joined_at": _now(), "deaf": False, "mute": False, "flags": 0}


def application() -> Json:
    """What the bot is told of itself; Ada owns it."""
    return {
        "id": BOT.id,
        "name": BOT.name,
        "description": "",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "owner": user(ADA),
        "verify_key": "",
        "flags": 0,
    }


def channel(channel_id: str) -> Json:
    guild = guild_of(channel_id)
    assert guild is not None, f"no guild has channel {channel_id}"
    return {
        "id": channel_id,
        "type": 0,
        "guild_id": guild.id,
        "name": guild.channels[channel_id],
        "position": list(guild.channels).index(channel_id),
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": None,
        "topic": None,
    }


def guild(guild: Guild) -> Json:
    """All that `GUILD_CREATE` tells of it."""
    everyone = _role(guild.id, "@everyone", VIEW | SEND | HISTORY)
    moderators = _role(MODERATORS, "moderators", MANAGE_GUILD | MANAGE_MESSAGES)
    return {
        "id": guild.id,
        "name": guild.name,
        "owner_id": OWNER_OF_GUILDS,
        "member_count": 3,
        "roles": [everyone, moderators],
        "channels": [channel(channel_id) for channel_id in guild.channels],
        "members": [{**member(BOT), "user": user(BOT)}],
    }


def message(channel_id: str, author: Person, text: str, *, at: datetime | None = None) -> Json:
    """A message as the API tells of it."""
    return {
        "id": snowflake(at),
        "type": 0,
        "channel_id": channel_id,
        "author": user(author),
        "content": text,
        "timestamp": (at or datetime.now(UTC)).isoformat(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
    }


def _role(role_id: str, name: str, permissions: int) -> Json:
    plain = {"color": 0, "hoist": False, "managed": False, "mentionable": False, "position": 0, "flags": 0}
    return {"id": role_id, "name": name, "permissions": str(permissions), **plain}


def _now() -> str:
    return datetime.now(UTC).isoformat()
