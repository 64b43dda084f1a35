"""The connections to handler instances: one DEALER to each boot, opened by a Hello, closed on loss.

A link that is lost is replaced by a new one, whose socket holds nothing of the old: work that waited in a socket
was seen to reach the next process on that port.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import count

import zmq

from schedulezero.protocol.envelope import decode_from_instance, encode_parcels
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.handling import FromInstance, Hello, Probe, Pulse, Stranger, ToInstance, Welcome
from schedulezero.protocol.link.calls import Context
from schedulezero.protocol.link.sockets import SILENCE_MS, Change, DrainedSocket, Frames, monitor, open_socket
from schedulezero.protocol.values import InstanceInfo
from schedulezero.runtime.logging import get_logger
from schedulezero.scheduler.core.inputs import Heard, Linked, LinkLost, LinkSilent

_SILENCE = SILENCE_MS / 1000
_HIGH_WATER = 100_000
"""Messages a socket may hold; credit keeps what is under way far below."""

Report = Callable[[Heard | Linked | LinkLost | LinkSilent], None]


class Link:
    """One connection to one boot of an instance.

    Args:
        context: the process's ZeroMQ context.
        info: who is to be found there.
        hello: what opens the conversation.
        report: told what is heard and what becomes of the connection.
        monotonic: seconds.
    """

    def __init__(
        self, context: Context, info: InstanceInfo, hello: Hello, report: Report, monotonic: Callable[[], float]
    ) -> None:
        self.info = info
        self.open = False
        self.departed = False
        self._hello, self._report, self._monotonic = hello, report, monotonic
        self._connected = info.address.startswith("inproc:")
        self._changed_at = self._heard_at = monotonic()
        self._was_silent = False
        self._unsent: list[bytes] = []
        self._log = get_logger(handler_id=info.handler_id, instance_id=info.instance_id, boot_id=info.boot_id)
        socket = open_socket(context, zmq.DEALER, IMMEDIATE=1, SNDHWM=_HIGH_WATER, RCVHWM=_HIGH_WATER)
        self._monitor = monitor(socket, self._connection_changed)
        socket.connect(info.address)
        self._socket = DrainedSocket(socket, self._receive, self._flush)
        if self._connected:
            self.greet(hello)

    def greet(self, hello: Hello) -> None:
        """Say Hello (again): the instance answers with what it holds."""
        self._hello = hello
        if self._connected:
            self._unsent = list(encode_parcels([hello]))
            self._flush()

    def send(self, messages: Iterable[ToInstance]) -> None:
        """Send in order; what the socket cannot take now goes out when it can, or is void with the connection."""
        if self._connected:
            self._unsent.extend(encode_parcels(messages))
            self._flush()

    def look(self) -> None:
        """Report a connection that has been away for too long, or a program that has been silent for too long."""
        now = self._monotonic()
        if not self._connected and now - self._changed_at >= _SILENCE:
            self._changed_at = now
            self._lose(gone=False)
        elif self.open and self._connected and not self._was_silent and now - self._heard_at >= _SILENCE:
            self._was_silent = True
            self._log.warning("instance.silent", silent_seconds=round(now - self._heard_at, 1))
            self._report(LinkSilent(boot_id=self.info.boot_id))

    def close(self) -> None:
        self.open = False
        self._monitor.close()
        self._socket.close()

    def _connection_changed(self, change: Change, _endpoint: str) -> None:
        self._changed_at = self._heard_at = self._monotonic()
        self._connected = change is Change.CONNECTED
        self._unsent = []
        if self._connected:
            self.greet(self._hello)

    def _receive(self, messages: list[Frames]) -> None:
        self._heard_at = self._monotonic()
        self._was_silent = False
        heard = [message for frames in messages for message in self._decode(frames)]
        said: list[FromInstance] = []
        for message in heard:
            if isinstance(message, Welcome):
                self._welcome(message)
            elif isinstance(message, Stranger):
                self._lose(gone=True)
                return
            else:
                said.append(message)
        if said:
            self._report(Heard(boot_id=self.info.boot_id, messages=said))

    def _decode(self, frames: Frames) -> Sequence[FromInstance]:
        try:
            return decode_from_instance(b"".join(frames))
        except ScheduleZeroError as error:
            self._log.warning("parcel.refused", error=str(error))
            return ()

    def _welcome(self, welcome: Welcome) -> None:
        if welcome.boot_id != self.info.boot_id:
            self._lose(gone=True)
            return
        if not self.open:
            self._log.info("instance.linked", address=self.info.address, holding=len(welcome.holding))
        self.open = True
        self._report(Linked(welcome=welcome))

    def _lose(self, *, gone: bool) -> None:
        if self.open:
            self._log.warning("instance.lost", gone=gone)
        self.open = False
        self._report(LinkLost(boot_id=self.info.boot_id, gone=gone))

    def _flush(self) -> None:
        while self._unsent and self._socket.send([self._unsent[0]]):
            del self._unsent[0]


class Links:
    """The links to all instances that are to be reached.

    Args:
        context: the process's ZeroMQ context.
        report: as for :class:`Link`; called after the links have been put in order.
        monotonic: seconds.
    """

    name = "links"
    interval = 0.25

    def __init__(self, context: Context, report: Report, monotonic: Callable[[], float]) -> None:
        self._context, self._report, self._monotonic = context, report, monotonic
        self._links: dict[str, Link] = {}
        self._hello: Callable[[InstanceInfo], Hello] | None = None
        self._nonces = count(1)
        self._pings: dict[int, asyncio.Future[float]] = {}

    def begin(self, hello: Callable[[InstanceInfo], Hello]) -> None:
        """Say Hello with these words from now on, and again to everybody who is connected."""
        self._hello = hello
        for link in self._links.values():
            link.greet(hello(link.info))

    def reach(self, info: InstanceInfo) -> None:
        """Keep a connection to this boot. One that was about to be left is greeted again: nobody may know of it now."""
        if self._hello is None:
            return
        link = self._links.get(info.boot_id)
        if link is None:
            self._links[info.boot_id] = self._connect(info)
        elif link.departed:
            link.departed = False
            link.greet(self._hello(info))

    def leave(self, boot_id: str) -> None:
        """Keep no connection to this boot any more, once the one that there is has been lost."""
        link = self._links.get(boot_id)
        if link is None:
            return
        link.departed = True
        if not link.open:
            del self._links[boot_id]
            link.close()

    def send(self, boot_id: str, messages: Iterable[ToInstance]) -> None:
        link = self._links.get(boot_id)
        if link is not None:
            link.send(messages)

    def open_boots(self, handler_id: str) -> list[InstanceInfo]:
        return [link.info for link in self._links.values() if link.open and link.info.handler_id == handler_id]

    async def ping(self, boot_id: str, timeout: float) -> float:
        """Return the seconds of a round trip to the program behind a link.

        Raises:
            ScheduleZeroError: unavailable, it did not answer in time.
        """
        nonce, began = next(self._nonces), self._monotonic()
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._pings[nonce] = answer
        self.send(boot_id, [Probe(nonce=nonce)])
        try:
            async with asyncio.timeout(timeout):
                return await answer - began
        except TimeoutError:
            message = f"the instance did not answer within {timeout:g} s"
            raise ScheduleZeroError.of(Code.UNAVAILABLE, message, retry_after=1) from None
        finally:
            del self._pings[nonce]

    async def run_once(self) -> None:
        """Look after every link."""
        for link in list(self._links.values()):
            link.look()

    def close(self) -> None:
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _connect(self, info: InstanceInfo) -> Link:
        assert self._hello is not None
        return Link(self._context, info, self._hello(info), self._told, self._monotonic)

    def _told(self, what: Heard | Linked | LinkLost | LinkSilent) -> None:
        if isinstance(what, LinkLost):
            self._replace(what)
        elif isinstance(what, Heard):
            self._answer_pings(what.messages)
        self._report(what)

    def _replace(self, lost: LinkLost) -> None:
        link = self._links.pop(lost.boot_id)
        link.close()
        if not (lost.gone or link.departed):
            self._links[lost.boot_id] = self._connect(link.info)

    def _answer_pings(self, messages: Sequence[FromInstance]) -> None:
        for message in messages:
            if isinstance(message, Pulse) and message.nonce:
                answer = self._pings.get(message.nonce)
                if answer is not None and not answer.done():
                    answer.set_result(self._monotonic())
