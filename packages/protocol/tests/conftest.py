"""What the protocol's tests share: a ZeroMQ context that tells when a test has left a socket open, and signals."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator

import pytest
import zmq

Context = zmq.Context[zmq.Socket[bytes]]


@pytest.fixture
def context() -> Iterator[Context]:
    context: Context = zmq.Context()
    context.linger = 0
    yield context
    ending = threading.Thread(target=context.term, daemon=True)
    ending.start()
    ending.join(5)
    assert not ending.is_alive(), "the test left a socket open"


class Logged(logging.Handler):
    """What the link logs, to be awaited on the running loop."""

    def __init__(self) -> None:
        super().__init__()
        self._messages: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.put_nowait(record.getMessage())

    async def until(self, text: str) -> str:
        """Wait for a line with `text` in it and return it."""
        async with asyncio.timeout(5):
            while text not in (line := await self._messages.get()):
                pass
        return line


@pytest.fixture
def logged() -> Iterator[Logged]:
    logger = logging.getLogger("schedulezero.link")
    handler, level = Logged(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def free_address() -> str:
    """An address nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"
