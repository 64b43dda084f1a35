"""What ties a child process to its parent: the child says when it serves, and ends when the parent is gone.

One socket pair, no more: the child writes a line once it serves, and reads until the end, which comes when the
parent's end closes, however the parent died.
"""

import asyncio
import socket

from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.process import Assembly
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import Loaded

READY = b"ready\n"


def held_by(descriptor: int, assemble: Assembly) -> Assembly:
    """Return `assemble` with a lifeline on the inherited socket `descriptor`."""

    def with_lifeline(loaded: Loaded, context: Context) -> list[Service]:
        return [*assemble(loaded, context), Lifeline(descriptor)]

    return with_lifeline


class Lifeline:
    """The child's end; the last service to start."""

    name = "lifeline"

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)

    async def start(self) -> None:
        """Tell the parent that all services before this one serve."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._socket)
        self._writer.write(READY)

    async def wait_failed(self) -> None:
        """Return when the parent is gone, which ends this process."""
        await self._reader.read()

    async def stop(self) -> None:
        self._writer.close()
