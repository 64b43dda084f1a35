"""Where a command goes: to a query, to the machine (with what it needs from the database), or to an instance."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec

from schedulezero.protocol.answers import (
    BulkDone,
    Cleared,
    Drained,
    Explanation,
    PausedHandlers,
    PongAnswer,
    SchedulerHealth,
)
from schedulezero.protocol.commands import (
    Command,
    ExecutionBulk,
    ExecutionCancel,
    ExecutionClear,
    ExecutionRetry,
    HandlerDrain,
    HandlerPauses,
    HandlerPing,
    ScheduleCreate,
    ScheduleExplain,
    SystemHealth,
)
from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.protocol.handling import Drain
from schedulezero.protocol.link.calls import Call
from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import InstanceInfo
from schedulezero.runtime.clock import Clock, from_datetime
from schedulezero.runtime.logging import get_logger
from schedulezero.scheduler.cleaner import Sweeper
from schedulezero.scheduler.core.explain import presence_of
from schedulezero.scheduler.core.inputs import Asked, schedule_named_by
from schedulezero.scheduler.core.model import Execution, IdempotencyKey, replace
from schedulezero.scheduler.core.runs import KEY_LIFETIME
from schedulezero.scheduler.explaining import Explaining
from schedulezero.scheduler.links import Links
from schedulezero.scheduler.pipeline import Pipeline
from schedulezero.scheduler.queries import Queries
from schedulezero.scheduler.store import Store, StoreError
from schedulezero.scheduler.store.pages import Page
from schedulezero.scheduler.store.retention import Ages

_READERS = 2
_PING_SECONDS = 3.0
_BULK_PAGE = 500
_log = get_logger()


class Commands:
    """Serves the scheduler's commands.

    Args:
        pipeline: what changes things.
        queries: what answers without changing anything.
        explaining: what answers why.
        store: what commands look up before the machine decides.
        links: where instances are reached.
        clock: the present.
        version: what the health answer says.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        queries: Queries,
        explaining: Explaining,
        store: Store,
        links: Links,
        clock: Clock,
        version: str,
    ) -> None:
        self._pipeline, self._queries, self._explaining = pipeline, queries, explaining
        self._store, self._links, self._clock, self._version = store, links, clock, version
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper = Sweeper(pipeline, store)
        self._one_bulk = asyncio.Lock()
        self._direct: dict[type, Callable[[Any], Coroutine[Any, Any, object]]] = {
            ExecutionBulk: self._bulk,
            ExecutionClear: self._clear,
            HandlerDrain: self._drain,
            HandlerPauses: self._pauses,
            HandlerPing: self._ping,
            ScheduleExplain: self._explain,
            SystemHealth: self._health,
        }

    def serve(self, call: Call) -> None:
        """Take a command; its answer comes in its own time."""
        command = call.command
        if self._queries.answers(command):
            self.answer_later(call, self.read(self._queries.answer, command))
        elif type(command) in self._direct:
            self.answer_later(call, self._direct[type(command)](command))
        elif self._looks_up(command):
            self.start(self._look_up_and_ask(call))
        else:
            self._pipeline.feed(Asked(command=command, caller=call.caller, ticket=call))

    def answer_later(self, ticket: Any, answer: Coroutine[Any, Any, object]) -> None:
        """Answer a ticket with what a coroutine returns, or refuse it with what it raises."""
        self.start(self._answer(ticket, answer))

    async def read[A, R](self, function: Callable[[A], R], argument: A) -> R:
        """Call something that reads the database, in a reading thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, function, argument)

    async def close(self) -> None:
        """Cut off what is not answered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._readers.shutdown(wait=True)

    # -- how -----------------------------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the loop, until `close`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, ticket: Any, answer: Coroutine[Any, Any, object]) -> None:
        try:
            ticket.answer(await answer)
        except ScheduleZeroError as error:
            ticket.refuse(error.problem)
        except Exception:
            # The boundary of a command: it fails alone, and its asker is told.
            _log.exception("command.failed")
            ticket.refuse(Problem(code=Code.INTERNAL, message="the scheduler failed at this; its log says how"))

    def _looks_up(self, command: Command[Any]) -> bool:
        """Whether the database has to be asked what the command is about."""
        memory = self._pipeline.memory
        if memory is None:
            return False
        schedule_id = schedule_named_by(command)
        is_unknown = schedule_id is not None and not memory.agenda.knows(schedule_id)
        has_key = getattr(command, "idempotency_key", None) is not None
        return is_unknown or has_key or isinstance(command, ExecutionCancel | ExecutionRetry)

    async def _look_up_and_ask(self, call: Call) -> None:
        try:
            asked = await self.read(self._look_up, call)
        except ScheduleZeroError as error:
            call.refuse(error.problem)
            return
        self._pipeline.feed(asked)

    def _look_up(self, call: Call) -> Asked:
        """Find what the machine may need and does not hold: what the command names, and an idempotency key."""
        command = call.command
        asked = self._look_up_schedule(Asked(command=command, caller=call.caller, ticket=call))
        if isinstance(command, ExecutionCancel | ExecutionRetry):
            return replace(asked, found=self._store.reader.execution(command.execution_id))
        key = getattr(command, "idempotency_key", None)
        return asked if key is None else self._look_up_key(asked, key)

    def _look_up_schedule(self, asked: Asked) -> Asked:
        schedule_id = schedule_named_by(asked.command)
        if schedule_id is None:
            return asked
        schedule = self._store.reader.schedule(schedule_id)
        if schedule is None and not isinstance(asked.command, ScheduleCreate):
            return replace(asked, neighbours=self._store.reader.ids_beside(schedule_id))
        return replace(asked, schedule=schedule)

    def _look_up_key(self, asked: Asked, key: str) -> Asked:
        prior = self._prior(asked.caller, key)
        found = self._store.reader.execution(prior.execution_ids[0]) if prior is not None else None
        return replace(asked, digest=_digest(asked.command), prior=prior, found=found)

    def _prior(self, caller: str, key: str) -> IdempotencyKey | None:
        prior = self._store.reader.idempotency_key(caller, key)
        return prior if prior is not None and prior.created_at > self._clock.now() - KEY_LIFETIME else None

    # -- commands that are neither queries nor the machine's -----------------------------------------------------

    async def _bulk(self, command: ExecutionBulk) -> BulkDone:
        """Cancel or replay everything that matches, a page at a time, each page in one transaction.

        What was replayed before is left out. What comes into being meanwhile is newer than what is still to be read.
        """
        matched, done, cursor = 0, 0, None
        async with self._one_bulk:
            while True:
                page = await self.read(lambda cursor: self._matching(command, cursor), cursor)
                done += await self._do_each(command, page.rows)
                matched, cursor = matched + len(page.rows), page.next_cursor
                if cursor is None:
                    return BulkDone(matched=matched, done=done)

    def _matching(self, command: ExecutionBulk, cursor: str | None) -> Page[Execution]:
        cancelling = command.action == "cancel"
        statuses = frozenset(Status) - FINAL if cancelling else FINAL - {Status.SUCCESS}
        return self._store.reader.matching(
            command.filter, statuses=statuses, limit=_BULK_PAGE, cursor=cursor, replayed=cancelling
        )

    async def _do_each(self, command: ExecutionBulk, found: list[Execution]) -> int:
        """Feed a command for each to the machine; return how many were done."""
        each = [asyncio.get_running_loop().create_future() for _ in found]
        one = ExecutionCancel if command.action == "cancel" else ExecutionRetry
        for execution, done in zip(found, each, strict=True):
            ticket = _BulkTicket(done)
            self._pipeline.feed(
                Asked(command=one(execution_id=execution.id), caller="bulk", ticket=ticket, found=execution)
            )
        return sum(await asyncio.gather(*each))

    async def _clear(self, command: ExecutionClear) -> Cleared:
        ages = Ages.all_before(from_datetime(command.before))
        return Cleared(records_cleared=sum([removed async for removed in self._sweeper.sweep(ages)]))

    async def _ping(self, command: HandlerPing) -> PongAnswer:
        instance = self._reachable(command.handler_id)[0]
        seconds = await self._links.ping(instance.boot_id, _PING_SECONDS)
        return PongAnswer(
            handler_id=command.handler_id, instance_id=instance.instance_id, round_trip_ms=round(seconds * 1000, 3)
        )

    async def _drain(self, command: HandlerDrain) -> Drained:
        instances = self._reachable(command.handler_id)
        for instance in instances:
            self._links.send(instance.boot_id, [Drain()])
        return Drained(instances=tuple(instance.instance_id for instance in instances))

    def _reachable(self, handler_id: str) -> list[InstanceInfo]:
        """Return the connected instances of a handler. Raises handler_not_found, or unavailable where it is away."""
        memory = self._pipeline.memory
        if memory is None:
            raise ScheduleZeroError.of(Code.UNAVAILABLE, str(self._pipeline.trouble), retry_after=1)
        if handler_id not in memory.known:
            message = f"no handler {handler_id} has ever registered"
            raise ScheduleZeroError.of(Code.HANDLER_NOT_FOUND, message, path="handler_id")
        instances = self._links.open_boots(handler_id)
        if not instances:
            raise ScheduleZeroError.of(Code.UNAVAILABLE, f"no instance of {handler_id} is connected", retry_after=1)
        return instances

    async def _explain(self, command: ScheduleExplain) -> Explanation:
        question = await self.read(self._explaining.find, command)
        memory, facts = self._pipeline.memory, question.facts
        presence = None
        if memory is not None:
            presence = presence_of(memory, facts.handler_id, facts.method_name)
        return await self.read(partial(self._explaining.conclude, question), presence)

    async def _pauses(self, _command: HandlerPauses) -> PausedHandlers:
        memory = self._pipeline.memory
        return PausedHandlers(handlers=dict(memory.handler_pauses) if memory is not None else {})

    async def _health(self, _command: SystemHealth) -> SchedulerHealth:
        memory = self._pipeline.memory
        return SchedulerHealth(
            version=self._version,
            database=await self._database_health(),
            backlog=self._pipeline.committer.backlog,
            paused=memory.pause if memory is not None else None,
        )

    async def _database_health(self) -> str:
        try:
            await self.read(self._store.reader.last_status, [])
        except StoreError as error:
            return str(error)
        return self._pipeline.trouble or "ok"


class _BulkTicket:
    """Who waits for one of many: a future that becomes whether it was done."""

    def __init__(self, done: "asyncio.Future[bool]") -> None:
        self._done = done

    def answer(self, _answer: object) -> None:
        self._done.set_result(True)

    def refuse(self, _problem: Problem) -> None:
        self._done.set_result(False)


def _digest(command: Command[Any]) -> str:
    """Return what stands for a command's content; how long its answer is waited for is no part of that."""
    content = msgspec.json.decode(msgspec.json.encode(command))
    content.pop("wait_seconds", None)
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
