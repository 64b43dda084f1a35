"""A webhook that answers as a test says, over real HTTP on the loopback, and remembers what it was sent."""

import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, NamedTuple, Self

_DRIP_SECONDS = 0.02
_PATIENCE_SECONDS = 20.0


class Taken(NamedTuple):
    """A request; the names of its headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def delivery(self) -> str:
        return self.headers["x-schedulezero-delivery"]


class Exchange:
    """One request that is being answered. `over` is set when the webhook closes."""

    def __init__(self, handler: BaseHTTPRequestHandler, over: Event) -> None:
        self._handler, self.over = handler, over

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer as HTTP has it; underscores in the names of headers stand for hyphens."""
        self._handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(body)

    def send(self, raw: bytes) -> None:
        """Write bytes as they are."""
        self._handler.wfile.write(raw)


Answer = Callable[[Exchange], None]


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer with this status."""
    return lambda exchange: exchange.reply(code, body, **headers)


def hang(exchange: Exchange) -> None:
    """Take the request and say nothing."""
    exchange.over.wait()


def drip(exchange: Exchange) -> None:
    """Begin an answer whose status line never ends."""
    exchange.send(b"HTTP/1.1 ")
    while not exchange.over.wait(_DRIP_SECONDS):
        exchange.send(b"2")


def flood(exchange: Exchange) -> None:
    """Say yes, with a body that never ends."""
    exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while not exchange.over.is_set():
        exchange.send(b"x" * 65536)


class Webhook:
    """Serves in threads of its own, from `with` to its end.

    Args:
        answers: how the first requests are answered, in order; all others with 204.
        port: 0 takes a free one.
        certificate: a PEM file with certificate and key, for HTTPS.
    """

    def __init__(self, *answers: Answer, port: int = 0, certificate: str | None = None) -> None:
        self.answers = list(answers)
        self._requests: list[Taken] = []
        self._changed = Condition()
        self._over = Event()
        self._server = _Server(("127.0.0.1", port), _handler_of(self))
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/hook"

    @property
    def requests(self) -> list[Taken]:
        """What it was sent so far, whatever it has answered."""
        with self._changed:
            return list(self._requests)

    def wait_for(self, count: int, within: float = _PATIENCE_SECONDS) -> list[Taken]:
        """Return the requests once there are so many."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self._requests) >= count, within)
            assert came, f"{len(self._requests)} of {count} requests came within {within:g} s"
            return list(self._requests)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Remember a request and answer it."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._changed:
            self._requests.append(Taken(handler.path, headers, body))
            answer = self.answers.pop(0) if self.answers else status(204)
            self._changed.notify_all()
        # The other side may have lost its patience.
        with suppress(OSError):
            answer(Exchange(handler, self._over))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are what some tests are about."""


def _handler_of(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.take(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
