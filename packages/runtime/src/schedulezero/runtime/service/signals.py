"""Termination signals as plain calls on the event loop."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_TERMINATION = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_termination(call: Callable[[], None]) -> Iterator[None]:
    """Within the block, SIGINT and SIGTERM make `call` on the running loop and do nothing else.

    Must be entered in the main thread.
    """
    loop = asyncio.get_running_loop()
    restorers = [_install(loop, number, call) for number in _TERMINATION]
    try:
        yield
    finally:
        for restore in restorers:
            restore()


def _install(loop: asyncio.AbstractEventLoop, number: signal.Signals, call: Callable[[], None]) -> Callable[[], object]:
    try:
        loop.add_signal_handler(number, call)
    except NotImplementedError:  # the loops of Windows
        return _install_plainly(loop, number, call)
    return lambda: loop.remove_signal_handler(number)


def _install_plainly(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, call: Callable[[], None]
) -> Callable[[], object]:
    def received(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(call)

    previous = signal.signal(number, received)
    return lambda: signal.signal(number, previous)
