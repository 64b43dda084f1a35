"""The REST API: a module an area, each with its routes."""

from schedulezero.web.api import config, executions, handlers, health, runs, schedules, system, triggers
from schedulezero.web.openapi import described
from schedulezero.web.routes import Route

ROUTES: tuple[Route, ...] = described(
    (
        *health.ROUTES,
        *config.ROUTES,
        *handlers.ROUTES,
        *schedules.ROUTES,
        *runs.ROUTES,
        *executions.ROUTES,
        *triggers.ROUTES,
        *system.ROUTES,
    )
)
"""Every call there is, the description of them all included."""
