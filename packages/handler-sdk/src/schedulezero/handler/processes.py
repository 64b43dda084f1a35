"""Spawned processes for `process=True` methods: one job at a time each, kept for the next, killed to stop a job.

A thread of the handler waits for each, over a pipe. An executor of `concurrent.futures` would lose every job of its
pool when one process is killed.
"""

import multiprocessing
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from schedulezero.handler import outcomes
from schedulezero.handler.context import Context
from schedulezero.handler.outcomes import Verdict, Work
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.handling import Outcome, Report


class ProcessDied(Verdict):
    """The process of a job ended before the job did: it was killed, ran out of memory, or crashed."""


class Assignment(Frozen):
    """A call as it goes to the process: everything in it can be pickled."""

    work: Work
    function: Callable[..., Any]
    arguments: dict[str, Any]
    context_name: str | None


class Processes:
    """The processes of one handler."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._calls: set[Call] = set()
        self._closed = False

    def call(self) -> "Call":
        """Return what runs one job in a process of this pool."""
        return Call(self)

    def close(self) -> None:
        """Kill every process."""
        with self._lock:
            self._closed = True
            for process in self._idle:
                process.kill()
            self._idle.clear()
            calls = tuple(self._calls)
        for call in calls:
            call.stop()

    def _take(self) -> "_Process":
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
        return _Process()


class Call:
    """One job's use of a process: run in one thread, stopped from another."""

    def __init__(self, processes: Processes) -> None:
        self._pool = processes
        self._process: _Process | None = None
        self._stopped = False

    def run(self, assignment: Assignment, emit: Callable[[Report], None]) -> Outcome:
        """Run the job and wait for its end.

        Raises:
            ProcessDied: the process ended first, by :meth:`stop` or by itself.
        """
        process = self._begin(self._pool._take())
        try:
            outcome = process.run(assignment, emit)
        except BaseException:
            self._end(process, keep=False)
            raise
        self._end(process, keep=True)
        return outcome

    def stop(self) -> None:
        """Kill the process that runs the job, now or as soon as there is one; nothing when the job has ended."""
        with self._pool._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def _begin(self, process: "_Process") -> "_Process":
        with self._pool._lock:
            self._process = process
            self._pool._calls.add(self)
            if self._stopped or self._pool._closed:
                process.kill()
        return process

    def _end(self, process: "_Process", *, keep: bool) -> None:
        with self._pool._lock:
            self._process = None
            self._pool._calls.discard(self)
            if keep and not self._stopped and not self._pool._closed:
                self._pool._idle.append(process)
            else:
                process.kill()


class _Process:
    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        # Not a daemon of multiprocessing's: those may not start processes of their own, which a job may wish to.
        self._process = spawn.Process(target=_serve, args=(theirs,), name="schedulezero-job")
        self._process.start()
        theirs.close()

    def run(self, assignment: Assignment, emit: Callable[[Report], None]) -> Outcome:
        try:
            self._pipe.send(assignment)
            while isinstance(said := self._pipe.recv(), Report):
                emit(said)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode
            raise ProcessDied(f"the job's process ended with code {code}; see stderr and the system's log") from None
        outcome: Outcome = said
        return outcome

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()


def _serve(pipe: "Connection[Outcome | Report, Assignment]") -> None:
    """Run what comes over the pipe until it closes, which it does when the handler's process is gone."""
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        # A signal to the whole group is the handler's to act on: it lets jobs finish.
        signal.signal(signal_, signal.SIG_IGN)
    lock = threading.Lock()

    def say(said: Outcome | Report) -> None:
        with lock:
            pipe.send(said)

    while True:
        try:
            assignment = pipe.recv()
        except EOFError:
            return
        say(_call(assignment, say))


def _call(assignment: Assignment, emit: Callable[[Report], None]) -> Outcome:
    work, arguments = assignment.work, assignment.arguments
    if assignment.context_name is not None:
        arguments = {**arguments, assignment.context_name: Context(work.execute, emit, _now)}
    try:
        return outcomes.succeeded(work, assignment.function(**arguments), _now())
    except BaseException as error:  # whatever a job raises is its outcome, even SystemExit
        return outcomes.failed(work, error, _now())


def _now() -> datetime:
    return datetime.now(UTC)
