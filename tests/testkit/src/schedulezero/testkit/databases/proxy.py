"""What stands between a scheduler and its database, and lets the network be as bad as a test wants it."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_CHUNK = 65_536
_LOOK_SECONDS = 0.05


class Proxy:
    """A TCP proxy on a port of its own. Everything may be changed while connections are open.

    Args:
        target: host and port that it leads to.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.delay = 0.0
        """Seconds that each piece is held up, in both directions."""
        self._flowing = threading.Event()
        self._flowing.set()
        self._answering = threading.Event()
        self._answering.set()
        self._open = True
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LOOK_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._closed = False
        self._threads = [self._start(self._accept)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what a network does ---------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._open = False
        self.drop()

    def mend(self) -> None:
        """Let everything through again, to new connections too."""
        self._open = True
        self._flowing.set()
        self._answering.set()
        self.delay = 0.0

    def drop(self) -> None:
        """Break the connections that are open; new ones are welcome."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for side in pair:
                _shut(side)

    def freeze(self) -> None:
        """Swallow nothing and deliver nothing: connections stay open, new ones too, and no byte arrives."""
        self._flowing.clear()

    def deafen(self) -> None:
        """Deliver what is said to the database, and none of its answers."""
        self._answering.clear()

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._pairs)

    def close(self) -> None:
        """End it."""
        self._closed = True
        self.cut()
        self._flowing.set()
        self._answering.set()
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()

    # -- how -------------------------------------------------------------------------------------------------------

    def _start(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._threads.append(self._start(self._connect, client))

    def _connect(self, client: socket.socket) -> None:
        client.settimeout(None)
        try:
            server = socket.create_connection(self.target, timeout=5) if self._open else None
        except OSError:
            server = None
        if server is None:
            client.close()
            return
        server.settimeout(None)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        back = self._start(self._carry, server, client, (self._flowing, self._answering))
        self._carry(client, server, (self._flowing,))
        back.join()
        with self._lock:
            self._pairs.discard(pair)
        client.close()
        server.close()

    def _carry(self, source: socket.socket, sink: socket.socket, gates: tuple[threading.Event, ...]) -> None:
        with suppress(OSError):
            while piece := source.recv(_CHUNK):
                if self.delay:
                    time.sleep(self.delay)
                for gate in gates:
                    gate.wait()
                sink.sendall(piece)
        _shut(source)
        _shut(sink)


def _shut(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
