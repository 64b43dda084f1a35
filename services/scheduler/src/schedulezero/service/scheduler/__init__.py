"""The scheduler as a process of its own."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.clock import SystemClock
from schedulezero.runtime.metrics import LoopMetrics, MetricsServer, SchedulerMetrics, process_registry
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import FIELDS, Endpoints, Loaded, Settings
from schedulezero.scheduler.service import SchedulerService


def assemble(loaded: Loaded, context: Context) -> list[Service]:
    """Return what this process runs."""
    metrics = process_registry()
    return scheduler_services(loaded.settings, context, metrics, LoopMetrics.on(metrics))


def scheduler_services(
    settings: Settings,
    context: Context,
    metrics: CollectorRegistry,
    loop_metrics: LoopMetrics,
    *,
    endpoints: Sequence[Endpoints] = (),
    registry: Endpoints | None = None,
) -> list[Service]:
    """Return the scheduler and the server of its metrics.

    Args:
        settings: the effective settings.
        context: the process's ZeroMQ context.
        metrics: where it measures.
        loop_metrics: where the failures of its loops are counted.
        endpoints: where it listens, if not where the settings say.
        registry: where the registry is, if not where the settings say.
    """
    scheduler = SchedulerService(
        settings,
        SystemClock(),
        context,
        metrics=SchedulerMetrics.on(metrics),
        loop_metrics=loop_metrics,
        endpoints=endpoints,
        registry=registry,
    )
    monitoring = MetricsServer(
        registry=metrics,
        health=scheduler.health,
        address=settings.metrics.bind,
        port=settings.scheduler.metrics_port,
        variable=FIELDS["scheduler.metrics_port"].variable,
    )
    return [scheduler, monitoring]
