"""The handler's side of the link as a pure machine: messages, ends of jobs and time in, instructions out.

It holds at most one claim an execution, the newest it was given. A claim is

    queued    accepted, waiting for a slot, or for an older claim of the same execution to end here
    running   begun; its slot is taken until the runner reports its end
    settled   its outcome is kept, and sent again, until a scheduler acknowledges it

A timeout or a cancellation settles a running claim at once; its slot stays taken until the job really ends, since a
thread cannot be stopped. A newer claim supersedes an older one: the older is stopped and has no outcome any more, and
the newer begins when the older has ended, so that no execution runs twice at a time in one process.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from schedulezero.handler import outcomes
from schedulezero.handler.instructions import Instruction, Moment, Send, Start, Stop
from schedulezero.handler.outcomes import Work
from schedulezero.protocol.handling import (
    Ack,
    Cancel,
    Claimed,
    Drain,
    Execute,
    Hello,
    Outcome,
    Probe,
    Pulse,
    Refused,
    Report,
    Stranger,
    ToInstance,
    Welcome,
)
from schedulezero.protocol.values import MethodSpec

QUEUE_BEYOND_CAPACITY = 1024
REMEMBERED = 10_000
RESEND_SECONDS = 5.0


class _Link:
    """A connection to a scheduler. `alive` is false once a send to it failed, until it is heard again."""

    __slots__ = ("alive", "peer", "scheduler_id")

    def __init__(self, peer: bytes) -> None:
        self.peer = peer
        self.scheduler_id: str | None = None
        self.alive = True


class _Held:
    """A claim that is queued (no `work`), running, or settled (with `outcome`)."""

    __slots__ = ("deadline", "execute", "link", "outcome", "sent_at", "timeout", "work")

    def __init__(self, execute: Execute, link: _Link, timeout: float | None) -> None:
        self.execute, self.link, self.timeout = execute, link, timeout
        self.work: Work | None = None
        self.outcome: Outcome | None = None
        self.deadline: float | None = None
        self.sent_at = 0.0


class Session:
    """What one boot of an instance owes to its schedulers.

    Args:
        instance_id: the instance.
        boot_id: this life of its process.
        capacity: runs at a time.
        methods: what is offered, with `concurrency` and `timeout_seconds` of each.
    """

    def __init__(self, *, instance_id: str, boot_id: str, capacity: int, methods: Mapping[str, MethodSpec]) -> None:
        self.instance_id, self.boot_id, self.capacity = instance_id, boot_id, capacity
        self.draining = False
        self.next_deadline: float | None = None
        self._methods = methods
        self._epochs: dict[int, int] = {}
        self._links: dict[bytes, _Link] = {}
        self._held: dict[str, _Held] = {}
        self._queue: OrderedDict[str, _Held] = OrderedDict()
        self._slots: dict[str, str] = {}
        self._method_slots: dict[str, int] = {}
        self._history: OrderedDict[str, int] = OrderedDict()

    @property
    def running(self) -> int:
        """Slots that are taken, also by jobs that were given up and have not ended."""
        return len(self._slots)

    @property
    def finished(self) -> bool:
        """Whether it is drained: nothing runs that is waited for, and every outcome is acknowledged."""
        return self.draining and not self._held

    # -- events -----------------------------------------------------------------------------------------------------

    def receive(self, peer: bytes, messages: Sequence[ToInstance], now: Moment) -> list[Instruction]:
        """Take messages of one connection, in their order."""
        instructions: list[Instruction] = []
        for message in messages:
            instructions += self._take(peer, message, now)
        return instructions

    def ended(self, outcome: Outcome, now: Moment) -> list[Instruction]:
        """Take the end of a job that was started, stopped or not."""
        self._free_slot(outcome.execution_id)
        held = self._held.get(outcome.execution_id)
        current = held is not None and held.outcome is None and held.execute.claim == outcome.claim
        settled = self._settle(held, outcome, now) if held is not None and current else []
        return [*settled, *self._start_next(now)]

    def reported(self, report: Report) -> list[Instruction]:
        """Take a line of a job; that of a claim which is settled or superseded is dropped."""
        held = self._held.get(report.execution_id)
        if held is None or held.outcome is not None or held.execute.claim != report.claim:
            return []
        return [Send(peer=link.peer, message=report) for link in self._route(held)]

    def tick(self, now: Moment) -> list[Instruction]:
        """End what has run past its deadline. To be called at :attr:`next_deadline`."""
        expired = [held for held in self._pending() if held.deadline is not None and held.deadline <= now.seconds]
        instructions = [instruction for held in expired for instruction in self._time_out(held, now)]
        deadlines = [held.deadline for held in self._pending() if held.deadline is not None]
        self.next_deadline = min(deadlines, default=None)
        return instructions

    def beat(self, now: Moment) -> list[Instruction]:
        """Once a second: tell every scheduler that the program is alive, and what it has not acknowledged."""
        late = [held for held in self._held.values() if held.outcome and now.seconds - held.sent_at >= RESEND_SECONDS]
        return [*self._pulses(), *(sent for held in late for sent in self._send_outcome(held, now))]

    def drain(self) -> list[Instruction]:
        """Give back what has not begun, and take nothing new from now on."""
        if self.draining:
            return []
        self.draining = True
        queued = list(self._queue.values())
        for held in queued:
            self._forget(held)
        refusals = [
            Send(peer=link.peer, message=_refused(held.execute, "draining"))
            for held in queued
            for link in self._route(held)
        ]
        return [*refusals, *self._pulses()]

    def unreachable(self, peer: bytes) -> None:
        """Take note that a send failed. What the peer is owed goes to whoever else is there, and is kept."""
        if link := self._links.pop(peer, None):
            link.alive = False

    # -- messages ---------------------------------------------------------------------------------------------------

    def _take(self, peer: bytes, message: ToInstance, now: Moment) -> list[Instruction]:
        match message:
            case Execute():
                return self._execute(peer, message, now)
            case Ack():
                return self._acknowledge(message)
            case Cancel():
                return self._cancel(message, now)
            case Hello():
                return self._welcome(peer, message, now)
            case Probe():
                return [Send(peer=self._link(peer).peer, message=self._pulse(message.nonce))]
            case Drain():
                return self.drain()

    def _welcome(self, peer: bytes, hello: Hello, now: Moment) -> list[Instruction]:
        if (hello.instance_id, hello.boot_id) != (self.instance_id, self.boot_id):
            return [Send(peer=peer, message=self._stranger())]
        link = self._introduce(peer, hello.scheduler_id)
        owed = [held for held in self._held.values() if held.outcome and (held.link is link or not held.link.alive)]
        welcome = Welcome(
            instance_id=self.instance_id,
            boot_id=self.boot_id,
            capacity=self.capacity,
            holding=tuple((h.execute.execution_id, h.execute.attempt, h.execute.claim) for h in self._held.values()),
            draining=self.draining,
        )
        return [Send(peer=peer, message=welcome), *(sent for held in owed for sent in self._send_outcome(held, now))]

    def _introduce(self, peer: bytes, scheduler_id: str) -> _Link:
        """Return the link of a scheduler, in place of the one it had before; what that one was owed is now its."""
        link = self._link(peer)
        link.scheduler_id = scheduler_id
        for other in [other for other in self._links.values() if other.scheduler_id == scheduler_id]:
            if other is not link:
                self.unreachable(other.peer)
        for held in self._held.values():
            if held.link.scheduler_id == scheduler_id:
                held.link = link
        return link

    def _execute(self, peer: bytes, execute: Execute, now: Moment) -> list[Instruction]:
        if execute.boot_id != self.boot_id:
            return [Send(peer=peer, message=self._stranger())]
        link = self._link(peer)
        older = self._held.get(execute.execution_id)
        if older is not None and older.execute.claim == execute.claim:
            return self._repeat(older, link, execute, now)
        if reason := self._reason_to_refuse(execute, older):
            return [Send(peer=peer, message=_refused(execute, reason))]
        self._epochs[execute.shard] = execute.epoch
        superseded = self._supersede(older) if older is not None else []
        return [*superseded, *self._accept(execute, link, now)]

    def _repeat(self, held: _Held, link: _Link, execute: Execute, now: Moment) -> list[Instruction]:
        """A duplicate is not run again; whoever sent it last is told the outcome."""
        if not self._is_fenced(execute):
            held.link = link
        return self._send_outcome(held, now) if held.outcome is not None else []

    def _is_fenced(self, execute: Execute) -> bool:
        return execute.epoch < self._epochs.get(execute.shard, 0)

    def _reason_to_refuse(
        self, execute: Execute, older: _Held | None
    ) -> Literal["draining", "full", "stale", "unknown_method"] | None:
        newest = older.execute.claim if older is not None else self._history.get(execute.execution_id)
        if self._is_fenced(execute) or (newest is not None and execute.claim <= newest):
            return "stale"
        if self.draining:
            return "draining"
        if execute.method not in self._methods:
            return "unknown_method"
        if len(self._queue) >= self.capacity + QUEUE_BEYOND_CAPACITY:
            return "full"
        return None

    def _supersede(self, older: _Held) -> list[Instruction]:
        self._forget(older)
        begun = older.work is not None and older.outcome is None
        return [Stop(execution_id=older.execute.execution_id)] if begun else []

    def _accept(self, execute: Execute, link: _Link, now: Moment) -> list[Instruction]:
        timeout = execute.timeout_seconds or self._methods[execute.method].timeout_seconds
        held = _Held(execute, link, timeout)
        self._held[execute.execution_id] = held
        # What is queued already cannot begin now, else it would have: the newcomer overtakes nobody who could.
        if len(self._slots) < self.capacity and self._has_room(held):
            return [self._start(held, now)]
        self._queue[execute.execution_id] = held
        if execute.execution_id in self._slots:
            # The older attempt may never end; waiting for it counts as running, so that this one ends in time.
            self._set_deadline(held, now)
        return []

    def _acknowledge(self, ack: Ack) -> list[Instruction]:
        held = self._held.get(ack.execution_id)
        if held is not None and held.outcome is not None and held.execute.claim == ack.claim:
            self._forget(held)
        return []

    def _cancel(self, cancel: Cancel, now: Moment) -> list[Instruction]:
        held = self._held.get(cancel.execution_id)
        if held is None or held.execute.claim != cancel.claim:
            return []
        if held.outcome is not None:
            return self._send_outcome(held, now)
        return self._give_up(held, outcomes.cancelled(_begun(held, now), now.at), now)

    # -- claims -----------------------------------------------------------------------------------------------------

    def _start(self, held: _Held, now: Moment) -> Start:
        execute = held.execute
        held.work = Work(execute=execute, started_at=now.at)
        self._slots[execute.execution_id] = execute.method
        self._method_slots[execute.method] = self._method_slots.get(execute.method, 0) + 1
        self._set_deadline(held, now)
        return Start(work=held.work)

    def _set_deadline(self, held: _Held, now: Moment) -> None:
        if held.timeout is not None:
            held.deadline = now.seconds + held.timeout
            self.next_deadline = min(self.next_deadline or held.deadline, held.deadline)

    def _start_next(self, now: Moment) -> list[Instruction]:
        """A freed slot lets at most one claim begin: the first in the queue that can."""
        if len(self._slots) < self.capacity:
            for execution_id, held in self._queue.items():
                if self._has_room(held):
                    del self._queue[execution_id]
                    return [self._start(held, now)]
        return []

    def _has_room(self, held: _Held) -> bool:
        execute = held.execute
        limit = self._methods[execute.method].concurrency
        room = limit is None or self._method_slots.get(execute.method, 0) < limit
        return room and execute.execution_id not in self._slots

    def _free_slot(self, execution_id: str) -> None:
        method = self._slots.pop(execution_id)
        self._method_slots[method] -= 1

    def _time_out(self, held: _Held, now: Moment) -> list[Instruction]:
        assert held.timeout is not None
        return self._give_up(held, outcomes.timed_out(_begun(held, now), held.timeout, now.at), now)

    def _give_up(self, held: _Held, outcome: Outcome, now: Moment) -> list[Instruction]:
        execution_id = held.execute.execution_id
        self._queue.pop(execution_id, None)
        stop: list[Instruction] = [Stop(execution_id=execution_id)] if held.work is not None else []
        return [*stop, *self._settle(held, outcome, now)]

    def _settle(self, held: _Held, outcome: Outcome, now: Moment) -> list[Instruction]:
        held.outcome, held.deadline = outcome, None
        return self._send_outcome(held, now)

    def _forget(self, held: _Held) -> None:
        """Remember no more than that this claim was here, so that a late duplicate of it is not run again."""
        execution_id = held.execute.execution_id
        del self._held[execution_id]
        queued = self._queue.pop(execution_id, None) is not None
        if not queued:
            self._history[execution_id] = held.execute.claim
            self._history.move_to_end(execution_id)
            if len(self._history) > REMEMBERED:
                self._history.popitem(last=False)

    def _pending(self) -> Iterator[_Held]:
        return (held for held in self._held.values() if held.outcome is None)

    # -- sending ----------------------------------------------------------------------------------------------------

    def _link(self, peer: bytes) -> _Link:
        link = self._links.get(peer)
        if link is None:
            link = self._links[peer] = _Link(peer)
        return link

    def _route(self, held: _Held) -> list[_Link]:
        """Whoever gave the work; if that scheduler is away, everyone: one of them has taken its place."""
        return [held.link] if held.link.alive else list(self._links.values())

    def _send_outcome(self, held: _Held, now: Moment) -> list[Instruction]:
        assert held.outcome is not None
        held.sent_at = now.seconds
        return [Send(peer=link.peer, message=held.outcome) for link in self._route(held)]

    def _pulses(self) -> list[Instruction]:
        return [Send(peer=peer, message=self._pulse(0)) for peer in self._links]

    def _pulse(self, nonce: int) -> Pulse:
        return Pulse(boot_id=self.boot_id, running=self.running, draining=self.draining, nonce=nonce)

    def _stranger(self) -> Stranger:
        return Stranger(instance_id=self.instance_id, boot_id=self.boot_id)


def _begun(held: _Held, now: Moment) -> Work:
    """What is given up in the queue began and ended in one instant."""
    return held.work or Work(execute=held.execute, started_at=now.at)


def _refused(claimed: Claimed, reason: Literal["draining", "full", "stale", "unknown_method"]) -> Refused:
    return Refused(execution_id=claimed.execution_id, attempt=claimed.attempt, claim=claimed.claim, reason=reason)
