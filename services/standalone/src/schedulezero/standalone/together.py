"""Everything in one process: the same services, linked by `inproc://`, on their TCP sockets too."""

from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.metrics import LoopMetrics, process_registry
from schedulezero.runtime.process import serve
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import Endpoints, Loaded
from schedulezero.service.registry import registry_services
from schedulezero.service.scheduler import scheduler_services
from schedulezero.service.web_gateway import web_services

_REGISTRY = Endpoints(commands="inproc://registry.commands", events="inproc://registry.events")
_SCHEDULER = Endpoints(commands="inproc://scheduler.commands", events="inproc://scheduler.events")


def up_together(loaded: Loaded, *, demo: bool) -> int:
    """Serve until a signal comes, and return the exit code.

    Raises:
        StartError: one of the services cannot start.
    """
    return serve(loaded, "schedulezero", assemble_with_demo if demo else assemble)


def assemble(loaded: Loaded, context: Context) -> list[Service]:
    """Return registry, scheduler and web."""
    return _linked(loaded, context, [])


def assemble_with_demo(loaded: Loaded, context: Context) -> list[Service]:
    """Return the same with the demo, which is there before the pages are."""
    from schedulezero.standalone.demo import Demo

    demo = Demo(context, scheduler_endpoint=_SCHEDULER.commands, registry_endpoint=_REGISTRY.commands)
    return _linked(loaded, context, [demo])


def _linked(loaded: Loaded, context: Context, before_web: list[Service]) -> list[Service]:
    settings, metrics = loaded.settings, process_registry()
    loop_metrics = LoopMetrics.on(metrics)
    registry_at = (_REGISTRY, settings.registry.listening)
    scheduler_at = (_SCHEDULER, settings.scheduler.listening)
    return [
        *registry_services(settings, context, metrics, loop_metrics, endpoints=registry_at),
        *scheduler_services(settings, context, metrics, loop_metrics, endpoints=scheduler_at, registry=_REGISTRY),
        *before_web,
        *web_services(loaded, context, metrics, scheduler=_SCHEDULER, registry=_REGISTRY),
    ]
