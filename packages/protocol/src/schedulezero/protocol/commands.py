"""The commands that services answer, each a tagged struct that names the type of its answer (`answers.py`).

`Command[X]` is answered with an X or refused with a Problem. A scheduler answers :data:`SchedulerCommand`, a
registry :data:`RegistryCommand`; both answer :class:`Ping`. A command that changes something is answered after
the change is durable.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, UnsetType

from schedulezero.protocol.answers import (
    BatchAccepted,
    BulkDone,
    Cleared,
    Directory,
    Done,
    Drained,
    ExecutionPage,
    ExecutionStats,
    Explanation,
    HandlerPage,
    Heard,
    LogPage,
    PausedHandlers,
    PongAnswer,
    PreviewAnswer,
    Registered,
    RunAccepted,
    ScheduleCreated,
    SchedulePage,
    SchedulerHealth,
    ServiceInfo,
)
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.protocol.values import (
    CatchUp,
    Count,
    ExecutionDetail,
    ExecutionRecord,
    HandlerDetail,
    Identifier,
    Input,
    InstanceInfo,
    Label,
    Notify,
    Overlap,
    PositiveSeconds,
    Priority,
    Prose,
    RetryOptions,
    RunRequest,
    ScheduleRecord,
    ScheduleRequest,
    Seconds,
)

Limit = Annotated[int, Meta(ge=1, le=1000)]
WaitSeconds = Annotated[float, Meta(ge=0, le=60)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
"""An id as asked for: any text finds nothing rather than being malformed."""
WrittenTime = Annotated[str, Meta(min_length=1, max_length=64)]
"""A time as people write it; without an offset it is in a zone that only the service knows."""


class Command[R](Frozen, tag_field="type", omit_defaults=True):
    """A request to a service; `R` is what it answers."""


class Query[R](Command[R]):
    """A command that changes nothing, so that it may be asked again when its answer was lost."""


def answer_type[R](command: type[Command[R]]) -> type[R]:
    """Return the type that `command` is answered with, as its class statement says."""
    answer: type[R] = get_args(command.__orig_bases__[0])[0]  # type: ignore[attr-defined]
    return answer


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
    notify: Notify | UnsetType | None = UNSET


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


class ScheduleExplain(Query[Explanation], tag="schedule.explain"):
    """Ask what became, or is to become, of an instant; a time without an offset is in the schedule's zone."""

    schedule_id: Name
    at: WrittenTime


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
    | ScheduleExplain
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
