"""One client of the feed: a WebSocket that says what it wants and is sent that."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError, invalid_value
from schedulezero.web.http import errors
from schedulezero.web.http.handler import Frame
from schedulezero.web.live.feed import Feed, Heard
from schedulezero.web.live.messages import LiveError
from schedulezero.web.live.outbox import Gap, Outbox
from schedulezero.web.live.patterns import read_subscription

SOCKET_SETTINGS: dict[str, Any] = {
    "websocket_ping_interval": 20,
    "websocket_ping_timeout": 20,
    "websocket_max_message_size": 64 * 1024,
}
"""Seconds and bytes: a connection is kept alive by pings, and given up when one is not answered."""

_GOING_AWAY = 1001  # RFC 6455, section 7.4.1


class LiveHandler(WebSocketHandler):
    """`GET /ws`."""

    route_name = "/ws"

    def initialize(self, frame: Frame, feed: Feed) -> None:
        self._frame, self._feed = frame, feed
        self._wanted: frozenset[str] = frozenset()
        self._outbox = Outbox()
        self._news = asyncio.Event()
        self._ending = False
        self._sender: asyncio.Task[None] | None = None

    # -- Tornado's side ---------------------------------------------------------------------------------------------

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")

    def prepare(self) -> None:
        try:
            self._admit()
        except ScheduleZeroError as error:
            self._refuse(error.problem)
            self.finish()

    def check_origin(self, origin: str) -> bool:
        """It has been checked, by the rule for all requests."""
        return True

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Complete the handshake when every event from then on will be heard; return when the connection has ended."""
        try:
            await self._feed.add(self)
            await super().get(*args, **kwargs)
        finally:
            self._feed.remove(self)
            if self._sender is not None:
                self._sender.cancel()

    def open(self, *_args: str, **_kwargs: str) -> None:
        self.set_nodelay(True)  # an event that follows another closely would wait for the client's acknowledgement
        self._sender = asyncio.create_task(self._send_for_ever(), name="live sender")

    async def on_message(self, message: str | bytes) -> None:
        try:
            self._wanted = read_subscription(message.encode() if isinstance(message, str) else message)
        except ScheduleZeroError as error:
            await self._tell_error(error.problem)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer where Tornado refuses: another verb than GET, or a fault that it has logged."""
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", "GET")
            self._refuse(Problem(code=Code.METHOD_NOT_ALLOWED, message=f"{self.request.method} is not known here"))
        else:
            self._refuse(Problem(code=Code.INTERNAL, message="an internal error, which was logged"))
        self.finish()

    # -- the feed's side --------------------------------------------------------------------------------------------

    def hear(self, event: Heard) -> None:
        if event.type in self._wanted:
            self._outbox.put(event.message, family=event.family, seq=event.seq)
            self._news.set()

    def miss(self, gap: Gap) -> None:
        if any(type_.startswith(f"{gap.family}.") for type_ in self._wanted):
            self._outbox.put_gap(gap)
            self._news.set()

    def end(self) -> None:
        self._ending = True
        self._news.set()

    # -- ours -------------------------------------------------------------------------------------------------------

    def _admit(self) -> None:
        headers, host = self.request.headers, self.request.host
        self._frame.guard.check(method="GET", host=host, origin=None)
        self._frame.guard.check_origin(host=host, origin=headers.get("Origin"))
        if self.request.method == "GET" and headers.get("Upgrade", "").lower() != "websocket":
            raise invalid_value("Upgrade", "this is a WebSocket: connect to it with a client of that protocol")

    def _refuse(self, problem: Problem) -> None:
        reply = errors.in_json(problem)
        self.set_status(reply.status)
        self.set_header("Content-Type", reply.content_type)
        self.write(reply.body)

    async def _tell_error(self, problem: Problem) -> None:
        """Not before it is sent is the next message read, so that nobody can pile up errors."""
        error = errors.Error(code=problem.code, message=problem.message, details=problem.details)
        try:
            await self.write_message(msgspec.json.encode(LiveError(error=error)))
        except WebSocketClosedError:
            return  # whoever asked has left

    async def _send_for_ever(self) -> None:
        while not self._ending:
            await self._news.wait()
            self._news.clear()
            try:
                for chunk in self._outbox.chunks():
                    await self._write(chunk)
            except WebSocketClosedError:
                return
        self.close(_GOING_AWAY, "the server stops")

    async def _write(self, messages: Iterable[bytes]) -> None:
        sent: list[asyncio.Future[None]] = []
        try:
            sent.extend(self.write_message(message) for message in messages)
        finally:  # a connection that breaks is told of by on_close
            await asyncio.gather(*sent, return_exceptions=True)
