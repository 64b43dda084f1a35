"""The gateway as a Tornado application: every path, and what answers it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, PathMatches, Rule, URLSpec
from tornado.web import Application

from schedulezero.web.api import ROUTES
from schedulezero.web.http.access import AccessLog
from schedulezero.web.http.handler import ApiHandler, Frame, UnknownCall
from schedulezero.web.live.feed import Feed
from schedulezero.web.live.handler import SOCKET_SETTINGS, LiveHandler
from schedulezero.web.microsites import discover
from schedulezero.web.microsites.assets import Assets
from schedulezero.web.microsites.pages import AssetHandler, PageHandler
from schedulezero.web.microsites.rendering import Renderer, Templates
from schedulezero.web.monitoring import MetricsHandler
from schedulezero.web.routes import Route, pattern


def build(frame: Frame, feed: Feed, *, access_log: AccessLog, metrics: CollectorRegistry) -> Application:
    """Return the application.

    Args:
        frame: what its handlers stand on.
        feed: what `/ws` tells.
        access_log: told of each exchange.
        metrics: what /metrics shows.
    """
    sites = discover()
    assets = Assets({site.name: site.folder / "assets" for site in sites})
    renderer = Renderer(gateway=frame.gateway, sites=sites, assets=assets, templates=Templates())
    pages = {"frame": frame, "renderer": renderer}
    return Application(
        [
            *_calls(frame),
            URLSpec(r"/api(?:/.*)?", UnknownCall, {"frame": frame}),
            URLSpec(r"/metrics", MetricsHandler, {"frame": frame, "registry": metrics}),
            URLSpec(r"/ws", LiveHandler, {"frame": frame, "feed": feed}),
            *(
                URLSpec(
                    pattern(path).replace("*", "(?P<rest>.*)"),
                    PageHandler,
                    {**pages, "page": site.pages.get(path), "action": site.actions.get(path), "route_name": path},
                )
                for site in sites
                for path in site.paths
            ),
            URLSpec(r"/assets/(?P<name>.+)", AssetHandler, {**pages, "route_name": "/assets"}),
        ],
        default_handler_class=PageHandler,
        default_handler_args=pages,
        log_function=access_log,
        **SOCKET_SETTINGS,
    )


def _calls(frame: Frame) -> Iterator[Rule]:
    """One handler for the routes of each path; fixed paths come before those with parameters, which would match too."""
    ordered = sorted(ROUTES, key=lambda route: (bool(route.parameters), route.path))
    for path, routes in groupby(ordered, key=lambda route: route.path):
        by_verb: dict[str, Route] = {route.method: route for route in routes}
        matcher = PathMatches(pattern(path)) if "{" in path else _Exactly(path)
        yield Rule(matcher, ApiHandler, {"frame": frame, "routes": by_verb, "route_name": path})


class _Exactly(Matcher):
    """Matches one path, at a fraction of what a pattern costs; every request is matched against all before its own."""

    def __init__(self, path: str) -> None:
        self._path = path

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if request.path == self._path else None
