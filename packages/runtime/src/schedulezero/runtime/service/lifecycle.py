"""The life of a process: start services in order, wait, stop them in reverse order."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, runtime_checkable

from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.service.signals import on_termination

# What a service gets to close its sockets and files once its drain has been cut short.
_CLOSE_SECONDS = 1.0

_log = get_logger()


class Service(Protocol):
    """A part of a process that runs between `start` and `stop`."""

    @property
    def name(self) -> str:
        """What log lines call it."""
        ...

    async def start(self) -> None:
        """Return once it serves. When it raises or is cancelled, it has undone what it had begun."""
        ...

    async def stop(self) -> None:
        """Finish the work under way and close. When cancelled, it closes at once, leaving that work."""
        ...


@runtime_checkable
class FallibleService(Service, Protocol):
    """A service that may fail for good while it runs."""

    async def wait_failed(self) -> None:
        """Wait as long as all is well; raise what the service cannot recover from."""
        ...


async def run(services: Sequence[Service], *, drain_seconds: float, began: Callable[[], object] | None = None) -> int:
    """Run `services` until SIGINT, SIGTERM or a fatal failure, and return the exit code of the process.

    Services start in order and stop in reverse order. A signal while they start stops those already started.
    A second signal cuts the drain short.

    Args:
        services: what runs, those that others need first.
        drain_seconds: the time that all services together have to stop.
        began: called once when all have started.

    Returns:
        0 when stopped by a signal; 1 when a service failed while it ran or stopped, which is logged.

    Raises:
        Exception: what the start of a service raised, after those started before have stopped.
    """
    stop, cut = asyncio.Event(), asyncio.Event()
    started: list[Service] = []
    with on_termination(lambda: (cut if stop.is_set() else stop).set()):
        try:
            await _unless(stop, _start(services, started, began))
            failed = await _unless(stop, _watch(started))
        finally:
            stop.set()
            stopped_badly = await _stop(started, cut, drain_seconds)
    return int(bool(failed) or stopped_badly)


async def _start(services: Sequence[Service], started: list[Service], began: Callable[[], object] | None) -> None:
    for service in services:
        await service.start()
        started.append(service)
        _log.info("service.started", name=service.name)
    if began is not None:
        began()


async def _watch(services: Sequence[Service]) -> bool:
    """Wait until one of `services` has failed, and return True; never return while all are well."""
    watched = [_failure(service) for service in services if isinstance(service, FallibleService)]
    waits = [asyncio.create_task(wait) for wait in (*watched, _forever())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancel(*waits)
    return True


async def _failure(service: FallibleService) -> None:
    try:
        await service.wait_failed()
    except Exception:  # the boundary of the process: said here, then it ends
        _log.exception("service.failed", name=service.name)
    else:
        _log.error("service.ended", name=service.name)


async def _stop(services: Sequence[Service], cut: asyncio.Event, drain_seconds: float) -> bool:
    """Stop `services` in reverse order and return whether any of them failed to."""
    deadline = asyncio.get_running_loop().call_later(drain_seconds, cut.set)
    failures = [await _stop_one(service, cut) for service in reversed(services)]
    deadline.cancel()
    return any(failures)


async def _stop_one(service: Service, cut: asyncio.Event) -> bool:
    try:
        drained = await _unless(cut, _drained(service))
    except Exception:  # the boundary of the process: the other services are stopped all the same
        _log.exception("service.stop_failed", name=service.name)
        return True
    _log.info("service.stopped", name=service.name, drained=bool(drained))
    return False


async def _drained(service: Service) -> bool:
    await service.stop()
    return True


async def _unless[T](event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return or raise what `work` does; once `event` is set, cancel it and return None."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        await _cancel(working, waiting)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()
