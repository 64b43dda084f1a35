"""Commands over ZeroMQ: a ROUTER that answers, and a DEALER that asks and pipelines.

A plain REQ socket of any language can be the asking side: send `["", request]`, read `["", reply]`.
"""

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import zmq

from schedulezero.protocol.answers import ServiceInfo
from schedulezero.protocol.commands import Command, Ping, Query, answer_type
from schedulezero.protocol.envelope import decode_reply, decode_request, encode_answer, encode_refusal, encode_request
from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.protocol.link.sockets import (
    BindError,
    Change,
    DrainedSocket,
    Frames,
    bind,
    log_disconnections,
    monitor,
    open_socket,
)
from schedulezero.protocol.validation import decode

Context = zmq.Context[zmq.Socket[bytes]]
_MAX_OUTSTANDING = 10_000
_REACH_SECONDS = 2.0
"""How long a command waits for a service that is not there; its answer may then take longer."""
_CLOSED = "is no longer asked, the link was closed"
_log = logging.getLogger("schedulezero.link")


class Call:
    """A command that waits for its answer; exactly one of `answer` and `refuse` ends it."""

    __slots__ = ("_id", "_reply", "caller", "command", "ended")

    def __init__(self, command: Command[Any], caller: str, id_: str, reply: Callable[[Frames], None]) -> None:
        self.command = command
        self.caller = caller
        self.ended = False
        self._id = id_
        self._reply = reply

    def answer(self, answer: object) -> None:
        """Answer with a struct, or with its JSON as Raw."""
        self._end(encode_answer(self._id, answer))

    def refuse(self, problem: Problem) -> None:
        """Answer that it cannot be done, and why."""
        self._end(encode_refusal(self._id, problem))

    def _end(self, parts: Frames) -> None:
        self.ended = True
        self._reply(parts)


class CommandServer:
    """Answers the commands of one service on any number of endpoints.

    Args:
        context: the process's ZeroMQ context.
        endpoints: where to listen; `addresses` has them as bound.
        commands: the union of commands that are served, with Ping in it, which is answered here.
        info: who we are.
        serve: called with each command that decodes; it or what it starts ends the Call.

    Raises:
        BindError: an endpoint is taken.
    """

    def __init__(
        self,
        context: Context,
        endpoints: Sequence[str],
        commands: Any,
        info: ServiceInfo,
        serve: Callable[[Call], None],
    ) -> None:
        socket = open_socket(context, zmq.ROUTER, ROUTER_MANDATORY=1, SNDHWM=10_000, RCVHWM=10_000)
        self._commands, self._info, self._serve = commands, info, serve
        self._monitor = log_disconnections(socket, info.service)
        try:
            self.addresses = tuple(bind(socket, endpoint) for endpoint in endpoints)
        except BindError:
            self._monitor.close()
            socket.close()
            raise
        self._socket = DrainedSocket(socket, self._receive)

    def close(self) -> None:
        self._monitor.close()
        self._socket.close()

    def _receive(self, messages: list[Frames]) -> None:
        for frames in messages:
            self._one(frames)

    def _one(self, frames: Frames) -> None:
        peer, *rest = frames
        if len(rest) < 2 or rest[0]:
            _log.warning("%s: refused a message of %d parts without delimiter", self._info.service, len(frames))
            return

        def reply(parts: Frames) -> None:
            if not self._socket.closed and not self._socket.send([peer, b"", *parts]):
                _log.info("%s: the asker of a command is gone before its answer", self._info.service)

        id_ = ""
        try:
            request = decode_request(rest[1:])
            id_ = request.id
            command = decode(request.body, self._commands)
        except ScheduleZeroError as error:
            _log.warning("%s: refused a command: %s", self._info.service, error)
            reply(encode_refusal(id_, error.problem))
            return
        if isinstance(command, Ping):
            reply(encode_answer(id_, self._info))
        else:
            self._hand_over(Call(command, request.caller, id_, reply))

    def _hand_over(self, call: Call) -> None:
        try:
            self._serve(call)
        except Exception:
            # Others that came in the same batch are still to be served.
            _log.exception("%s: serving %s failed", self._info.service, type(call.command).__name__)
            if not call.ended:
                message = "the service failed while it served this command; its log says why"
                call.refuse(Problem(code=Code.INTERNAL, message=message))


class _Waiting:
    """A command that has been asked for, and whether it can have reached the other side."""

    __slots__ = ("command", "future", "sent")

    def __init__(self, command: Command[Any], future: "asyncio.Future[msgspec.Raw]") -> None:
        self.command = command
        self.future = future
        self.sent = False

    def fail(self, peer: str, why: str) -> None:
        if not self.future.done():
            self.future.set_exception(self.error(peer, why))

    def error(self, peer: str, why: str) -> ScheduleZeroError:
        """Return `unavailable` where nothing can have been changed, else `outcome_unknown`."""
        if not self.sent or isinstance(self.command, Query):
            return ScheduleZeroError.of(Code.UNAVAILABLE, f"{peer} {why}; nothing was changed", retry_after=1)
        message = f"{peer} {why}; whether it was done is not known: ask again with the same idempotency key"
        return ScheduleZeroError.of(Code.OUTCOME_UNKNOWN, message, retry_after=1)


class CommandClient:
    """Asks one service; any number of commands may be under way. Reconnects by itself for ever.

    Args:
        context: the process's ZeroMQ context.
        endpoint: where the service listens.
        peer: the service's name, for errors.
        timeout: how long an answer is waited for, in seconds.
    """

    def __init__(self, context: Context, endpoint: str, peer: str, timeout: float = 10.0) -> None:
        socket = open_socket(context, zmq.DEALER, IMMEDIATE=1, SNDHWM=_MAX_OUTSTANDING, RCVHWM=_MAX_OUTSTANDING)
        self.endpoint, self.peer, self._timeout = endpoint, peer, timeout
        self._ids = itertools.count(1)
        self._waiting: dict[str, _Waiting] = {}
        self._unsent: OrderedDict[str, Frames] = OrderedDict()
        self._monitor = monitor(socket, self._connection_changed)
        socket.connect(endpoint)
        self._socket = DrainedSocket(socket, self._receive, self._flush)

    async def call[R](self, command: Command[R], *, caller: str = "local", timeout: float | None = None) -> R:
        """Return the answer.

        Raises:
            ScheduleZeroError: what the service refused with; `unavailable` when it could not be asked (nothing was
                changed); `outcome_unknown` when it was asked to change something and no answer came.
        """
        raw = await self.call_raw(command, caller=caller, timeout=timeout)
        try:
            return decode(raw, cast("type[R]", answer_type(type(command))))
        except ScheduleZeroError as error:
            message = f"{self.peer} gave an answer that cannot be read: {error}"
            raise ScheduleZeroError.of(Code.INTERNAL, message) from None

    async def call_raw(
        self, command: Command[Any], *, caller: str = "local", timeout: float | None = None
    ) -> msgspec.Raw:
        """Return the answer as its JSON, unread. Raises as :meth:`call`."""
        if len(self._waiting) >= _MAX_OUTSTANDING:
            raise ScheduleZeroError.of(Code.UNAVAILABLE, f"{self.peer} is behind with its answers", retry_after=1)
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        if self._socket.closed:
            raise waiting.error(self.peer, _CLOSED)
        id_, loop = str(next(self._ids)), asyncio.get_running_loop()
        self._unsent[id_] = encode_request(id_, command, caller)
        self._waiting[id_] = waiting
        patience = self._timeout if timeout is None else timeout
        end = loop.call_later(patience, waiting.fail, self.peer, "does not answer")
        try:
            self._flush()
            if not waiting.sent:
                loop.call_later(_REACH_SECONDS, self._give_up, id_)
            return await waiting.future
        finally:
            end.cancel()
            del self._waiting[id_]
            self._unsent.pop(id_, None)

    def close(self) -> None:
        """Close the link; whoever still waits is told."""
        self._monitor.close()
        self._socket.close()
        for waiting in self._waiting.values():
            waiting.fail(self.peer, _CLOSED)

    def _flush(self) -> None:
        while self._unsent:
            id_, parts = next(iter(self._unsent.items()))
            if not self._socket.send([b"", *parts]):
                return
            del self._unsent[id_]
            self._waiting[id_].sent = True

    def _give_up(self, id_: str) -> None:
        if self._unsent.pop(id_, None) is not None:
            self._waiting[id_].fail(self.peer, "cannot be reached")

    def _receive(self, messages: list[Frames]) -> None:
        for frames in messages:
            try:
                reply = decode_reply(frames[1:])
            except ScheduleZeroError as error:
                _log.warning("an answer of %s was refused: %s", self.peer, error)
                continue
            waiting = self._waiting.get(reply.id)
            if waiting is None or waiting.future.done():
                continue
            if isinstance(reply.error, Problem):
                waiting.future.set_exception(ScheduleZeroError(reply.error))
            else:
                waiting.future.set_result(cast("msgspec.Raw", reply.ok))

    def _connection_changed(self, change: Change, _endpoint: str) -> None:
        # An answer that is still unread went with the connection: libzmq drops it (IMMEDIATE).
        if change is Change.DISCONNECTED:
            for waiting in self._waiting.values():
                if waiting.sent:
                    waiting.fail(self.peer, "went away before it answered")
