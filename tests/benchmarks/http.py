"""A connection to a gateway that costs little, so that what is measured is the gateway: no more than HTTP/1.1 needs."""

import json
import socket
from typing import Any, Self

_SECONDS = 60.0


class Connection:
    """One connection that is kept open; for one thread.

    Args:
        port: of the loopback address.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, path: str, body: Any) -> Any:
        """Return the JSON that a path answers to `body`.

        Raises:
            ConnectionError: it did not succeed; the text is the answer.
        """
        encoded = json.dumps(body).encode()
        return self._ask(f"POST {path} {self._head}Content-Length: {len(encoded)}\r\n\r\n".encode() + encoded)

    def get(self, path: str) -> Any:
        """As :meth:`post`, for what is only read."""
        return self._ask(f"GET {path} {self._head}\r\n".encode())

    def _ask(self, request: bytes) -> Any:
        self._socket.sendall(request)
        head, body = self._head_and_more()
        status = int(head.split(b" ", 2)[1])
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self._receive()
        if not 200 <= status < 300:
            raise ConnectionError(f"{status}: {body[:500].decode(errors='replace')}")
        return json.loads(body)

    def _head_and_more(self) -> tuple[bytes, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, more = received.partition(b"\r\n\r\n")
        return head, more

    def _receive(self) -> bytes:
        received = self._socket.recv(262_144)
        if not received:
            raise ConnectionError("the gateway has closed the connection")
        return received
