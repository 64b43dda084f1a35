"""Triggers: from what a user wrote to the instants at which a schedule fires.

:func:`anchor` checks a configuration and writes into it all that depends on the moment of its creation;
:func:`compile_trigger` makes the :class:`Trigger` that answers for it ever after; :func:`preview` shows a user
what it will do. Nothing here reads a clock. Instants are integer microseconds since 1970 in UTC.
"""

from schedulezero.scheduler.core.triggers.adapter import Preview, anchor, compile_trigger, preview
from schedulezero.scheduler.core.triggers.mismatch import Mismatch
from schedulezero.scheduler.core.triggers.trigger import Trigger
from schedulezero.scheduler.core.triggers.written_times import parse_instant
from schedulezero.scheduler.core.triggers.zones import Zone, find_zone

__all__ = [
    "Mismatch",
    "Preview",
    "Trigger",
    "Zone",
    "anchor",
    "compile_trigger",
    "find_zone",
    "parse_instant",
    "preview",
]
