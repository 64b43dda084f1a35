"""An instance on its sockets: the ROUTER that schedulers connect to, the registry, and the signals of its process."""

import asyncio
import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from types import FrameType

import zmq

from schedulezero.handler.engine import Engine
from schedulezero.handler.errors import HandlerError, SettingsError
from schedulezero.handler.method import Offer
from schedulezero.handler.registration import Registration
from schedulezero.handler.session import Session
from schedulezero.handler.settings import BIND, Overrides, Settings, advertised, read_settings
from schedulezero.protocol.envelope import decode_to_instance, encode_parcels
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.handling import FromInstance, ToInstance
from schedulezero.protocol.link.calls import CommandClient, Context
from schedulezero.protocol.link.sockets import BindError, DrainedSocket, Frames, bind, log_disconnections, open_socket
from schedulezero.protocol.values import InstanceInfo

# Above what credit lets schedulers have under way, so that a full queue means a peer that does not read.
_HIGH_WATER_MARK = 10_000
_log = logging.getLogger("schedulezero.handler")


def run(offer: Offer, began: "Callable[[Server], None]") -> None:
    """Serve in a process of its own, until a signal: see :meth:`schedulezero.handler.Handler.run`."""
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings(offer.handler_id, os.environ, Overrides())
        asyncio.run(_serve(offer, settings, None, began, until_signal=True))
    except HandlerError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


async def serve(offer: Offer, overrides: Overrides, context: Context | None, began: "Callable[[Server], None]") -> None:
    """Serve on the running loop: see :meth:`schedulezero.handler.Handler.serve`. `began` is given the server."""
    await _serve(offer, read_settings(offer.handler_id, os.environ, overrides), context, began, until_signal=False)


async def _serve(
    offer: Offer,
    settings: Settings,
    context: Context | None,
    began: "Callable[[Server], None]",
    *,
    until_signal: bool,
) -> None:
    used = context or zmq.Context()
    try:
        server = Server(offer, settings, used)
        began(server)
        with _signals_to(server.stop) if until_signal else nullcontext():
            await server.run()
    finally:
        if context is None:
            used.destroy(linger=0)


class Server:
    """One boot of an instance.

    Args:
        offer: the handler and its methods.
        settings: where to listen, whom to tell, how much to run at a time.
        context: the ZeroMQ context.

    Raises:
        BindError: the address is taken.
    """

    def __init__(self, offer: Offer, settings: Settings, context: Context) -> None:
        boot_id, specs = uuid.uuid4().hex, {name: method.spec for name, method in offer.methods.items()}
        self._settings = settings
        router, address = _listen(context, settings)
        self._monitor = log_disconnections(router, f"handler {offer.handler_id}")
        self._socket = DrainedSocket(router, self._receive)
        self._session = Session(
            instance_id=settings.instance_id, boot_id=boot_id, capacity=settings.capacity, methods=specs
        )
        self._engine = Engine(self._session, offer.methods, self._send, lambda: datetime.now(UTC))
        self._client = CommandClient(context, settings.registry, "the registry")
        info = InstanceInfo(
            handler_id=offer.handler_id,
            instance_id=settings.instance_id,
            boot_id=boot_id,
            address=address,
            methods=tuple(specs.values()),
            capacity=settings.capacity,
            version=offer.version,
        )
        self._registration = Registration(self._client, info, lambda: (self._session.running, self._session.draining))

    async def run(self) -> None:
        """Serve until drained."""
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(self._registration.keep())
                await self._until_drained()
                keeping.cancel()
        finally:
            await self._close()

    def drain(self) -> None:
        """Take nothing new, and end when what runs has ended and its outcomes are acknowledged."""
        self._engine.drain()

    def stop(self) -> None:
        """Drain, within the drain time; a second call ends it now."""
        if self._session.draining:
            self._engine.finished.set()
            return
        self.drain()
        asyncio.get_running_loop().call_later(self._settings.drain_seconds, self._engine.finished.set)

    async def _until_drained(self) -> None:
        await self._engine.draining.wait()
        _log.info("draining: %d jobs are running", self._session.running)
        self._registration.hurry()
        await self._engine.finished.wait()
        if not self._session.finished:
            _log.warning("stopping before the end of the drain: what still runs is given up")

    async def _close(self) -> None:
        """A scheduler may still ask for work while this goes on: it is refused as long as the socket is open."""
        try:
            self._engine.drain()
            await self._engine.close()
            await self._registration.leave()
        finally:
            self._client.close()
            self._monitor.close()
            self._socket.close()

    def _receive(self, batch: list[Frames]) -> None:
        self._engine.receive(_read(batch))

    def _send(self, peer: bytes, messages: Sequence[FromInstance]) -> bool:
        return all(self._socket.send([peer, frame]) for frame in encode_parcels(messages))


def _listen(context: Context, settings: Settings) -> tuple[zmq.Socket[bytes], str]:
    router = open_socket(context, zmq.ROUTER, ROUTER_MANDATORY=1, SNDHWM=_HIGH_WATER_MARK, RCVHWM=_HIGH_WATER_MARK)
    try:
        return router, advertised(settings, bind(router, settings.bind))
    except BindError as error:
        router.close()
        raise SettingsError(f"{BIND}={settings.bind}: {error}") from error


def _read(batch: list[Frames]) -> Iterator[tuple[bytes, list[ToInstance]]]:
    for frames in batch:
        try:
            peer, parcel = frames
            messages = decode_to_instance(parcel)
        except (ScheduleZeroError, ValueError) as error:
            _log.warning("refused a frame that is no parcel of a scheduler: %s", error)
        else:
            yield peer, messages


@contextmanager
def _signals_to(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the loop at SIGTERM and Ctrl+C; by `signal` itself, which every platform's loops permit."""
    loop = asyncio.get_running_loop()

    def hear(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
