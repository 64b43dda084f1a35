"""Metrics: the groups that are measured, and a server for those who scrape them."""

from schedulezero.runtime.metrics.groups import (
    HttpMetrics,
    LoopMetrics,
    RegistryMetrics,
    SchedulerMetrics,
    process_registry,
)
from schedulezero.runtime.metrics.server import Health, MetricsServer

__all__ = [
    "Health",
    "HttpMetrics",
    "LoopMetrics",
    "MetricsServer",
    "RegistryMetrics",
    "SchedulerMetrics",
    "process_registry",
]
