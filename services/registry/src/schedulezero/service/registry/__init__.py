"""The registry as a process of its own."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from schedulezero.protocol.link.calls import Context
from schedulezero.registry.service import RegistryService
from schedulezero.runtime.clock import SystemClock
from schedulezero.runtime.metrics import LoopMetrics, MetricsServer, RegistryMetrics, process_registry
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import FIELDS, Endpoints, Loaded, Settings


def assemble(loaded: Loaded, context: Context) -> list[Service]:
    """Return what this process runs."""
    metrics = process_registry()
    return registry_services(loaded.settings, context, metrics, LoopMetrics.on(metrics))


def registry_services(
    settings: Settings,
    context: Context,
    metrics: CollectorRegistry,
    loop_metrics: LoopMetrics,
    *,
    endpoints: Sequence[Endpoints] = (),
) -> list[Service]:
    """Return the registry and the server of its metrics.

    Args:
        settings: the effective settings.
        context: the process's ZeroMQ context.
        metrics: where it measures.
        loop_metrics: where the failures of its loops are counted.
        endpoints: where it listens, if not where the settings say.
    """
    registry = RegistryService(
        settings,
        SystemClock(),
        context,
        metrics=RegistryMetrics.on(metrics),
        loop_metrics=loop_metrics,
        endpoints=endpoints,
    )
    monitoring = MetricsServer(
        registry=metrics,
        health=registry.health,
        address=settings.metrics.bind,
        port=settings.registry.metrics_port,
        variable=FIELDS["registry.metrics_port"].variable,
    )
    return [registry, monitoring]
