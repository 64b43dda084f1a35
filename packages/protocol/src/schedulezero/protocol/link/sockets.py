"""ZeroMQ sockets on an asyncio loop: readiness wakes one callback, which drains what has come in one go.

libzmq's descriptor is edge-triggered: it tells once that something changed, so EVENTS is read again after every
send and after every bounded drain. On a loop without `add_reader` (the default one of Windows) a thread waits
for the descriptor and never touches the socket itself.
"""

import asyncio
import itertools
import logging
import select
import threading
from collections.abc import Callable, Sequence
from enum import IntEnum
from socket import socketpair
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from schedulezero.protocol.envelope import MAX_PART_BYTES

HEARTBEAT_MS = 1000
SILENCE_MS = 3000
_DRAIN_BOUND = 512
# Plain integers: pyzmq's enumerations cost as much to combine as a message costs to read.
_EVENTS, _POLLIN, _POLLOUT, _NOBLOCK = int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.POLLOUT), int(zmq.NOBLOCK)
_monitors = itertools.count()
_log = logging.getLogger("schedulezero.link")

Frames = list[bytes]


class BindError(OSError):
    """An address cannot be listened on; the text names it and the remedy."""


class Change(IntEnum):
    """What a monitored socket tells of its connections."""

    CONNECTED = zmq.EVENT_HANDSHAKE_SUCCEEDED
    DISCONNECTED = zmq.EVENT_DISCONNECTED


def open_socket(context: zmq.Context[zmq.Socket[bytes]], kind: int, **options: Any) -> zmq.Socket[bytes]:
    """Open a socket with our limits and transport heartbeats; `options` are further ones, by libzmq's names."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_PART_BYTES)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    for name, value in options.items():
        socket.setsockopt(getattr(zmq, name), value)
    return socket


def bind(socket: zmq.Socket[bytes], endpoint: str) -> str:
    """Listen on `endpoint`; return the address as bound, with the port that was given for port 0.

    Raises:
        BindError: the address is taken or not ours.
    """
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise BindError(f"cannot listen on {endpoint}: {error.strerror}; set another address or port") from error
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


class DrainedSocket:
    """A socket whose messages are handed over in batches, in the order in which they came.

    Args:
        socket: bound or connected already, since that may take in signals unseen; closed together with this.
        receive: called on the loop with one or more messages.
        ready: called whenever something changed, for those who wait to send.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        receive: Callable[[list[Frames]], None],
        ready: Callable[[], None] | None = None,
    ) -> None:
        self.socket = socket
        self._receive = receive
        self._ready = ready
        self._loop = asyncio.get_running_loop()
        self._drain_is_due = False
        self._is_router = socket.type == zmq.ROUTER
        self._watch = _watch(self._loop, socket.fileno(), self._changed)
        self._look()
        self._tell_ready()

    def send(self, frames: Sequence[bytes]) -> bool:
        """Send without waiting; return False when there is no peer to take it now (full, away, or unknown)."""
        while not self._try(frames):
            # To read EVENTS is to take in what has changed, its signal included: a peer may have come just now. What
            # a ROUTER's says is of some peer, not of this one.
            if self._is_router or not self._look() & _POLLOUT:
                return False
        return True

    @property
    def closed(self) -> bool:
        return bool(self.socket.closed)

    def close(self) -> None:
        """Stop watching and close the socket; what was not sent is dropped."""
        if not self.closed:
            self._watch()
            self.socket.close(linger=0)

    def _try(self, frames: Sequence[bytes]) -> bool:
        try:
            self.socket.send_multipart(frames, _NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return False
        finally:
            self._look()
        return True

    def _changed(self) -> None:
        if not self.closed:
            self._drain()

    def _look(self) -> int:
        """Read EVENTS; what has come is drained soon, since whoever looks may be in the middle of something."""
        events = self._events()
        if events & _POLLIN and not self._drain_is_due:
            self._drain_is_due = True
            self._loop.call_soon(self._drain_again)
        return events

    def _events(self) -> int:
        return int(self.socket.getsockopt(_EVENTS))

    def _tell_ready(self) -> None:
        if self._ready is not None and not self.closed:
            self._ready()

    def _drain_again(self) -> None:
        self._drain_is_due = False
        if not self.closed:
            self._drain()

    def _drain(self) -> None:
        messages: list[Frames] = []
        while len(messages) < _DRAIN_BOUND and self._events() & _POLLIN:
            try:
                messages.append(self.socket.recv_multipart(_NOBLOCK))
            except zmq.Again:
                # What EVENTS has told of went with its peer. To learn that may have taken in other signals.
                self._look()
                break
        if len(messages) == _DRAIN_BOUND:
            self._look()
        if messages:
            self._receive(messages)
        self._tell_ready()


class _MonitorSocket(DrainedSocket):
    """What a socket tells of its connections. It is told to stop first: libzmq's thread waits for whoever hears it.

    That thread carries every connection of the process, and would wait for ever where nobody is left.
    """

    def __init__(
        self, monitored: zmq.Socket[bytes], told: zmq.Socket[bytes], receive: Callable[[list[Frames]], None]
    ) -> None:
        super().__init__(told, receive)
        self._monitored = monitored

    def close(self) -> None:
        if not self.closed and not self._monitored.closed:
            self._monitored.disable_monitor()
        super().close()


def monitor(socket: zmq.Socket[bytes], changed: Callable[[Change, str], None]) -> DrainedSocket:
    """Report connections of `socket` made and lost, with the peer's or own endpoint. Close it before the socket."""
    # pyzmq would name the address by descriptor, and a socket that is just being closed may still have that name.
    address = f"inproc://monitor-{next(_monitors)}"
    told = socket.get_monitor_socket(Change.CONNECTED | Change.DISCONNECTED, address)

    def receive(messages: list[Frames]) -> None:
        for frames in messages:
            event = parse_monitor_message(frames)
            if event["event"] in (Change.CONNECTED, Change.DISCONNECTED):
                changed(Change(event["event"]), event["endpoint"].decode())

    return _MonitorSocket(socket, told, receive)


def log_disconnections(socket: zmq.Socket[bytes], name: str) -> DrainedSocket:
    """Log each peer that goes away: libzmq drops the one that sends a part above our limit without another word."""

    def changed(change: Change, endpoint: str) -> None:
        if change is Change.DISCONNECTED:
            _log.info("%s: a peer of %s disconnected (it left, or sent over %d bytes)", name, endpoint, MAX_PART_BYTES)

    return monitor(socket, changed)


def _watch(loop: asyncio.AbstractEventLoop, fd: int, changed: Callable[[], None]) -> Callable[[], None]:
    """Call `changed` on the loop when `fd` becomes readable; return what ends it."""
    try:
        loop.add_reader(fd, changed)
    except NotImplementedError:
        return _WatchThread(loop, fd, changed).stop

    def stop() -> None:
        loop.remove_reader(fd)

    return stop


class _WatchThread:
    """Waits for a descriptor in a thread, hands over to the loop, and waits again when the loop has looked."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, changed: Callable[[], None]) -> None:
        self._loop, self._fd, self._changed = loop, fd, changed
        self._looked = threading.Event()
        self._stopping = False
        self._wake, self._woken = socketpair()
        self._thread = threading.Thread(target=self._run, name=f"zmq-fd-{fd}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when the thread has ended: the descriptor and the loop may be closed then."""
        self._stopping = True
        self._wake.close()
        self._looked.set()
        self._thread.join()

    def _run(self) -> None:
        with self._woken:
            while True:
                select.select([self._fd, self._woken.fileno()], [], [])
                # Cleared before `_stopping` is read, so that a stop in between is not waited through.
                self._looked.clear()
                if self._stopping:
                    return
                self._loop.call_soon_threadsafe(self._look)
                self._looked.wait()

    def _look(self) -> None:
        try:
            if not self._stopping:
                self._changed()
        finally:
            self._looked.set()
