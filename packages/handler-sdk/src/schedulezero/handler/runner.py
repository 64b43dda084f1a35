"""Runs attempts: on the loop, in a thread, or in a process. Each ends with exactly one Outcome, whatever it does."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from schedulezero.handler import outcomes
from schedulezero.handler.context import Context
from schedulezero.handler.method import Method
from schedulezero.handler.outcomes import Work
from schedulezero.handler.threads import Threads
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.handling import Outcome, Report

if TYPE_CHECKING:
    from schedulezero.handler.processes import Call, Processes

_CLOSE_SECONDS = 1.0
Said = Outcome | Report


class _Job(NamedTuple):
    """A job under way: how to stop it, and its task if it runs on the loop."""

    stop: Callable[[], object]
    task: "asyncio.Task[None] | None" = None


class Runner:
    """Runs the methods of one handler on the running loop. All but what jobs do happens on the loop's thread.

    Args:
        methods: what can be run, by name.
        hear: called on the loop with what jobs have said and become, in order, as many at a time as there are.
        now: the wall clock, aware and UTC; called from any thread.
    """

    def __init__(
        self, methods: Mapping[str, Method], hear: Callable[[list[Said]], None], now: Callable[[], datetime]
    ) -> None:
        self._methods, self._hear, self._now = methods, hear, now
        self._loop = asyncio.get_running_loop()
        self._threads = Threads()
        self._processes: Processes | None = None
        self._jobs: dict[str, _Job] = {}
        self._said: deque[Said] = deque()
        self._waking = self._closed = False

    def start(self, work: Work) -> None:
        """Begin an attempt of a method that is offered."""
        method = self._methods[work.execute.method]
        match method.runs_on:
            case "loop":
                self._start_on_loop(method, work)
            case "thread":
                context = self._context(method, work)
                stop = context._cancel if context is not None else _cannot_be_told
                self._start_in_thread(work, partial(self._run_in_thread, method, work, context), stop)
            case "process":
                call = self._get_processes().call()
                self._start_in_thread(work, partial(self._run_in_process, method, work, call), call.stop)

    def stop(self, execution_id: str) -> None:
        """Cancel a task, kill a process, tell a thread. The Outcome still comes when it has ended."""
        if job := self._jobs.get(execution_id):
            job.stop()

    async def close(self) -> None:
        """Cancel what is on the loop, kill processes, leave threads behind. Nothing more is heard."""
        self._closed = True
        self._threads.close()
        if self._processes is not None:
            self._processes.close()
        for job in self._jobs.values():
            job.stop()
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)

    # -- on the loop ------------------------------------------------------------------------------------------------

    def _start_on_loop(self, method: Method, work: Work) -> None:
        context = self._context(method, work)
        # Begun at once: a task that is cancelled before its first step would end without an Outcome.
        task = asyncio.Task(self._run_on_loop(method, work, context), loop=self._loop, eager_start=True)
        self._jobs[work.execute.execution_id] = _Job(partial(_cancel_task, task, context), task)

    async def _run_on_loop(self, method: Method, work: Work, context: Context | None) -> None:
        try:
            result = await method.function(**_arguments(method, work, context))
            outcome = outcomes.succeeded(work, result, self._now())
        except BaseException as error:  # whatever a job raises is its outcome, even SystemExit
            outcome = outcomes.failed(work, error, self._now())
        self._say_on_loop(outcome)

    # -- in threads -------------------------------------------------------------------------------------------------

    def _start_in_thread(self, work: Work, run: Callable[[], None], stop: Callable[[], object]) -> None:
        self._jobs[work.execute.execution_id] = _Job(stop)
        self._threads.submit(run)

    def _run_in_thread(self, method: Method, work: Work, context: Context | None) -> None:
        try:
            result = method.function(**_arguments(method, work, context))
            outcome = outcomes.succeeded(work, result, self._now())
        except BaseException as error:  # whatever a job raises is its outcome, even SystemExit
            outcome = outcomes.failed(work, error, self._now())
        self._say(outcome)

    def _run_in_process(self, method: Method, work: Work, call: "Call") -> None:
        from schedulezero.handler.processes import Assignment

        try:
            assignment = Assignment(
                work=work,
                function=method.function,
                arguments=_arguments(method, work, None),
                context_name=method.parameters.context_name,
            )
            outcome = call.run(assignment, self._say)
        except BaseException as error:  # a call that cannot be pickled, a process that died: the job's error
            outcome = outcomes.failed(work, error, self._now())
        self._say(outcome)

    def _get_processes(self) -> "Processes":
        if self._processes is None:
            from schedulezero.handler.processes import Processes  # 3 MB that few handlers need

            self._processes = Processes()
        return self._processes

    # -- what jobs say ----------------------------------------------------------------------------------------------

    def _context(self, method: Method, work: Work) -> Context | None:
        return Context(work.execute, self._say, self._now) if method.parameters.context_name is not None else None

    def _say(self, said: Said) -> None:
        """Hand something to the loop, from any thread; what comes before the loop looks is heard together."""
        self._hand_over(said, self._loop.call_soon_threadsafe)

    def _say_on_loop(self, said: Said) -> None:
        """As :meth:`_say`, on the loop's own thread, where nobody has to be woken."""
        self._hand_over(said, self._loop.call_soon)

    def _hand_over(self, said: Said, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._said.append(said)
        if self._waking or self._closed:
            return
        self._waking = True
        try:
            call_soon(self._listen)
        except RuntimeError:
            # The loop was closed meanwhile: a job that was left behind has ended, and nobody waits for it.
            self._closed = True

    def _listen(self) -> None:
        self._waking = False
        if self._closed:
            return
        said = [self._said.popleft() for _ in range(len(self._said))]
        for item in said:
            if isinstance(item, Outcome):
                self._settle(item)
        if said:
            self._hear(said)

    def _settle(self, outcome: Outcome) -> None:
        job = self._jobs.pop(outcome.execution_id)
        if job.task is None:
            self._threads.ended()


def _arguments(method: Method, work: Work, context: Context | None) -> dict[str, Any]:
    parameters = method.parameters
    try:
        arguments = parameters.arguments(work.execute.params)
    except ScheduleZeroError as error:
        raise outcomes.invalid_params(error) from None
    if context is not None and parameters.context_name is not None:
        arguments[parameters.context_name] = context
    return arguments


def _cancel_task(task: asyncio.Task[None], context: Context | None) -> None:
    if context is not None:
        context._cancel()
    task.cancel()


def _cannot_be_told() -> None:
    """A thread whose method takes no context has no way to learn that it was stopped."""
