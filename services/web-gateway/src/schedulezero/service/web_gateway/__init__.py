"""The web gateway as a process of its own."""

from prometheus_client import CollectorRegistry

from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.clock import SystemClock
from schedulezero.runtime.metrics import process_registry
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import Loaded, public
from schedulezero.service.web_gateway.announcement import Announcement
from schedulezero.web.service import WebService


def assemble(loaded: Loaded, context: Context) -> list[Service]:
    """Return what this process runs."""
    return web_services(
        loaded,
        context,
        process_registry(),
        scheduler_endpoint=loaded.settings.scheduler.connecting.commands,
        registry_endpoint=loaded.settings.registry.connecting.commands,
    )


def web_services(
    loaded: Loaded, context: Context, metrics: CollectorRegistry, *, scheduler_endpoint: str, registry_endpoint: str
) -> list[Service]:
    """Return the gateway, and what tells where it is once it serves.

    Args:
        loaded: the effective settings.
        context: the process's ZeroMQ context.
        metrics: where it measures, and what its `/metrics` shows.
        scheduler_endpoint: where the scheduler answers commands.
        registry_endpoint: where the registry answers commands.
    """
    web = WebService(
        loaded.settings,
        SystemClock(),
        context,
        scheduler_endpoint=scheduler_endpoint,
        registry_endpoint=registry_endpoint,
        public_settings=public(loaded),
        metrics=metrics,
    )
    return [web, Announcement(loaded.settings, lambda: web.url)]
