"""The life of the web gateway in a process."""

import socket
import sys
from collections.abc import Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from tornado.httpserver import HTTPServer

from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.clock import Clock
from schedulezero.runtime.errors import cannot_listen
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import HttpMetrics
from schedulezero.runtime.settings import Settings
from schedulezero.web.app import build
from schedulezero.web.backend import Backend
from schedulezero.web.gateway import Gateway
from schedulezero.web.http.access import AccessLog
from schedulezero.web.http.guard import Guard
from schedulezero.web.http.handler import Frame
from schedulezero.web.http.traffic import Traffic
from schedulezero.web.live.feed import Feed

_BODY_SECONDS = 60.0
_IDLE_SECONDS = 300.0
_BACKLOG = 512

_log = get_logger()


class WebService:
    """REST API and pages.

    Args:
        settings: the effective settings.
        clock: the time.
        context: the process's ZeroMQ context.
        scheduler_endpoint: where the scheduler answers commands.
        registry_endpoint: where the registry answers commands.
        scheduler_events: where the scheduler publishes.
        registry_events: where the registry publishes.
        public_settings: what `GET /api/config` answers.
        metrics: what `GET /metrics` shows, and where requests are measured.
    """

    name = "web"

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        context: Context,
        *,
        scheduler_endpoint: str,
        registry_endpoint: str,
        scheduler_events: str,
        registry_events: str,
        public_settings: Mapping[str, object],
        metrics: CollectorRegistry,
    ) -> None:
        self._settings, self._clock, self._context = settings, clock, context
        self._scheduler_endpoint, self._registry_endpoint = scheduler_endpoint, registry_endpoint
        self._scheduler_events, self._registry_events = scheduler_events, registry_events
        self._public_settings = public_settings
        self._metrics = metrics
        self._access_log = AccessLog(HttpMetrics.on(metrics))
        self._running: _Running | None = None

    @property
    def url(self) -> str:
        """Where it is reached, with the port that was given for port 0; known once started."""
        assert self._running is not None
        host = self._settings.web.addr
        return f"http://{f'[{host}]' if ':' in host else host}:{self._running.port}"

    async def start(self) -> None:
        """Listen; scheduler and registry need not be there yet.

        Raises:
            StartError: the address cannot be listened on.
        """
        listening = self._bind()
        backend = Backend.connect(
            self._context, scheduler_endpoint=self._scheduler_endpoint, registry_endpoint=self._registry_endpoint
        )
        feed = Feed(self._context, scheduler_events=self._scheduler_events, registry_events=self._registry_events)
        traffic = Traffic()
        server = HTTPServer(
            build(self._frame(backend, traffic), feed, access_log=self._access_log, metrics=self._metrics),
            # A body that is too large is refused by us, with an answer that can be read.
            max_body_size=sys.maxsize,
            body_timeout=_BODY_SECONDS,
            idle_connection_timeout=_IDLE_SECONDS,
        )
        server.add_socket(listening)
        self._running = _Running(server, traffic, backend, feed, port=listening.getsockname()[1])
        _log.info("web.listening", url=self.url)

    async def stop(self) -> None:
        """Take no new connection, let the requests under way be answered, close."""
        if self._running is not None:
            running, self._running = self._running, None
            await running.stop()

    def _bind(self) -> socket.socket:
        address, port = self._settings.web.addr, self._settings.web.port
        try:
            return _listen(address, port)
        except OSError as error:
            raise cannot_listen(error, address=address, port=port, variable="SCHEDULEZERO_TORNADO_PORT") from error

    def _frame(self, backend: Backend, traffic: Traffic) -> Frame:
        gateway = Gateway(
            settings=self._settings,
            public_settings=self._public_settings,
            clock=self._clock,
            backend=backend,
            version=version("schedulezero-web"),
        )
        return Frame(gateway=gateway, guard=Guard.by(self._settings), traffic=traffic)


class _Running:
    """What exists between start and stop."""

    def __init__(self, server: HTTPServer, traffic: Traffic, backend: Backend, feed: Feed, *, port: int) -> None:
        self._server, self._traffic, self._backend, self._feed, self.port = server, traffic, backend, feed, port

    async def stop(self) -> None:
        self._server.stop()
        try:
            await self._traffic.ended()
            await self._feed.drain()
        finally:  # also when the drain is cut short
            self._feed.close()
            await self._server.close_all_connections()
            self._backend.close()


def _listen(address: str, port: int) -> socket.socket:
    """A name that means both IPv4 and IPv6 is taken for IPv4, which every client tries."""
    found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, resolved = min(found, key=lambda one: one[0] != socket.AF_INET)
    listening = socket.create_server(resolved[:2], family=family, backlog=_BACKLOG)
    listening.setblocking(False)
    return listening
