"""What the scheduler holds in memory: everything here can be forgotten and loaded again from the database.

The indices of executions are kept by three moves: `admit` when one becomes known, `move` when its status changes,
`restore` when it comes back from the database.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import InstanceInfo, MethodSpec, Notify, Pause
from schedulezero.scheduler.core.agenda import Agenda
from schedulezero.scheduler.core.lines import Line
from schedulezero.scheduler.core.model import (
    SECOND,
    Execution,
    IdempotencyKey,
    KnownHandler,
    PastPauses,
    Ticket,
    replace,
)
from schedulezero.scheduler.core.pace import Pace
from schedulezero.scheduler.core.queues import Queue
from schedulezero.scheduler.core.recent import Recent
from schedulezero.scheduler.core.timelines import Timeline

_SLACK = 10_000
"""Outdated entries that are borne before a timeline is pruned."""

_ENDED = 100_000
"""Ids that are kept of what ended while it waited: more than there can be whose end no reader sees yet."""
_SKIPS = 10_000
"""Skipped rows that may still grow; another decision of a schedule whose last one is not among them is a new row."""


class Limits(Frozen):
    """Bounds of the machine, times in microseconds, and what holds for every schedule: zone and webhook.

    Of each queue twice `window` executions are held in memory at most, of each line twice `line`, and twice `agenda`
    schedules, but for those that have just changed.
    """

    max_pending: int = 1_000_000
    window: int = 2_000
    line: int = 200
    agenda: int = 20_000
    lease: int = 5 * SECOND
    timeout_grace: int = 10 * SECOND
    timezone: str = "UTC"
    webhook: Notify | None = None


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
        self.pace = Pace()

    @property
    def takes_work(self) -> bool:
        return self.open and not (self.draining or self.silent or self.departed)

    def free_slots(self, now: int) -> int:
        """Return how many runs could begin now; negative where some wait there already."""
        return self.info.capacity - len(self.running) if self.takes_work and now >= self.full_until else 0

    def room_ahead(self, now: int) -> int:
        """Return how many runs it may be given now, those that would wait there for a slot among them."""
        if not self.takes_work or now < self.full_until:
            return 0
        return self.info.capacity - len(self.running) + self.pace.ahead(self.info.capacity)

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


class Memory:
    """The state of the machine. See the module for who keeps what."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.epoch = 0
        self._last_claim = 0
        self.agenda = Agenda(limits.agenda)
        self.last_skips = Recent[Execution](_SKIPS)
        self.executions: dict[str, Execution] = {}
        self.queues: dict[str, dict[str, Queue]] = {}
        self.unfinished: Counter[str] = Counter()
        self.current: dict[str, dict[str, None]] = defaultdict(dict)
        self.held: dict[str, Line] = {}
        self._short: dict[Queue | Line, None] = {}
        self._ended_waiting = Recent[None](_ENDED)
        self.known: dict[str, KnownHandler] = {}
        self.instances: dict[str, Instance] = {}
        self.orphans: dict[str, None] = {}
        self.directory_read = False
        self.pause: Pause | None = None
        self.past_pauses = PastPauses()
        self.handler_pauses: dict[str, Pause] = {}
        self.keys: dict[tuple[str, str], IdempotencyKey] = {}
        self.lines: Counter[str] = Counter()
        self._last_line = 0
        self.waiters: dict[str, list[Ticket]] = {}
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
        ends = [line.next() for line in lines]
        if self.pause is None:
            ends.append(self.agenda.next_due())
        return min((at for at in ends if at is not None), default=None)

    def shift_spans(self, by: int) -> None:
        """Let what waits for the end of a span of time wait as long as before, on a wall clock that was stepped."""
        spans: list[Timeline[Any]] = [self.overtime, self.lease_ends, self.wait_ends]
        for span in spans:
            span.shift(by)
        for instance in self.instances.values():
            instance.full_until += by
            self.retries.add(instance.full_until, "")

    def prune(self) -> None:
        """Keep what waits for an instant in proportion to what it waits for."""
        most = 2 * len(self.executions) + _SLACK
        self.expiries.prune(most, lambda id_: id_ in self.executions)
        self.overtime.prune(most, lambda out: out[0] in self.executions)
        self.retries.prune(most, lambda id_: not id_ or id_ in self.executions)
        self.agenda.prune()

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
        """Return the queue of a method, a new one where nothing waits for it."""
        queues = self.queues.setdefault(handler_id, {})
        queue = queues.get(method_name)
        if queue is None:
            queue = queues[method_name] = Queue(handler_id, method_name, self.limits.window)
        return queue

    def line(self, schedule_id: str) -> Line:
        """Return the line of a schedule, a new one where nothing waits its turn."""
        line = self.held.get(schedule_id)
        if line is None:
            line = self.held[schedule_id] = Line(schedule_id, self.limits.line)
        return line

    def pending_of(self, handler_id: str) -> int:
        return sum(queue.total for queue in self.queues.get(handler_id, {}).values())

    def is_left(self, execution: Execution) -> bool:
        """Whether an execution that the database shows as pending waits there, and is not held here."""
        if execution.status is not Status.PENDING or execution.id in self._ended_waiting:
            return False
        line = self.held.get(str(execution.schedule_id)) if execution.serial else None
        queue = self.queues.get(execution.handler_id, {}).get(execution.method_name)
        place = line if execution.serial else queue
        return place is not None and place.leaves(execution)

    def take_short(self) -> Iterator[Queue | Line]:
        """Yield, each once, the queues and lines of which more is to be read now."""
        short, self._short = self._short, {}
        return (place for place in short if place.wants_refill())

    def admit(self, execution: Execution) -> None:
        """Take in an execution that has just been decided."""
        if execution.schedule_id is not None:
            self.unfinished[execution.schedule_id] += 1
        self._index(execution, counted=False)

    def restore(self, execution: Execution) -> None:
        """Take in one from the database, that the counts of what was loaded already hold."""
        self._last_claim = max(self._last_claim, execution.claim)
        self._index(execution, counted=True)

    def refill(self, handler_id: str, method_name: str, read: list[Execution]) -> None:
        """Take in what was read of a queue, if it still waits for that."""
        queue = self.queues.get(handler_id, {}).get(method_name)
        if queue is None or not queue.refilling:
            return
        for execution in queue.refill([one for one in read if one.id not in self.executions]):
            self._know(execution)
        self._look_after(queue)

    def refill_line(self, schedule_id: str, read: list[Execution]) -> None:
        """Take in what was read of a line, if it still waits for that."""
        line = self.held.get(schedule_id)
        if line is None or not line.refilling:
            return
        for execution in line.refill([one for one in read if one.id not in self.executions]):
            self._know(execution)
        self._release_next(schedule_id)
        self._look_after(line)

    def see_how_far(self) -> None:
        """Compare what was loaded with what there is."""
        for queue in [queue for queues in self.queues.values() for queue in queues.values()]:
            queue.see_how_far()
            self._look_after(queue)
        for schedule_id, line in list(self.held.items()):
            self._release_next(schedule_id)
            self._look_after(line)

    def backing_off(self) -> list[Execution]:
        """Return what is to be tried again and is not ready for it yet."""
        retrying = [one for one in self.executions.values() if one.status is Status.RETRYING]
        return [one for one in retrying if not self._is_queued(one)]

    def hasten(self, execution: Execution, by: int) -> Execution:
        """Let what backs off be ready at another instant, and return it; its place in `retries` is the caller's."""
        hastened = replace(execution, ready_at=execution.ready_at + by)
        self.executions[hastened.id] = hastened
        return hastened

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
        self._leave_place(before)
        if after.status in FINAL:
            if before.status is Status.PENDING:
                self._ended_waiting.put(after.id, None)
            self._end(after)
            return
        self.executions[after.id] = after
        if after.status is Status.PENDING:
            self._requeue(after)
        elif after.status is Status.RETRYING:
            self.retries.add(after.ready_at, after.id)

    def _index(self, execution: Execution, *, counted: bool) -> None:
        self._know(execution)
        match execution.status:
            case Status.PENDING if self._must_wait_its_turn(execution, counted=counted):
                self._hold(execution, counted=counted)
            case Status.PENDING:
                self._enqueue(execution, counted=counted)
            case Status.RETRYING:
                self.retries.add(execution.ready_at, execution.id)

    def _know(self, execution: Execution) -> None:
        self.executions[execution.id] = execution
        if execution.schedule_id is not None:
            self.current[execution.schedule_id][execution.id] = None
        if execution.expires_at is not None:
            self.expiries.add(execution.expires_at, execution.id)

    def _leave(self, execution_id: str) -> None:
        """Leave a pending execution to the database."""
        execution = self.executions.pop(execution_id)
        if execution.schedule_id is not None:
            self.current[execution.schedule_id].pop(execution_id, None)

    def _end(self, execution: Execution) -> None:
        self.executions.pop(execution.id, None)
        self.lines.pop(execution.id, None)
        schedule_id = execution.schedule_id
        if schedule_id is None:
            return
        if (line := self.held.get(schedule_id)) is not None:
            line.note_gone(execution.id)
        self.current[schedule_id].pop(execution.id, None)
        self.unfinished[schedule_id] -= 1
        self._release_next(schedule_id)
        if not self.unfinished[schedule_id]:
            del self.unfinished[schedule_id]
            del self.current[schedule_id]

    # -- where the pending wait ----------------------------------------------------------------------------------

    def _enqueue(self, execution: Execution, *, counted: bool) -> None:
        queue = self.queue(execution.handler_id, execution.method_name)
        kept = queue.restore(execution) if counted else queue.push(execution)
        if not kept:
            self._leave(execution.id)
        for id_ in queue.shed():
            self._leave(id_)

    def _is_queued(self, execution: Execution) -> bool:
        queue = self.queues.get(execution.handler_id, {}).get(execution.method_name)
        return queue is not None and queue.has(execution.id)

    def _requeue(self, execution: Execution) -> None:
        """Take back what did not begin: it goes out again, or stands in front while another one is unfinished."""
        line = self.held.get(str(execution.schedule_id)) if execution.serial else None
        waiting = 0 if line is None else line.total
        if execution.serial and self.unfinished[str(execution.schedule_id)] > waiting + 1:
            self.line(str(execution.schedule_id)).put_back(execution)
        else:
            self._enqueue(execution, counted=False)

    def _hold(self, execution: Execution, *, counted: bool) -> None:
        if counted:
            self.queue(execution.handler_id, execution.method_name).total -= 1
        if not self.line(str(execution.schedule_id)).add(execution):
            self._leave(execution.id)

    def _leave_place(self, execution: Execution) -> None:
        """Take an execution out of its queue or line, if it waits in one, here or in the database."""
        queue = self.queues.get(execution.handler_id, {}).get(execution.method_name)
        if queue is not None and queue.has(execution.id):
            place: Queue | Line = queue
        elif execution.status is not Status.PENDING:
            return
        elif execution.serial:
            place = self.line(str(execution.schedule_id))
        else:
            place = self.queue(execution.handler_id, execution.method_name)
        place.remove(execution.id)
        self._look_after(place)

    def _look_after(self, place: Queue | Line) -> None:
        """Note where more is to be read; forget a queue or line in which nothing waits."""
        if place.wants_refill():
            self._short[place] = None
        elif place.is_over() and isinstance(place, Line):
            self.held.pop(place.schedule_id, None)
        elif place.is_over() and isinstance(place, Queue):
            queues = self.queues.get(place.handler_id, {})
            queues.pop(place.method_name, None)
            if not queues:
                self.queues.pop(place.handler_id, None)

    # -- one after another ---------------------------------------------------------------------------------------

    def _must_wait_its_turn(self, execution: Execution, *, counted: bool) -> bool:
        """Whether another one of its schedule is unfinished; of what is loaded that is seen when all is known."""
        if not execution.serial or execution.schedule_id is None:
            return False
        return counted or self.unfinished[execution.schedule_id] > 1

    def _release_next(self, schedule_id: str) -> None:
        """Let the first of a line go out, if all that is unfinished of its schedule stands in it."""
        line = self.held.get(schedule_id)
        if line is None or not line or self.unfinished[schedule_id] > line.total:
            return
        execution = self.executions[next(iter(line))]
        line.remove(execution.id)
        self._look_after(line)
        self._enqueue(execution, counted=False)
