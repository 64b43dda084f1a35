"""Each service in a process of its own, linked by TCP, and started again when it dies."""

import asyncio
import contextlib
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from schedulezero.runtime.logging import configure, get_logger
from schedulezero.runtime.service import Backoff, run
from schedulezero.runtime.settings import Loaded
from schedulezero.standalone.lifeline import READY

# On top of the drain time of the children: they begin to drain one after the other.
_MARGIN_SECONDS = 5.0

_log = get_logger()


class ChildRefusedError(Exception):
    """A child has ended before it served, and has said why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ended with exit code {code}")
        self.code = code


def up_in_processes(loaded: Loaded, options: Sequence[str], *, demo: bool) -> int:
    """Serve until a signal comes, and return the exit code.

    Args:
        loaded: the effective settings.
        options: the options that give every child the same settings.
        demo: whether the demo is one of them.
    """
    settings = loaded.settings
    configure(settings.logging.level, settings.logging.format, service="schedulezero")
    names = ("registry", "scheduler", *(("demo",) if demo else ()), "web")
    children = [Child(name, (name, *options)) for name in names]
    try:
        return asyncio.run(run(children, drain_seconds=settings.drain_seconds + _MARGIN_SECONDS))
    except ChildRefusedError as refused:
        return refused.code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    """One process, and our end of its lifeline."""

    process: Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def begin(cls, arguments: Sequence[str]) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "schedulezero.standalone",
                *arguments,
                f"--lifeline={theirs.fileno()}",
                pass_fds=(theirs.fileno(),),
                # Out of reach of the terminal's Ctrl+C: we end the children, in order.
                start_new_session=True,
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process=process, reader=reader, writer=writer)

    async def serves(self) -> bool:
        """Wait until it serves, or has ended before."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.readline() == READY
        return False

    async def end(self, number: signal.Signals) -> None:
        """Send it a signal and wait until it has ended; when that is cancelled, kill it."""
        try:
            self.send(number)
            await self.process.wait()
        except asyncio.CancelledError:
            self.send(signal.SIGKILL)
            raise
        finally:
            self.writer.close()

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


class Child:
    """A service that is a process, from its start to its end, over as many lives as it takes.

    Args:
        name: what log lines call it.
        arguments: the command line of `schedulezero` that it is.
    """

    def __init__(self, name: str, arguments: Sequence[str], backoff: Backoff | None = None) -> None:
        self.name = name
        self._arguments = arguments
        self._backoff = backoff or Backoff()
        self._life: _Life | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once it serves.

        Raises:
            ChildRefusedError: it ended instead.
        """
        life = await _Life.begin(self._arguments)
        try:
            if not await life.serves():
                raise ChildRefusedError(await life.process.wait())
        except BaseException:
            await life.end(signal.SIGKILL)
            raise
        self._life = life
        self._keeping = asyncio.create_task(self._keep(life))

    async def stop(self) -> None:
        """Have it drain, and return when it has ended; when cancelled, kill it."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._life is not None:
            await self._life.end(signal.SIGTERM)

    async def wait_failed(self) -> None:
        """Wait as long as it is watched over; raise what has ended that."""
        assert self._keeping is not None
        await asyncio.shield(self._keeping)

    async def _keep(self, life: _Life) -> None:
        failures = 0
        while True:
            served = await life.serves() if failures else True
            code = await life.process.wait()
            life.writer.close()
            failures = 1 if served else failures + 1
            pause = self._backoff.seconds(failures)
            _log.error("process.died", name=self.name, exit_code=code, restart_in_seconds=round(pause, 3))
            await asyncio.sleep(pause)
            self._life = life = await _Life.begin(self._arguments)
