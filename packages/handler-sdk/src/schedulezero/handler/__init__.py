"""Offer functions to ScheduleZero: a handler, its methods, and what a running method may ask and say."""

from schedulezero.handler.app import Handler
from schedulezero.handler.context import Context
from schedulezero.handler.errors import Fail, HandlerError, Retry, SettingsError

__all__ = ["Context", "Fail", "Handler", "HandlerError", "Retry", "SettingsError"]
