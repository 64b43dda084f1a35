"""What commands are answered with."""

from typing import Any, Literal

from msgspec import UNSET, UnsetType, field

from schedulezero.protocol.values import (
    ExecutionRecord,
    Failure,
    HandlerRecord,
    InstanceState,
    Json,
    Pause,
    ScheduleRecord,
    Time,
    Value,
    null,
)

Decision = Literal[
    "pending",
    "running",
    "retrying",
    "success",
    "error",
    "timeout",
    "cancelled",
    "skipped",
    "not_due",
    "upcoming",
    "unknown",
]
"""What became, or is to become, of an instant."""


class Done(Value):
    """Nothing more to say than that it is so."""

    status: Literal["success"] = "success"


class ScheduleCreated(Value):
    """`created` is false where `if_exists` kept what was there."""

    schedule_id: str
    next_fire_time: Time | None
    created: bool
    status: Literal["success"] = "success"


class SchedulePage(Value):
    """Schedules, by id."""

    schedules: tuple[ScheduleRecord, ...]
    count: int
    limit: int
    next_cursor: str | None
    total: int | UnsetType = UNSET


class RunAccepted(Value):
    """`status` is `accepted` until the execution has ended; then its status, with `result` and `error`."""

    status: Literal["accepted", "success", "error", "timeout", "cancelled", "skipped"]
    execution_id: str
    result: Json = field(default_factory=null)
    error: Failure | UnsetType | None = UNSET


class BatchAccepted(Value):
    """One execution for each run, in their order."""

    execution_ids: tuple[str, ...]
    status: Literal["accepted"] = "accepted"


class ExecutionPage(Value):
    """Executions, newest first."""

    records: tuple[ExecutionRecord, ...]
    count: int
    limit: int
    next_cursor: str | None
    total: int | UnsetType = UNSET


class GroupStats(Value):
    """The figures of one handler or one schedule."""

    total_executions: int
    success_count: int
    error_count: int
    success_rate: float


class ExecutionStats(Value):
    """Figures over what is stored since `since`; percentiles may be estimates.

    `error_count` counts the statuses error and timeout.
    """

    total_executions: int
    success_count: int
    error_count: int
    success_rate: float
    avg_duration_ms: float | None
    p50_duration_ms: float | None
    p95_duration_ms: float | None
    p99_duration_ms: float | None
    by_handler: dict[str, GroupStats]
    by_schedule: dict[str, GroupStats]
    since: Time | None


class Explanation(Value):
    """Why a schedule did, did not, or will run at an instant.

    `decision` is the status of the execution that accounts for the instant; `not_due` where the schedule does not
    fire then; `upcoming` where it is still to be decided; `unknown` where it was decided and its row was removed.
    `reason` names the cause: a skip's, `not_due`, what an execution waits for, or what stands against an upcoming
    one; null where there is nothing to tell. `text` says it in words, with times in the schedule's zone, and what to
    do. `evidence` has fields by reason.
    """

    schedule_id: str
    at: Time
    decision: Decision
    reason: str | None
    text: str
    evidence: dict[str, Any]
    execution_id: str | None


class BulkDone(Value):
    """How many executions matched, and how many were changed."""

    matched: int
    done: int


class Cleared(Value):
    records_cleared: int


class LogLine(Value):
    """A line that a job has logged, or its progress (`event` is then `progress`)."""

    seq: int
    at: Time
    attempt_number: int
    level: str
    event: str
    fields: Json


class LogPage(Value):
    lines: tuple[LogLine, ...]
    count: int
    next_after: int


class PreviewAnswer(Value):
    """The next fire times, and in words what clock changes do to them."""

    fire_times: tuple[Time, ...]
    warnings: tuple[str, ...]


class SchedulerHealth(Value):
    """`database` is `ok` or says what is wrong with it; `backlog` counts commands and messages not yet committed."""

    version: str
    database: str
    backlog: int
    paused: Pause | None


class PausedHandlers(Value):
    """The handlers that get no work, by id."""

    handlers: dict[str, Pause]


class PongAnswer(Value):
    """A round trip between the scheduler and one instance."""

    handler_id: str
    instance_id: str
    round_trip_ms: float
    status: Literal["success"] = "success"


class Drained(Value):
    """The instances that were told to finish what they have and stop."""

    instances: tuple[str, ...]
    status: Literal["success"] = "success"


class HandlerPage(Value):
    """The handlers known to the registry, by id."""

    handlers: tuple[HandlerRecord, ...]
    count: int


class Registered(Value):
    """How often to send a heartbeat, and how long silence is borne."""

    heartbeat_seconds: float
    lease_seconds: float


class Heard(Value):
    """`known` is false after a restart of the registry: register again."""

    known: bool


class Directory(Value):
    """All instances, as of event `seq` of `epoch` in the family `handler`."""

    epoch: str
    seq: int
    instances: tuple[InstanceState, ...]


class ServiceInfo(Value):
    """Who answers."""

    service: str
    version: str
