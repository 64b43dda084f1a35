"""The metrics of ScheduleZero, a group for each part that measures; their names are relied on by dashboards."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600)
_LATENESSES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_COMMITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)
_REQUESTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


def process_registry() -> CollectorRegistry:
    """Return a fresh registry with what every process tells of itself: its version, memory and CPU time."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Info("schedulezero_build", "Version of ScheduleZero and of Python.", registry=registry)
    build.info({"version": version("schedulezero-runtime"), "python": platform.python_version()})
    return registry


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerMetrics:
    """What the scheduler measures; times in seconds."""

    executions: Counter
    execution_duration: Histogram
    fire_lateness: Histogram
    schedules: Gauge
    executions_pending: Gauge
    commit_batch_size: Histogram
    commit_seconds: Histogram
    webhook_deliveries: Counter
    notifications_pending: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """Create the group on `registry`, once for each registry."""
        return cls(
            executions=Counter(
                "schedulezero_executions_total",
                "Executions that have ended.",
                ("handler", "method", "status"),
                registry=registry,
            ),
            execution_duration=Histogram(
                "schedulezero_execution_duration_seconds",
                "From the start of an execution's last attempt to its end.",
                ("handler", "method"),
                buckets=_DURATIONS,
                registry=registry,
            ),
            fire_lateness=Histogram(
                "schedulezero_fire_lateness_seconds",
                "From the instant a schedule was due to the start of its execution.",
                buckets=_LATENESSES,
                registry=registry,
            ),
            schedules=Gauge("schedulezero_schedules", "Schedules by state.", ("state",), registry=registry),
            executions_pending=Gauge(
                "schedulezero_executions_pending", "Executions that wait, by handler.", ("handler",), registry=registry
            ),
            commit_batch_size=Histogram(
                "schedulezero_commit_batch_size", "Changes in a commit.", buckets=_BATCHES, registry=registry
            ),
            commit_seconds=Histogram(
                "schedulezero_commit_seconds", "Duration of a commit.", buckets=_COMMITS, registry=registry
            ),
            webhook_deliveries=Counter(
                "schedulezero_webhook_deliveries_total",
                "Attempts to deliver notifications: delivered, failed (tried again later), given_up.",
                ("outcome",),
                registry=registry,
            ),
            notifications_pending=Gauge(
                "schedulezero_notifications_pending", "Notifications that no webhook has taken yet.", registry=registry
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryMetrics:
    """What the registry measures."""

    handlers: Gauge

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """Create the group on `registry`, once for each registry."""
        return cls(handlers=Gauge("schedulezero_handlers", "Handlers by status.", ("status",), registry=registry))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMetrics:
    """What the web gateway measures; times in seconds."""

    request_duration: Histogram

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """Create the group on `registry`, once for each registry."""
        return cls(
            request_duration=Histogram(
                "schedulezero_http_request_duration_seconds",
                "Duration of HTTP requests by route, not by path.",
                ("method", "route", "status"),
                buckets=_REQUESTS,
                registry=registry,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopMetrics:
    """What is counted of the supervised loops of a process."""

    failures: Counter

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        """Create the group on `registry`, once for each registry."""
        return cls(
            failures=Counter(
                "schedulezero_loop_failures_total",
                "Rounds of a background loop that failed.",
                ("loop",),
                registry=registry,
            )
        )
