"""The web gateway as a process of its own."""

from prometheus_client import CollectorRegistry

from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.clock import SystemClock
from schedulezero.runtime.metrics import process_registry
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import Endpoints, Loaded, public
from schedulezero.service.web_gateway.announcement import Announcement
from schedulezero.web.service import WebService


def assemble(loaded: Loaded, context: Context) -> list[Service]:
    """Return what this process runs."""
    return web_services(
        loaded,
        context,
        process_registry(),
        scheduler=loaded.settings.scheduler.connecting,
        registry=loaded.settings.registry.connecting,
    )


def web_services(
    loaded: Loaded, context: Context, metrics: CollectorRegistry, *, scheduler: Endpoints, registry: Endpoints
) -> list[Service]:
    """Return the gateway, and what tells where it is once it serves.

    Args:
        loaded: the effective settings.
        context: the process's ZeroMQ context.
        metrics: where it measures, and what its `/metrics` shows.
        scheduler: where the scheduler is reached.
        registry: where the registry is reached.
    """
    web = WebService(
        loaded.settings,
        SystemClock(),
        context,
        scheduler_endpoint=scheduler.commands,
        registry_endpoint=registry.commands,
        scheduler_events=scheduler.events,
        registry_events=registry.events,
        public_settings=public(loaded),
        metrics=metrics,
    )
    return [web, Announcement(loaded.settings, lambda: web.url)]
