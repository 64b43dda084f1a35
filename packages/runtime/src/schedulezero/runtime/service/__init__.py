"""The life cycle of a process and of the loops in it."""

from schedulezero.runtime.service.lifecycle import FallibleService, Service, run
from schedulezero.runtime.service.loops import Backoff, FatalError, Loop, Loops, supervise

__all__ = ["Backoff", "FallibleService", "FatalError", "Loop", "Loops", "Service", "run", "supervise"]
