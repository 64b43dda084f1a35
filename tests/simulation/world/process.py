"""A process: an event loop of its own on virtual time, which can be killed, or stopped and continued.

Only what asyncio asks of a loop is here. Threads do not exist: what is given to an executor is done at one virtual
instant and its result arrives at a later one, so that a process can die between a commit and the news of it.
"""

import asyncio
import contextvars
import math
from asyncio import events
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from .agenda import SECOND, Agenda

START = 1_800_000_000_000_000
"""What every clock shows when the world begins."""
_DISK = (200, 20_000)
"""Microseconds that something takes in a thread, at least and at most."""


class Process:
    """One program, from its start to its end.

    Args:
        name: for the trace.
        agenda: virtual time.
        random: how long threads take.
        failed: told of exceptions that nobody has caught.
    """

    def __init__(self, name: str, agenda: Agenda, random: Random, failed: Callable[[str], None]) -> None:
        self.name = name
        self.agenda = agenda
        self.alive = True
        self.stopped = False
        self.stepped = 0
        """Microseconds by which its wall clock is off."""
        self.loop = ProcessLoop(self, random, failed)
        self._held_back: list[Callable[[], None]] = []

    # -- its clock, as schedulezero.runtime.clock.Clock has it ---------------------------------------------------

    def now(self) -> int:
        return START + self.agenda.now + self.stepped

    def monotonic(self) -> float:
        return self.agenda.now / SECOND

    # -- its life ------------------------------------------------------------------------------------------------

    def run(self, program: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Begin a program."""
        return self.loop.create_task(program)

    def kill(self) -> None:
        """End it as SIGKILL does: what its `finally` blocks do from now on reaches nobody. Take its sockets first."""
        if self.alive:
            self.alive = False
            self._held_back.clear()
            self.loop.dispose()

    def stop(self) -> None:
        """Hold it as SIGSTOP does."""
        self.stopped = True

    def resume(self) -> None:
        """Let it go on, with everything that has come meanwhile."""
        self.stopped = False
        held_back, self._held_back = self._held_back, []
        for happening in held_back:
            self.do(happening)

    def do(self, happening: Callable[[], None], delay: int = 0) -> None:
        """Let something happen in this process, if it lives then, and when it is not held."""
        self.agenda.after(delay, lambda: self._happen(happening))

    def _happen(self, happening: Callable[[], None]) -> None:
        if self.stopped and self.alive:
            self._held_back.append(happening)
        elif self.alive:
            happening()


class ProcessLoop:
    """As asyncio's loop, for one process; `time` is that of the agenda."""

    def __init__(self, process: Process, random: Random, failed: Callable[[str], None]) -> None:
        self._process, self._random, self._failed = process, random, failed
        self._as_loop: Any = self
        self._readers: dict[int, Callable[[], None]] = {}
        self._busy_until: dict[Any, int] = {}

    def time(self) -> float:
        return self._process.monotonic()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    # -- callbacks -----------------------------------------------------------------------------------------------

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._as_loop, context)
        self._process.do(lambda: self._run(handle))
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self._as_loop, context)
        delay = _first_microsecond(when) - self._process.agenda.now
        self._process.do(lambda: self._run(handle), max(delay, 0))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays on the agenda, where it does nothing."""

    def _run(self, handle: asyncio.Handle) -> None:
        if handle.cancelled():
            return
        events._set_running_loop(self._as_loop)
        try:
            handle._run()
        finally:
            events._set_running_loop(None)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self._process.alive:
            self._failed(f"{self._process.name}: {context.get('message')}: {context.get('exception')!r}")

    # -- tasks ---------------------------------------------------------------------------------------------------

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self._as_loop)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: contextvars.Context | None = None, **_: Any
    ) -> "asyncio.Task[Any]":
        return asyncio.Task(coro, loop=self._as_loop, name=name, context=context)

    def dispose(self) -> None:
        """Close every coroutine, so that the garbage collector has no word to say about them."""
        running = events._get_running_loop()
        events._set_running_loop(self._as_loop)
        try:
            for task in asyncio.all_tasks(self._as_loop):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task.get_coro())
        finally:
            events._set_running_loop(running)

    # -- sockets and threads -------------------------------------------------------------------------------------

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        self._readers[fd] = callback

    def remove_reader(self, fd: Any) -> bool:
        return self._readers.pop(fd, None) is not None

    def readable(self, fd: int) -> None:
        """Signal a descriptor, as an edge."""
        self._process.do(lambda: self._signal(fd))

    def _signal(self, fd: int) -> None:
        callback = self._readers.get(fd)
        if callback is not None:
            self._run(asyncio.Handle(callback, (), self._as_loop))

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> "asyncio.Future[Any]":
        """Do something later, and tell of it later still; what one executor is given is done in order."""
        future = self.create_future()
        if not self._process.alive:
            return future
        begin = max(self._process.agenda.now, self._busy_until.get(executor, 0))
        done = begin + self._random.randint(*_DISK)
        self._busy_until[executor] = done
        self._process.do(lambda: self._work(future, func, args), done - self._process.agenda.now)
        return future

    def _work(self, future: "asyncio.Future[Any]", func: Any, args: tuple[Any, ...]) -> None:
        try:
            result, error = func(*args), None
        except Exception as raised:  # whatever a thread raises is its future's to tell
            result, error = None, raised
        self._process.do(lambda: _tell(future, result, error), self._random.randint(*_DISK))


def _first_microsecond(when: float) -> int:
    """Return the first microsecond that is not before `when`, in seconds, as floats compare."""
    microsecond = math.ceil(when * SECOND)
    return microsecond if microsecond / SECOND >= when else microsecond + 1


def _tell(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _close(coroutine: Any) -> None:
    """Close a coroutine whose process is dead, however often its `finally` blocks want to wait."""
    for _ in range(20):
        try:
            coroutine.close()
        except RuntimeError:
            continue
        except BaseException:  # whatever the wreck of a killed program says is not heard
            return
        return
