"""Every exchange that has ended, measured and logged."""

from typing import Protocol

from prometheus_client import Histogram
from tornado.httputil import HTTPServerRequest

from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import HttpMetrics


class Exchange(Protocol):
    """What is measured of an exchange: every handler of ours, of requests and of sockets, is one."""

    SUPPORTED_METHODS: tuple[str, ...]
    request: HTTPServerRequest
    route_name: str

    def get_status(self) -> int: ...


class AccessLog:
    """Called by Tornado with the handler of each exchange.

    Args:
        metrics: where durations are observed.
    """

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics = metrics
        self._durations: dict[tuple[str, ...], Histogram] = {}
        self._log = get_logger().bind()  # bound once: to bind costs more than to measure

    def __call__(self, handler: Exchange) -> None:
        request, seconds = handler.request, handler.request.request_time()
        # A verb is text of the sender's choice, and each one would be a series for ever.
        method = str(request.method) if request.method in handler.SUPPORTED_METHODS else "other"
        status = str(handler.get_status())
        self._of(method, handler.route_name, status).observe(seconds)
        self._log.debug("http.request", method=method, path=request.path, status=status, seconds=round(seconds, 6))

    def _of(self, *labels: str) -> Histogram:
        """Return what measures exchanges of a method, a route and a status, looked up once for each."""
        found = self._durations.get(labels)
        if found is None:
            found = self._durations[labels] = self._metrics.request_duration.labels(*labels)
        return found
