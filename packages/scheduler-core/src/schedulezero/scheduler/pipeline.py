"""Events to the machine, its steps to the committer, and a new machine whenever the old one cannot be trusted."""

import asyncio
import math
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from msgspec.structs import replace

from schedulezero.protocol.errors import Code, Problem
from schedulezero.runtime.clock import Clock
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.runtime.service import Backoff
from schedulezero.scheduler.clock_watch import ClockWatch
from schedulezero.scheduler.committer import Committer
from schedulezero.scheduler.core.agenda import part_of
from schedulezero.scheduler.core.inputs import Asked, Input, Stopping, Tick
from schedulezero.scheduler.core.machine import Machine
from schedulezero.scheduler.core.memory import Limits, Memory
from schedulezero.scheduler.core.model import SECOND, SHARDS, Effect, Refuse
from schedulezero.scheduler.store import Store, StoreError, StoreUnavailable

_LONGEST_SLEEP = 1.0
"""Seconds: the wall clock may be stepped while we sleep, so it is looked at this often."""

_SHARD_PAUSE = 0.5
_MAX_BACKLOG = 50_000
"""Steps."""
_MAX_BACKLOG_BYTES = 64 * 1024 * 1024
_log = get_logger()


class Pipeline:
    """The machine with its committer and its alarm clock.

    Args:
        store: what is committed to, and loaded from.
        clock: when events happen.
        limits: the machine's.
        perform: called with effects whose changes are durable.
        reloaded: called each time a machine has been loaded: it knows of no connection yet.
        metrics: the committer's.
        lease_seconds: how long a commit or a renewal proves that the shards are ours.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        limits: Limits,
        *,
        perform: Callable[[Sequence[Effect]], None],
        reloaded: Callable[[], None],
        metrics: SchedulerMetrics,
        lease_seconds: float = math.inf,
    ) -> None:
        self._store, self._clock, self._limits = store, clock, limits
        self._perform, self._reloaded = perform, reloaded
        self._committer = Committer(
            store.writer.commit, self._perform_and_go_on, self._mend_soon, metrics, clock.monotonic, lease_seconds
        )
        self._watch = ClockWatch(clock)
        self._machine: Machine | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._mending: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    @property
    def memory(self) -> Memory | None:
        """What the machine holds; None while there is none."""
        return self._machine.memory if self._machine is not None else None

    @property
    def trouble(self) -> str | None:
        """Why there is no machine, None where there is one."""
        if self._machine is not None:
            return None
        return str(self._failure) if isinstance(self._failure, StoreUnavailable) else "the scheduler reads its state"

    @property
    def committer(self) -> Committer:
        return self._committer

    @property
    def epoch(self) -> int:
        return self._store.ownership.epoch

    async def start(self) -> None:
        """Wait until every shard is ours, and load the machine. Raises StoreError."""
        await self._own()
        await self._load()

    async def stop(self) -> None:
        """Take nothing more in, and return when what was taken in is durable."""
        self.feed(Stopping())
        self._machine = None
        if self._alarm is not None:
            self._alarm.cancel()
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)
        await self._committer.settled()
        self._committer.close()

    def feed(self, event: Input) -> None:
        """Let something happen. While there is no machine, commands are refused and the rest is learnt again later."""
        if self._machine is None or (isinstance(event, Asked) and self._is_behind()):
            self._turn_away(event)
            return
        self._look_at_clocks(self._machine)
        self._committer.add(self._machine.handle(event, self._clock.now()))
        self._set_alarm()

    def _look_at_clocks(self, machine: Machine) -> None:
        leapt = self._watch.look()
        if leapt is not None:
            _log.warning("clock.leapt", stood_seconds=leapt.stood / SECOND, stepped_seconds=leapt.stepped / SECOND)
            self._committer.add(machine.handle(leapt, self._clock.now()))

    def _is_behind(self) -> bool:
        committer = self._committer
        return committer.backlog > _MAX_BACKLOG or committer.backlog_bytes > _MAX_BACKLOG_BYTES

    def _turn_away(self, event: Input) -> None:
        if isinstance(event, Asked):
            why = self.trouble or "the scheduler is behind with its writing"
            message = f"{why}; nothing was stored, try again"
            problem = Problem(code=Code.UNAVAILABLE, message=message, retry_after=1)
            self._perform([Refuse(ticket=event.ticket, problem=problem)])

    def _set_alarm(self) -> None:
        """Wake up when the machine has something due, and in any case soon."""
        assert self._machine is not None
        wakeup = self._machine.memory.next_wakeup()
        delay = _LONGEST_SLEEP
        if wakeup is not None:
            delay = min(max(wakeup - self._clock.now(), 0) / SECOND, delay)
        loop = asyncio.get_running_loop()
        due = loop.time() + delay
        if self._alarm is not None:
            if self._alarm.when() <= due:
                return
            self._alarm.cancel()
        self._alarm = loop.call_at(due, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        if self._machine is not None and self._is_behind():
            self._look_at_clocks(self._machine)
            # What is due waits: decided now, it would only wait for the writer, and in memory.
            self._alarm = asyncio.get_running_loop().call_later(_LONGEST_SLEEP, self._wake)
        elif self._machine is not None and not self._committer.is_full:
            self.feed(Tick())

    def _perform_and_go_on(self, effects: Sequence[Effect]) -> None:
        """Perform what is durable, and see to what is due, which waits while the writer has enough to do."""
        self._perform(effects)
        if self._alarm is None and self._machine is not None:
            self._set_alarm()

    # -- loading -------------------------------------------------------------------------------------------------

    async def _own(self) -> None:
        """Return when every shard is ours; those of an owner that is gone come with the end of its lease."""
        shards = self._store.ownership.shards
        while len(shards) < SHARDS:
            _log.info("scheduler.waiting_for_shards", owned=len(shards), shards=SHARDS)
            await asyncio.sleep(_SHARD_PAUSE)
            shards = await self._committer.run(self._store.ownership.acquire)

    async def _load(self, *, resumed: bool = False) -> None:
        limits = self._limits
        read = partial(
            self._store.reader.load,
            epoch=self.epoch,
            window=limits.window,
            line=limits.line,
            agenda=part_of(limits.agenda),
        )
        loaded = await asyncio.to_thread(read)
        self._watch.begin()
        self._machine = Machine(self._limits, Random())
        _log.info(
            "scheduler.loaded",
            epoch=self.epoch,
            schedules=sum(loaded.states.values()),
            executions=len(loaded.executions),
        )
        self.feed(replace(loaded, resumed=resumed))
        self._reloaded()
        self.feed(Tick())

    def _mend_soon(self, error: Exception) -> None:
        _log.error("scheduler.commit_failed", error=str(error), error_type=type(error).__name__)
        self._machine, self._failure = None, error
        self._mending = asyncio.create_task(self._mend(), name="reload")

    async def _mend(self) -> None:
        """Raise our epochs first: that waits for, or fences, a commit that may still be on its way. Then load anew."""
        backoff, failures = Backoff(first=0.1, most=1.0), 0
        while True:
            try:
                await self._committer.run(self._store.ownership.acquire)
                await self._own()
                self._committer.reopen()
                await self._load(resumed=True)
                self._failure = None
                return
            except StoreError as error:
                self._failure, failures = error, failures + 1
                pause = backoff.seconds(failures)
                _log.warning("scheduler.reload_failed", error=str(error), retry_in_seconds=round(pause, 2))
                await asyncio.sleep(pause)
