"""The registry as a service: its sockets, its loops and its snapshot file, from start to stop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version

from schedulezero.protocol.answers import ServiceInfo
from schedulezero.protocol.commands import RegistryCommand
from schedulezero.protocol.errors import Code
from schedulezero.protocol.link.calls import CommandServer, Context
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.link.sockets import BindError
from schedulezero.registry.directory import Directory, Terms
from schedulezero.registry.moment import Moment
from schedulezero.registry.registrar import Registrar
from schedulezero.registry.snapshot import SnapshotFile, SnapshotLoop
from schedulezero.runtime.clock import Clock, to_datetime
from schedulezero.runtime.errors import StartError
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import LoopMetrics, RegistryMetrics
from schedulezero.runtime.service import Loops
from schedulezero.runtime.settings import Endpoints, Settings

_log = get_logger()


class RegistryService:
    """Answers the registry's commands and publishes the `handler` events.

    Args:
        settings: where it listens, the file it keeps, the lease it grants.
        clock: what it tells the time by.
        context: the process's ZeroMQ context.
        metrics: where it counts the handlers.
        loop_metrics: where the failures of its loops are counted.
        endpoints: where it listens, if not where the settings say.
    """

    name = "registry"

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        context: Context,
        *,
        metrics: RegistryMetrics,
        loop_metrics: LoopMetrics,
        endpoints: Sequence[Endpoints] = (),
    ) -> None:
        self._clock = clock
        self._context = context
        self._metrics = metrics
        self._endpoints = tuple(endpoints) or (settings.registry.listening,)
        self._info = ServiceInfo(service=self.name, version=version("schedulezero-registry"))
        self._directory = Directory(Terms(lease_seconds=settings.registry.lease_seconds))
        self._file = SnapshotFile(settings.registry_file)
        self._snapshots = SnapshotLoop(self._file, self._directory.remembered)
        self._loops = Loops(metrics=loop_metrics)
        self._sockets = ExitStack()
        self.addresses: tuple[Endpoints, ...] = ()
        """Where it listens, as bound; empty until it has started."""

    async def start(self) -> None:
        """Read the snapshot, listen, and begin to watch over the handlers.

        Raises:
            StartError: an address is taken, or the snapshot file cannot be kept.
        """
        known = await asyncio.to_thread(self._file.open)
        self._directory.restore(known, Moment.of(self._clock))
        registrar = self._listen()
        self._loops.start(_TickLoop(registrar.tick))
        self._loops.start(self._snapshots)
        commands = [address.commands for address in self.addresses]
        _log.info("registry.listening", commands=commands, remembered_instances=len(known))

    async def stop(self) -> None:
        """Close, and write the snapshot for the next start. Raises OSError when it cannot be written."""
        try:
            await self._loops.stop()
        finally:
            self._sockets.close()
        await self._snapshots.write()

    async def wait_failed(self) -> None:
        """Wait as long as all is well. Raises FatalError when one of its loops has ended."""
        await self._loops.wait_failed()

    def health(self) -> Mapping[str, object]:
        """Return what /health shows."""
        status = "ok" if self.addresses else "starting"
        return {"status": status, "service": self._info.service, "version": self._info.version}

    def _listen(self) -> Registrar:
        with ExitStack() as sockets:
            publisher = _bound("SCHEDULEZERO_REGISTRY_EVENTS_PORT", self._publisher)
            sockets.callback(publisher.close)
            registrar = Registrar(
                self._directory,
                self._clock,
                publisher=publisher,
                metrics=self._metrics,
                mark=self._snapshots.mark,
            )
            server = _bound("SCHEDULEZERO_ZRPC_PORT", lambda: self._server(registrar))
            sockets.callback(server.close)
            self._sockets = sockets.pop_all()
        pairs = zip(server.addresses, publisher.addresses, strict=True)
        self.addresses = tuple(Endpoints(commands=commands, events=events) for commands, events in pairs)
        return registrar

    def _publisher(self) -> Publisher:
        endpoints = [endpoint.events for endpoint in self._endpoints]
        return Publisher(self._context, endpoints, lambda: to_datetime(self._clock.now()))

    def _server(self, registrar: Registrar) -> CommandServer:
        endpoints = [endpoint.commands for endpoint in self._endpoints]
        return CommandServer(self._context, endpoints, RegistryCommand, self._info, registrar.serve)


class _TickLoop:
    """Lets time pass in the directory, often enough that silence is noticed within its second."""

    name = "registry.tick"
    interval = 0.25

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick

    async def run_once(self) -> None:
        self._tick()


def _bound[S](variable: str, open_: Callable[[], S]) -> S:
    try:
        return open_()
    except BindError as error:
        raise StartError.of(Code.UNAVAILABLE, f"the registry {error} with {variable}") from error
