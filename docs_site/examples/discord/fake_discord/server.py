"""A Discord that runs on this machine: as much of its API and gateway as the examples use, for trials and tests.

It runs in a thread of its own. What the bot did is read from `posted` and `requests`; what Discord does wrong is asked
for with `fail_next` and `hold_next`.
"""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from aiohttp import web
from fake_discord import world
from fake_discord.gateway import Gateway
from fake_discord.world import Json, Person

TOKEN = "a-token-of-the-fake"
_PATIENCE_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What the next request that fits is answered with; `after_doing` does what was asked before that."""

    fits: re.Pattern[str]
    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    after_doing: bool = False


@dataclass(frozen=True, kw_only=True)
class Held:
    """A request that is not answered until `release` is set; `arrived` tells that it is there."""

    fits: re.Pattern[str]
    arrived: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


class FakeDiscord:
    """A Discord with two guilds; see :mod:`fake_discord.world`. Use it in a `with` statement.

    Args:
        on_post: called with each message that the bot posts.

    Attributes:
        url: where it is, without a path.
        posted: what the bot has posted, in order: the payloads of its requests, with `channel_id` and `id`.
        requests: every request of the API as `POST /channels/1/messages 200`, in order.
        deleted: ids of messages that the bot has deleted.
    """

    def __init__(self, on_post: Callable[[Json], None] = lambda _: None) -> None:
        self.gateway = Gateway(TOKEN, self._tell_of_change)
        self.url = ""
        self.posted: list[Json] = []
        self.requests: list[str] = []
        self.deleted: list[str] = []
        self._on_post = on_post
        self._changed = threading.Condition()
        self._messages: dict[str, Json] = {}
        self._plans: list[Failure | Held] = []
        self._held: list[Held] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-discord", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        for held in self._held:
            held.release.set()
        self._do(self.gateway.close(1001))
        self._do(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- what happens at Discord -----------------------------------------------------------------------------------

    def say(self, channel_id: str, author: Person, text: str) -> str:
        """Let a person write a message, and return its id."""
        message = self.keep(channel_id, author, text)
        guild = world.guild_of(channel_id)
        assert guild is not None, f"no guild has channel {channel_id}"
        told = {**message, "guild_id": guild.id, "member": world.member(author)}
        self._do(self.gateway.dispatch("MESSAGE_CREATE", told))
        return str(message["id"])

    def keep(self, channel_id: str, author: Person, text: str, *, at: datetime | None = None) -> Json:
        """Put a message into a channel's history and tell nobody."""
        message = world.message(channel_id, author, text, at=at)
        self._messages[message["id"]] = message
        return message

    def reconnect(self) -> None:
        """Ask the bot to connect anew."""
        self._do(self.gateway.ask_to_reconnect())

    def lose_session(self) -> None:
        """Drop the bot's connection and know nothing of its session any more."""
        self._do(self.gateway.forget_sessions())
        self._do(self.gateway.close(4000))

    def disconnect(self, code: int) -> None:
        """Close the bot's connection to the gateway with `code`."""
        self._do(self.gateway.close(code))

    def fail_next(
        self,
        fits: str,
        status: int,
        body: Json | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        after_doing: bool = False,
    ) -> None:
        """Answer the next request that fits (a pattern for `POST /channels/1/messages`) with a failure."""
        body = body if body is not None else {"message": f"the fake was asked for {status}", "code": 0}
        failure = Failure(
            fits=re.compile(fits), status=status, body=body, headers=headers or {}, after_doing=after_doing
        )
        self._plans.append(failure)

    def hold_next(self, fits: str) -> Held:
        """Let the next request that fits wait."""
        held = Held(fits=re.compile(fits))
        self._plans.append(held)
        self._held.append(held)
        return held

    # -- what the bot did ------------------------------------------------------------------------------------------

    def texts(self, channel_id: str) -> list[str]:
        """Return what the bot has posted to a channel, in order."""
        return [message["content"] for message in self.posted if message["channel_id"] == channel_id]

    def await_bot(self, within: float = _PATIENCE_SECONDS) -> None:
        """Return once a bot is connected to the gateway; `within` is in seconds, here and below.

        Raises:
            TimeoutError: none has come by then.
        """
        self._await(lambda: self.gateway.connected, within, "a bot to connect")

    def await_reply_to(self, message_id: str, within: float = _PATIENCE_SECONDS) -> str:
        """Return what the bot replies to a message.

        Raises:
            TimeoutError: it has not replied by then.
        """
        return self._await(lambda: self._reply_to(message_id), within, f"a reply to message {message_id}")

    def history(self, channel_id: str) -> list[str]:
        """Return the texts that are in a channel now, oldest first."""
        found = [message for message in self._messages.values() if message["channel_id"] == channel_id]
        return [message["content"] for message in sorted(found, key=_by_id)]

    def _reply_to(self, message_id: str) -> str | None:
        return next((str(one["content"]) for one in self.posted if _answered(one) == message_id), None)

    def _await[T](self, look: Callable[[], T | None], within: float, what: str) -> T:
        with self._changed:
            found = self._changed.wait_for(look, within)
        if not found:
            raise TimeoutError(f"waited {within:g} s for {what}")
        return found

    def _tell_of_change(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # -- the API ---------------------------------------------------------------------------------------------------

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._answer])
        one, many = "/api/v10/channels/{channel}/messages/{message}", "/api/v10/channels/{channel}/messages"
        app.add_routes(
            [
                web.get("/gateway", self.gateway.serve),
                web.get("/api/v10/users/@me", self._me),
                web.get("/api/v10/oauth2/applications/@me", self._application),
                web.get("/api/v10/channels/{channel}", self._channel),
                web.get(many, self._history),
                web.post(many, self._post),
                web.post(many + "/bulk-delete", self._delete_many),
                web.delete(one, self._delete),
            ]
        )
        return app

    @web.middleware
    async def _answer(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        if request.path == "/gateway":
            return await handler(request)  # type: ignore[no-any-return]
        asked = f"{request.method} {request.path.removeprefix('/api/v10')}"
        response = await self._as_planned(request, handler, asked)
        response.headers["Via"] = "1.1 fake"  # without it discord.py takes a 429 for a ban
        self.requests.append(f"{asked} {response.status}")
        return response

    async def _as_planned(
        self, request: web.Request, handler: Callable[..., Any], asked: str
    ) -> web.Response | web.StreamResponse:
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return _refused(401, "401: Unauthorized")
        plan = next((plan for plan in self._plans if plan.fits.search(asked)), None)
        if plan is not None:
            self._plans.remove(plan)
        if isinstance(plan, Held):
            plan.arrived.set()
            await asyncio.to_thread(plan.release.wait, _PATIENCE_SECONDS)
        if not isinstance(plan, Failure):
            return await self._handled(request, handler)
        if plan.after_doing:
            await self._handled(request, handler)
        return _json(plan.body, plan.status, plan.headers)

    async def _handled(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        channel = request.match_info.get("channel")
        if channel is not None and world.guild_of(channel) is None:
            return _refused(404, "Unknown Channel")
        return await handler(request)  # type: ignore[no-any-return]

    async def _me(self, _request: web.Request) -> web.Response:
        return _json(world.user(world.BOT))

    async def _application(self, _request: web.Request) -> web.Response:
        return _json(world.application())

    async def _channel(self, request: web.Request) -> web.Response:
        return _json(world.channel(request.match_info["channel"]))

    async def _post(self, request: web.Request) -> web.Response:
        asked = await request.json()
        channel_id = request.match_info["channel"]
        if asked.get("enforce_nonce") and (known := self._by_nonce(channel_id, asked["nonce"])):
            return _json(known)
        message = {**self.keep(channel_id, world.BOT, asked["content"]), "nonce": asked.get("nonce")}
        self._messages[message["id"]] = message
        posted = {**asked, "channel_id": channel_id, "id": message["id"]}
        self.posted.append(posted)
        self._on_post(posted)
        self._tell_of_change()
        return _json(message)

    async def _history(self, request: web.Request) -> web.Response:
        before = int(request.query.get("before", 1 << 63))
        channel_id = request.match_info["channel"]
        found = [one for one in self._messages.values() if one["channel_id"] == channel_id and _by_id(one) < before]
        newest = sorted(found, key=_by_id, reverse=True)[: int(request.query.get("limit", 50))]
        return _json(newest)

    async def _delete_many(self, request: web.Request) -> web.Response:
        for message_id in (await request.json())["messages"]:
            self._remove(str(message_id))
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        self._remove(request.match_info["message"])
        return web.Response(status=204)

    def _remove(self, message_id: str) -> None:
        self._messages.pop(message_id, None)
        self.deleted.append(message_id)

    def _by_nonce(self, channel_id: str, nonce: str) -> Json | None:
        mine = (one for one in self._messages.values() if one["channel_id"] == channel_id and one.get("nonce") == nonce)
        return next(mine, None)

    # -- its thread ------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.gateway.url = f"ws{self.url.removeprefix('http')}/gateway"

    def _do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)


def _answered(posted: Json) -> str:
    return str(posted.get("message_reference", {}).get("message_id"))


def _by_id(message: Json) -> int:
    return int(message["id"])


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer without a charset, as Discord's are; discord.py takes another for a text."""
    told = {**(headers or {}), "Content-Type": "application/json"}
    return web.Response(body=json.dumps(body).encode(), status=status, headers=told)


def _refused(status: int, message: str) -> web.Response:
    return _json({"message": message, "code": 0}, status)
