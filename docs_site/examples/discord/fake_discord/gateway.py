"""The fake's gateway: the WebSocket by which a bot is told what happens."""

import json
import zlib
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from aiohttp import WSMsgType, web
from fake_discord import world
from fake_discord.world import Json

AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4004, 4014
GUILDS, MESSAGE_CONTENT = 1 << 0, 1 << 15


class Op(IntEnum):
    """What a message of the gateway is."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Connection:
    """One WebSocket of a bot; everything on it is compressed when the bot has asked for `zlib-stream`."""

    def __init__(self, socket: web.WebSocketResponse, compressed: bool) -> None:
        self.socket = socket
        self.session_id = ""
        self.intents = 0
        self._deflate = zlib.compressobj() if compressed else None

    async def send(self, payload: Json) -> None:
        text = json.dumps(payload)
        if self._deflate is None:
            await self.socket.send_str(text)
        else:
            await self.socket.send_bytes(self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH))


class Gateway:
    """All connections, and what was seen on them.

    Args:
        token: the one that is admitted.
        on_change: called when a bot has connected.

    Attributes:
        heartbeat_seconds: how often a bot is asked for a heartbeat.
        allows_message_content: whether the intent is switched on for the bot in Discord's developer portal.
        identified: how often a bot has begun a session.
        resumed: how often one has gone on with its session.
        heartbeats: how many have come.
        activities: what the bot says it is doing, newest last.
    """

    def __init__(self, token: str, on_change: Callable[[], None]) -> None:
        self.url = ""
        self.heartbeat_seconds = 41.25
        self.allows_message_content = True
        self.identified = self.resumed = self.heartbeats = 0
        self.activities: list[Any] = []
        self._token, self._on_change = token, on_change
        self._live: list[Connection] = []
        self._sessions: dict[str, tuple[int, int]] = {}  # by id: the intents, and the last sequence that was sent

    @property
    def connected(self) -> bool:
        """Whether a bot is connected and has been told of its guilds."""
        return bool(self._live)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Talk to one bot until it goes."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, request.query.get("compress") == "zlib-stream")
        await connection.send({"op": Op.HELLO, "d": {"heartbeat_interval": self.heartbeat_seconds * 1000}})
        async for received in socket:
            if received.type is WSMsgType.TEXT:
                await self._take(connection, json.loads(received.data))
        if connection in self._live:
            self._live.remove(connection)
        return socket

    async def dispatch(self, event: str, data: Json) -> None:
        """Tell every bot of an event."""
        for connection in self._live:
            await self._tell(connection, event, data)

    async def ask_to_reconnect(self) -> None:
        """Do what Discord does before it restarts a gateway."""
        for connection in list(self._live):
            await connection.send({"op": Op.RECONNECT, "d": None})

    async def close(self, code: int) -> None:
        """Close every connection with `code`."""
        for connection in list(self._live):
            await connection.socket.close(code=code)

    async def forget_sessions(self) -> None:
        """Refuse to resume what has begun until now."""
        self._sessions.clear()

    async def _take(self, connection: Connection, received: Json) -> None:
        match received["op"]:
            case Op.HEARTBEAT:
                self.heartbeats += 1
                await connection.send({"op": Op.HEARTBEAT_ACK, "d": None})
            case Op.IDENTIFY:
                await self._identify(connection, received["d"])
            case Op.PRESENCE:
                self.activities += received["d"]["activities"]
            case Op.RESUME:
                await self._resume(connection, received["d"])

    async def _identify(self, connection: Connection, asked: Json) -> None:
        if asked["token"] != self._token:
            await connection.socket.close(code=AUTHENTICATION_FAILED)
            return
        if asked["intents"] & MESSAGE_CONTENT and not self.allows_message_content:
            await connection.socket.close(code=DISALLOWED_INTENTS)
            return
        self._begin(connection, world.snowflake(), asked["intents"], 0)
        await self._tell(connection, "READY", self._ready(connection))
        if connection.intents & GUILDS:
            for guild in world.GUILDS:
                await self._tell(connection, "GUILD_CREATE", world.guild(guild))
        self.identified += 1
        self._live.append(connection)
        self._on_change()

    async def _resume(self, connection: Connection, asked: Json) -> None:
        known = self._sessions.get(asked["session_id"])
        if known is None:
            await connection.send({"op": Op.INVALID_SESSION, "d": False})
            return
        self._begin(connection, asked["session_id"], *known)
        await self._tell(connection, "RESUMED", {})
        self.resumed += 1
        self._live.append(connection)
        self._on_change()

    def _begin(self, connection: Connection, session_id: str, intents: int, sequence: int) -> None:
        connection.session_id, connection.intents = session_id, intents
        self._sessions[session_id] = (intents, sequence)

    def _ready(self, connection: Connection) -> Json:
        return {
            "v": 10,
            "user": world.user(world.BOT),
            "guilds": [{"id": guild.id, "unavailable": True} for guild in world.GUILDS],
            "session_id": connection.session_id,
            "resume_gateway_url": self.url,
            "application": {"id": world.BOT.id, "flags": 0},
        }

    async def _tell(self, connection: Connection, event: str, data: Json) -> None:
        intents, sequence = self._sessions.get(connection.session_id, (connection.intents, 0))
        self._sessions[connection.session_id] = (intents, sequence + 1)
        await connection.send({"op": Op.DISPATCH, "t": event, "s": sequence + 1, "d": data})
