"""What is measured: a module for each figure."""

from . import (
    batch,
    core,
    databases,
    growth,
    idle,
    intervals,
    memory,
    one_shots,
    stages,
    start,
    steady,
    stored_executions,
    stored_schedules,
)
from .figure import Figure

FIGURES: dict[str, Figure] = {
    module.FIGURE.name: module.FIGURE
    for module in (
        batch,
        idle,
        steady,
        one_shots,
        intervals,
        stored_schedules,
        stored_executions,
        memory,
        start,
        databases,
        growth,
        stages,
        core,
    )
}
"""By name, in the order in which they are measured."""
