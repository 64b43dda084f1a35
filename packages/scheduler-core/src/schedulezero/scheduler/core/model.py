"""The ground of the scheduler: what it remembers, what it asks to be written, and what is done once that is durable.

Everything here is a frozen value. Times are integer microseconds since the epoch, UTC; user data is JSON text.
"""

import zlib
from typing import Any, Literal

from msgspec.structs import replace as replace

from schedulezero.protocol.errors import Problem
from schedulezero.protocol.events import Event
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.handling import ToInstance
from schedulezero.protocol.states import Reason, Status
from schedulezero.protocol.values import Failure, MethodSpec, Notify, Pause, RetryPolicy, ScheduleRequest

SHARDS = 64
SECOND = 1_000_000
"""Microseconds."""

AttemptStatus = Literal["error", "timeout", "cancelled", "lost"]
Ticket = Any
"""Who waits for an answer; the core hands it back unread."""
Place = tuple[int, str]
"""Where an active schedule stands among all: when it is due, and its id."""


def shard_of(key: str) -> int:
    """Return the shard of a schedule, or of an execution that has none, by CRC-32 of its id."""
    return zlib.crc32(key.encode()) % SHARDS


# -- rows -----------------------------------------------------------------------------------------------------------


class Schedule(Frozen):
    """A schedule's row.

    `request` is what its user asked for, with every anchor of the trigger written in. Every decision compares and
    sets `version` and moves `decided_through`; `generation` is new on create and replace. `next_fire` is the next
    nominal instant, `due_at` the same with its jitter, both None where nothing is to come or it is not active.
    `times_since` is when its fire times became what they are; None stands for its creation. `pauses_seen` is how many
    pauses of everything `decided_through` accounts for.
    """

    id: str
    shard: int
    generation: str
    version: int
    request: ScheduleRequest
    state: Literal["active", "paused", "quarantined", "finished"]
    decided_through: int
    created_at: int
    updated_at: int
    next_fire: int | None = None
    due_at: int | None = None
    last_fire: int | None = None
    runs: int = 0
    pause: Pause | None = None
    error: str | None = None
    times_since: int | None = None
    pauses_seen: int = 0


class Execution(Frozen):
    """An execution's row: the decision about a due instant (or a range of them), or a run by hand.

    A claim is one handing-out to an instance: `attempt` counts those that began (0 before the first), `claim` is
    a number that is never used twice of the same execution. `ready_at` is when it may go out; a `serial` one also
    waits until no earlier execution of its schedule is unfinished. The `covers_` fields are set where one decision
    accounts for several instants; `fire_time` is then the one that ran, or the first. `notify` is the webhook that
    its schedule or its run has asked for.
    """

    id: str
    shard: int
    handler_id: str
    method_name: str
    params: str
    status: Status
    priority: int
    created_at: int
    ready_at: int
    retry: RetryPolicy
    schedule_id: str | None = None
    generation: str | None = None
    fire_time: int | None = None
    timeout_seconds: float | None = None
    expires_at: int | None = None
    tags: tuple[str, ...] = ()
    retry_of: str | None = None
    serial: bool = False
    reason: Reason | None = None
    attempt: int = 0
    claim: int = 0
    cancel_requested: bool = False
    instance_id: str | None = None
    boot_id: str | None = None
    started_at: int | None = None
    completed_at: int | None = None
    result: str | None = None
    error: Failure | None = None
    covers_from: int | None = None
    covers_to: int | None = None
    covers_count: int | None = None
    count_exact: bool = True
    notify: Notify | None = None


class Attempt(Frozen):
    """A try that did not succeed; the successful one is told by the execution itself."""

    execution_id: str
    attempt: int
    claim: int
    instance_id: str | None
    started_at: int | None
    completed_at: int
    status: AttemptStatus
    error: Failure | None


class IdempotencyKey(Frozen):
    """A key that a caller gave with a run or a batch, and what it led to; kept for 24 hours."""

    caller: str
    key: str
    digest: str
    execution_ids: tuple[str, ...]
    created_at: int


class KnownHandler(Frozen):
    """A handler that was seen once: work for it is accepted while it is away, and checked as it last said."""

    handler_id: str
    first_seen: int
    methods: tuple[MethodSpec, ...]


class LogEntry(Frozen):
    """A line that a job has logged."""

    execution_id: str
    seq: int
    attempt: int
    at: int
    level: str
    event: str
    fields: str


class Notification(Frozen):
    """The end of an execution that is owed to a webhook; the row is removed when the webhook has taken it.

    `id` is the same in every attempt to deliver it. `receiver` is the scheme, host and port of `url`: what is
    slow or away as a whole. `attempt` counts those that have failed, `due_at` is when the next one may begin.
    """

    id: str
    shard: int
    execution_id: str
    receiver: str
    url: str
    created_at: int
    due_at: int
    attempt: int = 0


SpellKind = Literal["system_pause", "handler_pause", "schedule_pause", "quarantine", "handler_offline", "scheduler_up"]


class Spell(Frozen):
    """A time through which something held, from `began` on; `ended` is None while it lasts.

    `subject` is the schedule or the handler that it is about, empty where it is everything. `actor` is who brought
    it about, `note` why. Those of one kind and subject follow each other. A `scheduler_up` ends where the scheduler is
    last known to have been up, so that between two of them it was down; the second one's note says why where it was not
    ended and started.
    """

    kind: SpellKind
    subject: str
    began: int
    ended: int | None = None
    actor: str | None = None
    note: str | None = None


class PastPauses(Frozen):
    """How many pauses of everything are over, and when the last of them ended."""

    count: int = 0
    ended: int = 0


# -- changes: what is to be written ---------------------------------------------------------------------------------


class InsertSchedule(Frozen):
    schedule: Schedule


class ReviseSchedule(Frozen):
    """Write the whole row, where it still has `version_before`."""

    schedule: Schedule
    version_before: int


class AdvanceSchedule(Frozen):
    """Write what a decision moves (not the request), where it still has `version_before`."""

    schedule: Schedule
    version_before: int


class DeleteSchedule(Frozen):
    """Remove the row, where it still has `version_before`. Its executions stay."""

    schedule_id: str
    shard: int
    version_before: int


class InsertExecution(Frozen):
    execution: Execution


class UpdateExecution(Frozen):
    """Write what a transition moves, where the row still has the status and the claim before."""

    execution: Execution
    status_before: Status
    claim_before: int


class InsertAttempt(Frozen):
    attempt: Attempt


class RememberKey(Frozen):
    key: IdempotencyKey


class RememberHandler(Frozen):
    """Insert or replace what is known of a handler."""

    handler: KnownHandler


class SetPause(Frozen):
    """Pause (or, with None, resume) a handler by id, or everything with `handler_id` None.

    `past` are the pauses of everything that are over.
    """

    handler_id: str | None
    pause: Pause | None
    past: PastPauses | None = None


class AppendLog(Frozen):
    entry: LogEntry


class InsertNotification(Frozen):
    notification: Notification


class KeepSpell(Frozen):
    """Insert a spell, or write over the one of its kind and subject that began then."""

    spell: Spell


Change = (
    InsertSchedule
    | ReviseSchedule
    | AdvanceSchedule
    | DeleteSchedule
    | InsertExecution
    | UpdateExecution
    | InsertAttempt
    | RememberKey
    | RememberHandler
    | SetPause
    | AppendLog
    | InsertNotification
    | KeepSpell
)

# -- effects: what is done once the changes are durable -------------------------------------------------------------


class Answer(Frozen):
    """Answer a command with a protocol struct, or with an Execution or Schedule row to be shown as its record."""

    ticket: Ticket
    value: Any


class Refuse(Frozen):
    ticket: Ticket
    problem: Problem


class Await(Frozen):
    """Know of somebody who waits for the end of a run that is stored; he is answered by a later step."""

    ticket: Ticket
    execution_id: str


class Send(Frozen):
    """Send a message to one boot of an instance."""

    boot_id: str
    message: ToInstance


class Publish(Frozen):
    """Publish a fact about a row, as its record."""

    event: type[Event]
    row: Execution | Schedule


class Refill(Frozen):
    """Read more of a queue's pending executions from the database."""

    handler_id: str
    method_name: str


class ReadLine(Frozen):
    """Read more of a schedule's executions that wait their turn from the database."""

    schedule_id: str


class ReadAhead(Frozen):
    """Read the next `limit` active schedules behind `after` from the database; 0: none, only say that it is so far.

    `asked` tells this question from every other.
    """

    asked: tuple[int, int]
    after: Place | None
    limit: int


class ReportLost(Frozen):
    """Tell the registry that an instance's connection is gone."""

    instance_id: str
    boot_id: str


class Deliver(Frozen):
    """Deliver the notifications that a receiver is owed: there is one more."""

    receiver: str


Effect = Answer | Refuse | Await | Send | Publish | Refill | ReadLine | ReadAhead | ReportLost | Deliver


class Step(Frozen):
    """What one event leads to: changes that are committed together, then effects."""

    changes: list[Change]
    effects: list[Effect]
