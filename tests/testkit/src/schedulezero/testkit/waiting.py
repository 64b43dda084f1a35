"""Waiting for what a test cannot be signalled, in the one place where tests look again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from schedulezero.protocol.errors import ScheduleZeroError

_LOOK_EVERY_SECONDS = 0.02
_NOT_YET = (AssertionError, LookupError, OSError, ScheduleZeroError)


class NeverHappened(AssertionError):
    """A condition has not come true within its time; the text says what it was like at the end."""


def eventually[T](look: Callable[[], T | None], *, within: float = 10.0, what: str = "") -> T:
    """Return the first true value of `look`; an assertion, a connection or a command that fails means: not yet.

    Args:
        look: asks for the present state.
        within: seconds until the patience is over.
        what: names what is waited for, for the message.

    Raises:
        NeverHappened: none has come.
    """
    deadline = time.monotonic() + within
    while True:
        value, why = _looked(look)
        if value:
            return value
        if time.monotonic() >= deadline:
            raise _never(what, within, why)
        time.sleep(_LOOK_EVERY_SECONDS)


async def becomes[T](look: Callable[[], Awaitable[T | None]], *, within: float = 10.0, what: str = "") -> T:
    """As :func:`eventually`, for a `look` that is awaited."""
    deadline = time.monotonic() + within
    while True:
        value, why = await _looked_async(look)
        if value:
            return value
        if time.monotonic() >= deadline:
            raise _never(what, within, why)
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _never(what: str, within: float, why: str) -> NeverHappened:
    return NeverHappened(f"{what or 'the condition'} did not come true within {within:g} s; at last: {why}")


async def _looked_async[T](look: Callable[[], Awaitable[T | None]]) -> tuple[T | None, str]:
    try:
        value = await look()
    except _NOT_YET as error:
        return None, f"{type(error).__name__}: {error}"
    return value, repr(value)


def _looked[T](look: Callable[[], T | None]) -> tuple[T | None, str]:
    try:
        value = look()
    except _NOT_YET as error:
        return None, f"{type(error).__name__}: {error}"
    return value, repr(value)


def until(moment: float, *, clock: Callable[[], float] = time.time) -> None:
    """Return once `clock` shows `moment`, in seconds: for what only the passing of time brings about."""
    while (left := moment - clock()) > 0:
        time.sleep(left)
