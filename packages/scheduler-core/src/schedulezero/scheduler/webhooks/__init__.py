"""Telling webhooks that executions have ended: at least once, beside everything else that the scheduler does."""

from schedulezero.scheduler.webhooks.deliverer import Deliverer
from schedulezero.scheduler.webhooks.verdicts import Terms
from schedulezero.scheduler.webhooks.visits import Visitor

__all__ = ["Deliverer", "Terms", "Visitor"]
