"""Sockets that look like ZeroMQ's and a network that a seed decides about.

What holds of TCP and libzmq holds here: a connection keeps its order and loses nothing until it breaks; when it breaks,
what was under way is lost; a DEALER sends only where it is connected; a ROUTER knows its peers by ids that are new for
each connection; an XPUB may lose, and is told what is subscribed to. Over what ZeroMQ does, frames on the links to
handlers may come twice.
"""

import itertools
import struct
from collections import deque
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

import zmq

from .agenda import SECOND, Agenda
from .process import Process

Frames = list[bytes]
_HEARTBEAT_TIMEOUT = 3 * SECOND
_CONNECTED, _DISCONNECTED = zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED


class Network:
    """All sockets of the world.

    Args:
        agenda: virtual time.
        random: what decides about delays and losses.
    """

    def __init__(self, agenda: Agenda, random: Random) -> None:
        self.agenda, self.random = agenda, random
        self.listeners: dict[str, Socket] = {}
        self.connections: dict[Connection, None] = {}
        self.faults = True
        """Whether frames are doubled, or lost where they may be."""
        self._numbers = itertools.count(1)

    def number(self) -> int:
        return next(self._numbers)

    def free_port(self, host: str) -> str:
        """Return the first address that is free now, so that one that was given up is soon used again."""
        places = (f"{host}:{port}" for port in itertools.count(50_001))
        return next(place for place in places if place not in self.listeners)

    def latency(self) -> int:
        slow = self.random.random() < 0.02
        return self.random.randint(50, 300_000 if slow else 3_000)

    def of(self, process: Process) -> "list[Connection]":
        return [one for one in self.connections if process in (one.client.process, one.server.process)]

    def cut(self, process: Process) -> None:
        """Break every connection of a process; they come back by themselves if it lives."""
        for connection in self.of(process):
            connection.close()

    def drop(self, process: Process) -> None:
        """Take away every socket of a process that has died."""
        for connection in self.of(process):
            connection.close()
        for address in [address for address, socket in self.listeners.items() if socket.process is process]:
            del self.listeners[address]

    def hold(self, process: Process) -> None:
        """A process says nothing any more, not even heartbeats: others break with it after three seconds."""
        for connection in self.of(process):
            self.agenda.after(_HEARTBEAT_TIMEOUT, partial(connection.miss, process))


class Connection:
    """One connection between a socket that connects and one that listens."""

    def __init__(self, network: Network, client: "Socket", server: "Socket") -> None:
        self.client, self.server = client, server
        self.id = b"\0" + network.number().to_bytes(4)
        self.open = True
        self._network = network
        self._free_at = {client: 0, server: 0}
        network.connections[self] = None

    def carry(self, to: "Socket", frames: Frames) -> None:
        """Bring frames over, after everything that goes the same way."""
        network = self._network
        when = max(self._free_at[to], network.agenda.now + network.latency())
        self._free_at[to] = when
        network.agenda.at(when, lambda: self._arrive(to, frames))
        if network.faults and self.server.process.name.startswith("handler") and network.random.random() < 0.01:
            network.agenda.at(when, lambda: self._arrive(to, frames))

    def _arrive(self, to: "Socket", frames: Frames) -> None:
        if self.open:
            to.take([self.id, *frames] if to.type == zmq.ROUTER else frames)

    def miss(self, process: Process) -> None:
        """Break, if a process that was held still is."""
        if self.open and process.stopped:
            self.close()

    def close(self) -> None:
        if self.open:
            self.open = False
            del self._network.connections[self]
            self.server.peers.pop(self.id, None)
            self.server.forget_topics_of(self.client)
            self.client.disconnected()
            self.client.tell(_DISCONNECTED)
            self.server.tell(_DISCONNECTED)


class Context:
    """What a process is given in place of a `zmq.Context`."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network, self._process = network, process

    def socket(self, kind: int) -> "Socket":
        return Socket(self._network, self._process, kind)


class Socket:
    """The part of a `zmq.Socket` that the project uses."""

    def __init__(self, network: Network, process: Process, kind: int) -> None:
        self.type = kind
        self.process = process
        self.closed = False
        self.peers: dict[bytes, Connection] = {}
        self._network = network
        self._fd = network.number()
        self._inbox: deque[Frames] = deque()
        self._topics: list[bytes] = []
        self._endpoint = ""
        self._bound: list[str] = []
        self._connection: Connection | None = None
        self._monitor: Socket | None = None

    # -- as pyzmq has it -----------------------------------------------------------------------------------------

    def fileno(self) -> int:
        return self._fd

    def setsockopt(self, option: int, value: Any) -> None:
        """Limits and heartbeats are as the network has them."""

    def setsockopt_string(self, option: int, value: str) -> None:
        if option == zmq.SUBSCRIBE:
            self._topics.append(value.encode())

    def getsockopt(self, option: int) -> int:
        assert option == zmq.EVENTS
        can_send = self.type != zmq.DEALER or self._connection is not None
        return (zmq.POLLIN if self._inbox else 0) | (zmq.POLLOUT if can_send else 0)

    def getsockopt_string(self, option: int) -> str:
        assert option == zmq.LAST_ENDPOINT
        return self._endpoint

    def disable_monitor(self) -> None:
        """Nobody waits here for whoever hears what a monitor tells."""

    def get_monitor_socket(self, _events: int, _address: str) -> "Socket":
        self._monitor = Socket(self._network, self.process, zmq.PAIR)
        return self._monitor

    def bind(self, endpoint: str) -> None:
        host, _, port = endpoint.rpartition(":")
        self._endpoint = self._network.free_port(host) if port in ("0", "*") else endpoint
        if self._endpoint in self._network.listeners:
            raise zmq.ZMQError(zmq.EADDRINUSE)
        self._network.listeners[self._endpoint] = self
        self._bound.append(self._endpoint)

    def connect(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._try_soon(self._network.latency())

    def send_multipart(self, frames: Sequence[bytes], _flags: int) -> None:
        parts = list(frames)
        match self.type:
            case zmq.ROUTER:
                connection = self.peers.get(parts[0])
                if connection is None:
                    raise zmq.ZMQError(zmq.EHOSTUNREACH)
                connection.carry(connection.client, parts[1:])
            case zmq.XPUB:
                for connection in list(self.peers.values()):
                    self._publish(connection, parts)
            case _:
                if self._connection is None:
                    raise zmq.Again
                self._connection.carry(self._connection.server, parts)

    def recv_multipart(self, _flags: int) -> Frames:
        if not self._inbox:
            raise zmq.Again
        return self._inbox.popleft()

    def close(self, linger: int = 0) -> None:
        self.closed = True
        for endpoint in self._bound:
            self._network.listeners.pop(endpoint, None)
        for connection in [*self.peers.values(), *([self._connection] if self._connection else ())]:
            connection.close()

    # -- as the network has it -----------------------------------------------------------------------------------

    def take(self, frames: Frames) -> None:
        """Frames have come."""
        if not self.closed and self.process.alive:
            self._inbox.append(frames)
            self._signal()

    def tell(self, event: int) -> None:
        """Tell whoever monitors this socket, and let whoever waits to send look."""
        if self._monitor is not None:
            self._monitor.take([struct.pack("=hi", event, 0), self._endpoint.encode()])
        if not self.closed:
            self._signal()

    def forget_topics_of(self, client: "Socket") -> None:
        """Tell an XPUB which topics nobody subscribes to any more, now that this one has left."""
        left = {topic for connection in self.peers.values() for topic in connection.client._topics}
        for topic in client._topics:
            if topic not in left:
                self.take([b"\x00" + topic])

    def disconnected(self) -> None:
        """The connection is gone, and what had come over it unread (IMMEDIATE)."""
        self._connection = None
        self._inbox.clear()
        if not self.closed and self.process.alive:
            self._try_soon(self._network.random.randint(50_000, 500_000))

    def _publish(self, connection: Connection, parts: Frames) -> None:
        lost = self._network.faults and self._network.random.random() < 0.02
        if not lost and any(parts[0].startswith(topic) for topic in connection.client._topics):
            connection.carry(connection.client, parts)

    def _try_soon(self, delay: int) -> None:
        self._network.agenda.after(delay, self._try)

    def _try(self) -> None:
        if self.closed or not self.process.alive or self._connection is not None:
            return
        server = self._network.listeners.get(self._endpoint)
        if server is None or server.process.stopped or self.process.stopped:
            self._try_soon(self._network.random.randint(50_000, 500_000))
            return
        connection = self._connection = Connection(self._network, self, server)
        server.peers[connection.id] = connection
        for topic in self._topics:
            server.take([b"\x01" + topic])
        self.tell(_CONNECTED)
        server.tell(_CONNECTED)

    def _signal(self) -> None:
        self.process.loop.readable(self._fd)
