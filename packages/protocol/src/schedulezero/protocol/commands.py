"""The commands that services answer, each a tagged struct that names the type of its answer.

`Command[X]` is answered with an X or refused with a Problem. A scheduler answers :data:`SchedulerCommand`, a
registry :data:`RegistryCommand`; both answer :class:`Ping`. A command that changes something is answered after
the change is durable.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, UnsetType, field

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.protocol.values import (
    CatchUp,
    Count,
    ExecutionDetail,
    ExecutionRecord,
    Failure,
    HandlerDetail,
    HandlerRecord,
    Identifier,
    Input,
    InstanceInfo,
    InstanceState,
    Json,
    Label,
    Overlap,
    Pause,
    PositiveSeconds,
    Priority,
    Prose,
    RetryOptions,
    RunRequest,
    ScheduleRecord,
    ScheduleRequest,
    Seconds,
    Time,
    Value,
    null,
)

Limit = Annotated[int, Meta(ge=1, le=1000)]
WaitSeconds = Annotated[float, Meta(ge=0, le=60)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
"""An id as asked for: any text finds nothing rather than being malformed."""


class Command[R](Frozen, tag_field="type", omit_defaults=True):
    """A request to a service; `R` is what it answers."""


class Query[R](Command[R]):
    """A command that changes nothing, so that it may be asked again when its answer was lost."""


def answer_type[R](command: type[Command[R]]) -> type[R]:
    """Return the type that `command` is answered with, as its class statement says."""
    answer: type[R] = get_args(command.__orig_bases__[0])[0]  # type: ignore[attr-defined]
    return answer


# -- answers --------------------------------------------------------------------------------------------------------


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


# -- to every service -----------------------------------------------------------------------------------------------


class Ping(Query[ServiceInfo], tag="ping"):
    """Ask whether the service is there."""


# -- to the scheduler -----------------------------------------------------------------------------------------------


class ScheduleCreate(Command[ScheduleCreated], tag="schedule.create"):
    schedule: ScheduleRequest


class ScheduleGet(Query[ScheduleRecord], tag="schedule.get"):
    schedule_id: Name


class ScheduleList(Query[SchedulePage], tag="schedule.list"):
    handler_id: str | None = None
    tag: str | None = None
    paused: bool | None = None
    q: str | None = None
    limit: Limit = 100
    cursor: str | None = None
    include_total: bool = False


class SchedulePatch(Input):
    """The fields to change; those left out stay. `null` clears what may be absent."""

    handler_id: Identifier | UnsetType = UNSET
    method_name: Identifier | UnsetType = UNSET
    job_params: dict[str, Any] | UnsetType = UNSET
    trigger_config: TriggerConfig | UnsetType = UNSET
    name: Label | UnsetType | None = UNSET
    description: Prose | UnsetType | None = UNSET
    owner: Label | UnsetType | None = UNSET
    runbook_url: Prose | UnsetType | None = UNSET
    tags: Annotated[tuple[Identifier, ...], Meta(max_length=50)] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    timeout_seconds: PositiveSeconds | UnsetType | None = UNSET
    retry: RetryOptions | UnsetType | None = UNSET
    expires_after_seconds: Seconds | UnsetType | None = UNSET
    allow_offline: bool | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    overlap: Overlap | UnsetType = UNSET
    catch_up: CatchUp | UnsetType = UNSET
    misfire_grace_seconds: Seconds | UnsetType = UNSET
    max_catch_up: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    jitter_seconds: Seconds | UnsetType = UNSET
    max_runs: Count | UnsetType | None = UNSET
    start_at: datetime | UnsetType | None = UNSET
    end_at: datetime | UnsetType | None = UNSET


class ScheduleUpdate(Command[ScheduleRecord], tag="schedule.update"):
    """`if_version`: change it only if this is still its version."""

    schedule_id: Name
    patch: SchedulePatch
    if_version: int | None = None


class ScheduleDelete(Command[Done], tag="schedule.delete"):
    schedule_id: Name


class SchedulePause(Command[ScheduleRecord], tag="schedule.pause"):
    schedule_id: Name
    reason: Prose | None = None


class ScheduleResume(Command[ScheduleRecord], tag="schedule.resume"):
    schedule_id: Name
    reason: Prose | None = None


class ScheduleRun(Command[RunAccepted], tag="schedule.run"):
    """Run the job of a schedule now. `job_params`, where given, stand in place of the schedule's."""

    schedule_id: Name
    job_params: dict[str, Any] | None = None
    wait_seconds: WaitSeconds = 0
    idempotency_key: Name | None = None


class RunNow(Command[RunAccepted], tag="run.now"):
    """Run a job. With `wait_seconds` the answer waits for its end, at most so long."""

    run: RunRequest
    wait_seconds: WaitSeconds = 0
    idempotency_key: Name | None = None


class RunBatch(Command[BatchAccepted], tag="run.batch"):
    """Run many jobs: all are accepted in one transaction, or none."""

    runs: Annotated[tuple[RunRequest, ...], Meta(min_length=1, max_length=1000)]
    idempotency_key: Name | None = None


class ExecutionFilter(Input):
    """Which executions; `since` and `until` are on `created_at`, `q` is searched in ids and method names."""

    handler_id: str | None = None
    method_name: str | None = None
    schedule_id: str | None = None
    status: tuple[Status, ...] = ()
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None


class ExecutionList(Query[ExecutionPage], tag="execution.list"):
    filter: ExecutionFilter = ExecutionFilter()
    limit: Limit = 100
    cursor: str | None = None
    include_total: bool = False


class ExecutionGet(Query[ExecutionDetail], tag="execution.get"):
    execution_id: Name


class ExecutionCancel(Command[ExecutionRecord], tag="execution.cancel"):
    execution_id: Name


class ExecutionRetry(Command[RunAccepted], tag="execution.retry"):
    """Run an ended execution's job again, as a new execution that is linked by `retry_of`."""

    execution_id: Name


class ExecutionBulk(Command[BulkDone], tag="execution.bulk"):
    action: Literal["cancel", "retry"]
    filter: ExecutionFilter


class ExecutionLogs(Query[LogPage], tag="execution.logs"):
    execution_id: Name
    after: Annotated[int, Meta(ge=0)] = 0


class ExecutionStatistics(Query[ExecutionStats], tag="execution.stats"):
    since: datetime | None = None


class ExecutionErrors(Query[ExecutionPage], tag="execution.errors"):
    limit: Limit = 100
    cursor: str | None = None


class ExecutionClear(Command[Cleared], tag="execution.clear"):
    """Remove the executions that ended before an instant."""

    before: datetime


class TriggerPreview(Query[PreviewAnswer], tag="trigger.preview"):
    trigger_config: TriggerConfig
    count: Annotated[int, Meta(ge=1, le=1000)] = 10
    after: datetime | None = None


class SystemPause(Command[Done], tag="system.pause"):
    reason: Prose | None = None


class SystemResume(Command[Done], tag="system.resume"):
    reason: Prose | None = None


class SystemHealth(Query[SchedulerHealth], tag="system.health"):
    pass


class HandlerPause(Command[Done], tag="handler.pause"):
    handler_id: Name
    reason: Prose | None = None


class HandlerResume(Command[Done], tag="handler.resume"):
    handler_id: Name
    reason: Prose | None = None


class HandlerPauses(Query[PausedHandlers], tag="handler.pauses"):
    pass


class HandlerPing(Query[PongAnswer], tag="handler.ping"):
    handler_id: Name


class HandlerDrain(Command[Drained], tag="handler.drain"):
    handler_id: Name
    reason: Prose | None = None


SchedulerCommand = (
    Ping
    | ScheduleCreate
    | ScheduleGet
    | ScheduleList
    | ScheduleUpdate
    | ScheduleDelete
    | SchedulePause
    | ScheduleResume
    | ScheduleRun
    | RunNow
    | RunBatch
    | ExecutionList
    | ExecutionGet
    | ExecutionCancel
    | ExecutionRetry
    | ExecutionBulk
    | ExecutionLogs
    | ExecutionStatistics
    | ExecutionErrors
    | ExecutionClear
    | TriggerPreview
    | SystemPause
    | SystemResume
    | SystemHealth
    | HandlerPause
    | HandlerResume
    | HandlerPauses
    | HandlerPing
    | HandlerDrain
)

# -- to the registry ------------------------------------------------------------------------------------------------


class HandlerRegister(Command[Registered], tag="handler.register"):
    """An instance makes itself known, or known anew; its boot id replaces an earlier one of the same instance id."""

    instance: InstanceInfo


class HandlerHeartbeat(Command[Heard], tag="handler.heartbeat"):
    instance_id: Identifier
    boot_id: Identifier
    running: Annotated[int, Meta(ge=0)] = 0
    draining: bool = False


class HandlerDeregister(Command[Done], tag="handler.deregister"):
    instance_id: Identifier
    boot_id: Identifier


class HandlerLost(Command[Done], tag="handler.lost"):
    """A scheduler reports that an instance's connection is gone; the registry believes it of a silent instance."""

    instance_id: Identifier
    boot_id: Identifier


class HandlerList(Query[HandlerPage], tag="handler.list"):
    pass


class HandlerGet(Query[HandlerDetail], tag="handler.get"):
    handler_id: Name


class RegistrySnapshot(Query[Directory], tag="registry.snapshot"):
    """Everything a subscriber of `handler` events needs to start from."""


RegistryCommand = (
    Ping
    | HandlerRegister
    | HandlerHeartbeat
    | HandlerDeregister
    | HandlerLost
    | HandlerList
    | HandlerGet
    | RegistrySnapshot
)
