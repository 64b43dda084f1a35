"""What the scheduler holds in memory: everything here can be forgotten and loaded again from the database.

The indices of executions are kept by three moves: `admit` when one becomes known, `move` when its status changes,
`restore` when it comes back from the database.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import InstanceInfo, MethodSpec, Pause, ScheduleRequest
from schedulezero.scheduler.core.model import (
    SECOND,
    Execution,
    IdempotencyKey,
    KnownHandler,
    Schedule,
    Ticket,
)
from schedulezero.scheduler.core.policies import FireTimes
from schedulezero.scheduler.core.queues import Queue
from schedulezero.scheduler.core.triggers import compile_trigger

_SLACK = 10_000
"""Outdated entries that are borne before a timeline is pruned."""


class Limits(Frozen):
    """Bounds of the machine; times in microseconds."""

    max_pending: int = 1_000_000
    window: int = 2_000
    lease: int = 5 * SECOND
    timeout_grace: int = 10 * SECOND
    timezone: str = "UTC"


class Instance:
    """One boot of a handler instance: what it said of itself, and what it has of ours.

    `open` is true from its Welcome until its connection is lost; `silent` while it says nothing on a live one;
    `departed` once the registry has said that it left, until it says otherwise.
    """

    def __init__(self, info: InstanceInfo) -> None:
        self.info = info
        self.methods: dict[str, MethodSpec] = {method.name: method for method in info.methods}
        self.open = False
        self.draining = False
        self.silent = False
        self.departed = False
        self.full_until = 0
        self.running: dict[str, str] = {}
        self.running_of_method: Counter[str] = Counter()
        self.last_claim = 0

    @property
    def takes_work(self) -> bool:
        return self.open and not (self.draining or self.silent or self.departed)

    def free_slots(self, now: int) -> int:
        return self.info.capacity - len(self.running) if self.takes_work and now >= self.full_until else 0

    def offers(self, method_name: str) -> bool:
        """Whether it has the method, and room in the method's own concurrency."""
        method = self.methods.get(method_name)
        if method is None:
            return False
        return method.concurrency is None or self.running_of_method[method_name] < method.concurrency

    def take(self, execution: Execution) -> None:
        self.running[execution.id] = execution.method_name
        self.last_claim = execution.claim
        self.running_of_method[execution.method_name] += 1

    def release(self, execution_id: str) -> None:
        method_name = self.running.pop(execution_id, None)
        if method_name is not None:
            self.running_of_method[method_name] -= 1


class Timeline[T]:
    """Things that are due at an instant. What is no longer true of them is the taker's to see."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._count = 0

    def add(self, at: int, thing: T) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, thing))

    def next(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def prune(self, most: int, is_live: Callable[[T], bool]) -> None:
        """Drop what is no longer true, where more than `most` things are here."""
        if len(self._heap) > most:
            self._heap = [entry for entry in self._heap if is_live(entry[2])]
            heapq.heapify(self._heap)

    def take_due(self, now: int) -> Iterator[T]:
        """Yield and forget what is due, earliest first; what is added meanwhile for `now` or earlier comes too."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]


class Memory:
    """The state of the machine. See the module for who keeps what."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.epoch = 0
        self._last_claim = 0
        self.schedules: dict[str, Schedule] = {}
        self._fires: dict[str, tuple[ScheduleRequest, FireTimes]] = {}
        self.last_skips: dict[str, Execution] = {}
        self.executions: dict[str, Execution] = {}
        self.queues: dict[str, dict[str, Queue]] = defaultdict(dict)
        self.unfinished: Counter[str] = Counter()
        self.current: dict[str, set[str]] = defaultdict(set)
        self.held: dict[str, dict[str, None]] = defaultdict(dict)
        self.known: dict[str, KnownHandler] = {}
        self.instances: dict[str, Instance] = {}
        self.orphans: set[str] = set()
        self.directory_read = False
        self.pause: Pause | None = None
        self.handler_pauses: dict[str, Pause] = {}
        self.keys: dict[tuple[str, str], IdempotencyKey] = {}
        self.lines: Counter[str] = Counter()
        self._last_line = 0
        self.waiters: dict[str, list[Ticket]] = {}
        self.due = Timeline[tuple[str, int]]()
        self.retries = Timeline[str]()
        self.expiries = Timeline[str]()
        self.overtime = Timeline[tuple[str, int]]()
        self.lease_ends = Timeline[str]()
        self.wait_ends = Timeline[tuple[str, Ticket]]()
        self.key_ends = Timeline[tuple[str, str]]()

    def next_wakeup(self) -> int | None:
        """Return the earliest instant at which a Tick has something to do."""
        lines: list[Timeline[Any]] = [self.retries, self.expiries, self.overtime]
        lines += [self.lease_ends, self.wait_ends, self.key_ends]
        if self.pause is None:
            lines.append(self.due)
        return min((at for line in lines if (at := line.next()) is not None), default=None)

    def prune(self) -> None:
        """Keep what waits for an instant in proportion to what it waits for."""
        most = 2 * len(self.executions) + _SLACK
        self.expiries.prune(most, lambda id_: id_ in self.executions)
        self.overtime.prune(most, lambda out: out[0] in self.executions)
        self.due.prune(2 * len(self.schedules) + _SLACK, self._is_current)

    # -- schedules -----------------------------------------------------------------------------------------------

    def keep_schedule(self, schedule: Schedule) -> None:
        """Know a schedule as it now is."""
        self.schedules[schedule.id] = schedule
        if schedule.due_at is not None:
            self.due.add(schedule.due_at, (schedule.id, schedule.version))

    def forget_schedule(self, schedule_id: str) -> None:
        del self.schedules[schedule_id]
        self._fires.pop(schedule_id, None)
        self.last_skips.pop(schedule_id, None)

    def _is_current(self, aim: tuple[str, int]) -> bool:
        schedule = self.schedules.get(aim[0])
        return schedule is not None and schedule.version == aim[1]

    def fires(self, schedule: Schedule) -> FireTimes:
        """Return the fire times of a schedule, compiled once for each change of its request."""
        cached = self._fires.get(schedule.id)
        if cached is not None and cached[0] is schedule.request:
            return cached[1]
        fires = FireTimes(compile_trigger(schedule.request.trigger_config), schedule.request)
        self._fires[schedule.id] = (schedule.request, fires)
        return fires

    # -- handlers ------------------------------------------------------------------------------------------------

    def instances_of(self, handler_id: str) -> list[Instance]:
        return [instance for instance in self.instances.values() if instance.info.handler_id == handler_id]

    def live_instances_of(self, handler_id: str) -> list[Instance]:
        return [one for one in self.instances_of(handler_id) if one.open and not one.departed]

    def next_claim(self, now: int) -> int:
        """Return a number for a claim: `now`, made greater than every one before; safe in every JSON reader."""
        self._last_claim = max(now, self._last_claim + 1)
        return self._last_claim

    # -- executions ----------------------------------------------------------------------------------------------

    def queue(self, handler_id: str, method_name: str) -> Queue:
        queues = self.queues[handler_id]
        queue = queues.get(method_name)
        if queue is None:
            queue = queues[method_name] = Queue(handler_id, method_name, self.limits.window)
        return queue

    def pending_of(self, handler_id: str) -> int:
        return sum(queue.total for queue in self.queues[handler_id].values())

    def admit(self, execution: Execution) -> None:
        """Take in an execution that has just been decided."""
        if execution.schedule_id is not None:
            self.unfinished[execution.schedule_id] += 1
        self._index(execution, counted=False)

    def restore(self, execution: Execution) -> None:
        """Take in one from the database, that the counts of what was loaded already hold."""
        self._last_claim = max(self._last_claim, execution.claim)
        self._index(execution, counted=True)

    def return_from_database(self, execution: Execution) -> None:
        """Know again a pending execution that its queue has just taken back."""
        self.executions[execution.id] = execution
        if execution.schedule_id is not None:
            self.current[execution.schedule_id].add(execution.id)
        if execution.expires_at is not None:
            self.expiries.add(execution.expires_at, execution.id)

    def make_ready(self, execution: Execution) -> None:
        """Let an execution whose next attempt is due go out in its turn; its status stays `retrying` until then."""
        self.queue(execution.handler_id, execution.method_name).push(execution)

    def next_line(self, execution_id: str, now: int) -> tuple[int, int]:
        """Return how many log lines an execution has with this one, and its number: `now`, made to rise always."""
        self.lines[execution_id] += 1
        self._last_line = max(now, self._last_line + 1)
        return self.lines[execution_id], self._last_line

    def move(self, before: Execution, after: Execution) -> None:
        """Put `after` in the place of `before` and into the indices of its status."""
        queue = self.queue(before.handler_id, before.method_name)
        waited_its_turn = self._unhold(before)
        if queue.has(before.id) or (before.status is Status.PENDING and not waited_its_turn):
            queue.remove(before.id)
        if after.status in FINAL:
            self._end(after)
        else:
            self.executions[after.id] = after
            self._place(after, counted=False)

    def _index(self, execution: Execution, *, counted: bool) -> None:
        self.executions[execution.id] = execution
        if execution.schedule_id is not None:
            self.current[execution.schedule_id].add(execution.id)
        if execution.expires_at is not None:
            self.expiries.add(execution.expires_at, execution.id)
        self._place(execution, counted=counted)

    def _place(self, execution: Execution, *, counted: bool) -> None:
        match execution.status:
            case Status.PENDING if self._must_wait_its_turn(execution):
                if counted:
                    self.queue(execution.handler_id, execution.method_name).total -= 1
                self.held[str(execution.schedule_id)][execution.id] = None
            case Status.PENDING:
                queue = self.queue(execution.handler_id, execution.method_name)
                kept = queue.restore(execution) if counted else queue.push(execution)
                for id_ in () if kept else (execution.id,):
                    self._leave(id_)
                for id_ in queue.shed():
                    self._leave(id_)
            case Status.RETRYING:
                self.retries.add(execution.ready_at, execution.id)

    def _leave(self, execution_id: str) -> None:
        """Leave a pending execution to the database."""
        execution = self.executions.pop(execution_id)
        if execution.schedule_id is not None:
            self.current[execution.schedule_id].discard(execution_id)

    def _end(self, execution: Execution) -> None:
        self.executions.pop(execution.id, None)
        self.lines.pop(execution.id, None)
        schedule_id = execution.schedule_id
        if schedule_id is None:
            return
        self.current[schedule_id].discard(execution.id)
        self.unfinished[schedule_id] -= 1
        self._release_next(schedule_id)
        if not self.unfinished[schedule_id]:
            del self.unfinished[schedule_id]
            del self.current[schedule_id]

    # -- one after another ---------------------------------------------------------------------------------------

    def _must_wait_its_turn(self, execution: Execution) -> bool:
        if not execution.serial or execution.schedule_id is None:
            return False
        others = len(self.current[execution.schedule_id]) - 1
        return others > len(self.held.get(execution.schedule_id, ()))

    def _release_next(self, schedule_id: str) -> None:
        held = self.held.get(schedule_id)
        if held is None or len(self.current[schedule_id]) > len(held):
            return
        execution = self.executions[next(iter(held))]
        self._unhold(execution)
        self._place(execution, counted=False)

    def _unhold(self, execution: Execution) -> bool:
        """Take an execution out of those that wait their turn; return whether it was one of them."""
        held = self.held.get(str(execution.schedule_id))
        if held is None or execution.id not in held:
            return False
        del held[execution.id]
        if not held:
            del self.held[str(execution.schedule_id)]
        return True
