"""Something to watch: two handlers, and schedules that keep them busy."""

from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import Loaded
from schedulezero.standalone.demo.service import Demo

__all__ = ["Demo", "assemble"]


def assemble(loaded: Loaded, context: Context) -> list[Service]:
    """Return the demo as a process of its own, which finds the others by TCP."""
    settings = loaded.settings
    demo = Demo(
        context,
        scheduler_endpoint=settings.scheduler.connecting.commands,
        registry_endpoint=settings.registry.connecting.commands,
    )
    return [demo]
