"""A small HTTP server for /metrics and /health, for services that have no web server of their own."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from schedulezero.runtime.errors import cannot_listen
from schedulezero.runtime.logging import get_logger

Health = Callable[[], Mapping[str, object]]

_REQUEST_BYTES = 8_192
_EXCHANGE_SECONDS = 5.0
_TEXT = "text/plain; charset=utf-8"

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: HTTPStatus
    content_type: str = _TEXT
    body: bytes = b""

    def encode(self) -> bytes:
        allow = "Allow: GET\r\n" if self.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
        head = (
            f"HTTP/1.1 {self.status} {self.status.phrase}\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n{allow}Connection: close\r\n\r\n"
        )
        return head.encode("ascii") + self.body


class MetricsServer:
    """Serves `GET /metrics` (Prometheus text) and `GET /health` (JSON); one exchange a connection.

    Args:
        registry: what /metrics shows.
        health: gives what /health shows; its `status` other than `ok` is answered with 503.
        address: the address to listen on.
        port: the port; 0 means off: start and stop do nothing.
        variable: the environment variable that sets the port, named where the port is taken.
    """

    name = "metrics"

    def __init__(self, *, registry: CollectorRegistry, health: Health, address: str, port: int, variable: str) -> None:
        self._registry = registry
        self._health = health
        self._address = address
        self._port = port
        self._variable = variable
        self._server: asyncio.Server | None = None
        self._exchanges: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen.

        Raises:
            StartError: the address cannot be listened on.
        """
        if not self._port:
            return
        try:
            self._server = await asyncio.start_server(self._serve, self._address, self._port, limit=_REQUEST_BYTES)
        except OSError as error:
            raise cannot_listen(error, address=self._address, port=self._port, variable=self._variable) from error

    async def stop(self) -> None:
        """Stop listening and end the exchanges that are under way."""
        if self._server is None:
            return
        self._server.close()
        for exchange in self._exchanges:
            exchange.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = asyncio.create_task(self._exchange(reader, writer))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._exchanges.discard)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_EXCHANGE_SECONDS):
                writer.write((await self._answer(reader)).encode())
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, ConnectionError):
            _log.debug("metrics.peer_gone")
        except Exception:  # the boundary of one exchange: the server goes on
            _log.exception("metrics.exchange_failed")
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> _Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _Answer(status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except asyncio.IncompleteReadError:
            return _Answer(status=HTTPStatus.BAD_REQUEST)
        return await self._route(head.partition(b"\r\n")[0].split(b" "))

    async def _route(self, request_line: list[bytes]) -> _Answer:
        match request_line:
            case [b"GET", target, _]:
                return await self._get(target.partition(b"?")[0])
            case [_, _, _]:
                return _Answer(status=HTTPStatus.METHOD_NOT_ALLOWED)
            case _:
                return _Answer(status=HTTPStatus.BAD_REQUEST)

    async def _get(self, path: bytes) -> _Answer:
        match path:
            case b"/metrics":
                # Off the loop: rendering some thousand series takes longer than a service may stand still.
                text = await asyncio.to_thread(generate_latest, self._registry)
                return _Answer(status=HTTPStatus.OK, content_type=CONTENT_TYPE_PLAIN_0_0_4, body=text)
            case b"/health":
                health = self._health()
                status = HTTPStatus.OK if health.get("status") == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
                return _Answer(status=status, content_type="application/json", body=json.dumps(dict(health)).encode())
            case _:
                return _Answer(status=HTTPStatus.NOT_FOUND)
