"""Background loops: one mechanism for their rhythm, their failures and their end."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import LoopMetrics


class Loop(Protocol):
    """Something that is done again and again."""

    @property
    def name(self) -> str:
        """What log lines and metrics call it."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between the end of a round and the start of the next; read after each round."""
        ...

    async def run_once(self) -> None:
        """Do one round. An exception is logged and the round tried again later; FatalError ends the service."""
        ...


class FatalError(Exception):
    """Raised by a round after which its service cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait after failures: exponential with full spread of half to one and a half times.

    Attributes:
        first: seconds after the first failure.
        factor: growth with each further failure in a row.
        most: seconds that no wait exceeds before it is spread.
        rng: what spreads the waits, so that services which failed together do not return together.
    """

    first: float = 0.2
    factor: float = 2.0
    most: float = 30.0
    rng: random.Random = field(default_factory=random.Random)

    def seconds(self, failures: int) -> float:
        """Return the wait after so many failures in a row, of which there is at least one."""
        # Beyond 64 doublings the wait is at its most in any case, and the power would overflow.
        grown = self.first * self.factor ** min(failures - 1, 64)
        return min(grown, self.most) * self.rng.uniform(0.5, 1.5)


async def supervise(loop: Loop, stop: asyncio.Event, *, metrics: LoopMetrics, backoff: Backoff) -> None:
    """Run the rounds of `loop` until `stop` is set; a round under way is finished first.

    Raises:
        FatalError: a round raised it.
    """
    log = get_logger(loop=loop.name)
    failures = 0
    while not stop.is_set():
        try:
            await loop.run_once()
            failures, pause = 0, loop.interval
        except FatalError:
            raise
        except Exception as error:  # the boundary of supervision: said, counted, tried again
            failures += 1
            pause = backoff.seconds(failures)
            metrics.failures.labels(loop.name).inc()
            # Our own errors tell in their message what to do; where the others come from is in their traceback.
            say = log.warning if isinstance(error, ScheduleZeroError) else log.exception
            say("loop.failed", error=str(error), failures=failures, retry_in_seconds=round(pause, 3))
        await _pause(stop, pause)


class Loops:
    """The loops of one service, supervised from start to stop."""

    def __init__(self, *, metrics: LoopMetrics, backoff: Backoff | None = None) -> None:
        self._metrics = metrics
        self._backoff = backoff or Backoff()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fatal: asyncio.Queue[BaseException] = asyncio.Queue()

    def start(self, loop: Loop) -> None:
        """Begin the rounds of `loop`, the first at once."""
        supervision = supervise(loop, self._stop, metrics=self._metrics, backoff=self._backoff)
        task = asyncio.create_task(supervision, name=loop.name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Let each loop finish its round, and end; when cancelled, cut the rounds off.

        Raises:
            FatalError: what a last round raised.
        """
        self._stop.set()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def wait_failed(self) -> None:
        """Wait as long as no loop has ended before its time.

        Raises:
            FatalError: what a round raised, or that a round was cancelled from within.
        """
        raise await self._fatal.get()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._stop.is_set():
            return
        cancelled = FatalError(f"the loop {task.get_name()} was cancelled by something it awaited")
        self._fatal.put_nowait(cancelled if task.cancelled() else task.exception() or cancelled)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
