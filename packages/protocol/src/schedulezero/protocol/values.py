"""The values that messages are made of: options, schedules, executions, handlers.

Times are aware UTC datetimes (RFC 3339 with a `Z` on the wire, to the microsecond), durations are seconds.
User data (`job_params`, `result`) stays the JSON text that the user wrote: :class:`msgspec.Raw`.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, field

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import HandlerStatus, Reason, Status
from schedulezero.protocol.triggers import TriggerConfig

MAX_VALUE_BYTES = 1024 * 1024
"""The largest `job_params` and the largest `result`, encoded."""

Time = Annotated[datetime, Meta(tz=True)]
"""An instant. What we send and what instances send is aware; users may leave the zone out, which means theirs."""

Json = Raw
JsonObject = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
# Python's `$` would let a last line break pass.
Identifier = Annotated[
    str, Meta(pattern=r"^[\w.:@+-]{1,200}(?!\n)$", description="1 to 200 letters, digits and _.:@+-")
]
Label = Annotated[str, Meta(max_length=200)]
Prose = Annotated[str, Meta(max_length=4000)]
Seconds = Annotated[float, Meta(ge=0, le=315_360_000)]
PositiveSeconds = Annotated[float, Meta(gt=0, le=315_360_000)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Priority = Annotated[int, Meta(ge=0, le=9)]
Attempts = Annotated[int, Meta(ge=1, le=1000)]

_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_HOST = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\]"
WEBHOOK_URL_PATTERN = rf"^https?://({_HOST})(:({_PORT}))?([/?#][!-~]*)?(?!\n)$"
"""What a webhook's URL is like: a host, no user, and nothing that would have to be escaped first."""
MAX_WEBHOOK_URL = 2000
WEBHOOK_URL_RULE = (
    "an http:// or https:// URL of ASCII characters with a host, without spaces and without user:password@ in it"
)
WebhookUrl = Annotated[str, Meta(max_length=MAX_WEBHOOK_URL, pattern=WEBHOOK_URL_PATTERN, description=WEBHOOK_URL_RULE)]

Overlap = Literal["skip", "queue_one", "queue_all", "cancel_running", "allow"]
CatchUp = Literal["latest", "all", "skip"]
IfExists = Literal["error", "replace", "keep"]
Ended = Literal["success", "error", "timeout", "cancelled", "skipped"]
"""A final status, as users write it."""


def empty_object() -> Raw:
    """The `job_params` of a job that takes none."""
    return Raw(b"{}")


def null() -> Raw:
    """JSON's null, for a `result` that is not there."""
    return Raw(b"null")


class Value(Frozen):
    """Base of what we send: it may gain fields, so readers ignore those they do not know."""


class Input(Frozen, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what users send: a field that is not known is a mistake to be told about."""


# -- what users ask for ---------------------------------------------------------------------------------------------


class RetryOptions(Input):
    """A retry policy in part: what is left out comes from the schedule, then the method, then the defaults."""

    max_attempts: Attempts | None = None
    base_seconds: Seconds | None = None
    factor: Annotated[float, Meta(ge=1, le=100)] | None = None
    max_seconds: Seconds | None = None
    jitter: Annotated[float, Meta(ge=0, le=1)] | None = None
    on_lost: bool | None = None


class Notify(Input):
    """Where to tell that an execution has ended, and in which final statuses."""

    url: WebhookUrl
    on: Annotated[tuple[Ended, ...], Meta(min_length=1, max_length=5)] = ("error", "timeout")


class JobRequest(Input):
    """What a run and a schedule have in common: the job, and the options of each of its executions."""

    handler_id: Identifier
    method_name: Identifier
    job_params: JsonObject = field(default_factory=empty_object)
    name: Label | None = None
    description: Prose | None = None
    owner: Label | None = None
    runbook_url: Prose | None = None
    tags: Annotated[tuple[Identifier, ...], Meta(max_length=50)] = ()
    priority: Priority = 5
    timeout_seconds: PositiveSeconds | None = None
    retry: RetryOptions | None = None
    expires_after_seconds: Seconds | None = None
    allow_offline: bool = False
    notify: Notify | None = None


class RunRequest(JobRequest):
    """A job to run now."""


class ScheduleRequest(JobRequest, kw_only=True):
    """A job to run at each fire time of a trigger."""

    trigger_config: TriggerConfig
    schedule_id: Identifier | None = None
    paused: bool = False
    overlap: Overlap = "skip"
    catch_up: CatchUp = "latest"
    misfire_grace_seconds: Seconds = 60
    max_catch_up: Annotated[int, Meta(ge=1, le=10_000)] = 100
    jitter_seconds: Seconds = 0
    max_runs: Count | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    if_exists: IfExists = "error"


# -- what the scheduler tells ---------------------------------------------------------------------------------------


class RetryPolicy(Value):
    """How often and how soon an execution is tried again; delay n is base * factor**(n-1), at most max, jittered."""

    max_attempts: int = 3
    base_seconds: float = 1
    factor: float = 2
    max_seconds: float = 300
    jitter: float = 0.5
    on_lost: bool = True


class Failure(Value):
    """What an attempt that did not succeed has to say."""

    type: str
    message: str
    traceback: str | None = None


class Covers(Value):
    """The due instants that one decision accounts for, both ends included. `exact` is false above 10,000 of cron's."""

    from_: Time = field(name="from")
    to: Time
    count: int
    exact: bool = True


class Pause(Value):
    """Who paused something, when, and why."""

    reason: str | None
    paused_by: str
    paused_at: Time


class ScheduleRecord(Value):
    """A schedule as it stands."""

    id: str
    handler_id: str
    method_name: str
    job_params: Json
    trigger_config: TriggerConfig
    trigger: str
    args: tuple[str, str, Json]
    state: Literal["active", "paused", "quarantined", "finished"]
    paused: bool
    pause: Pause | None
    error: str | None
    next_fire_time: Time | None
    last_fire_time: Time | None
    last_status: Status | None
    runs: int
    version: int
    created_at: Time
    updated_at: Time
    name: str | None
    description: str | None
    owner: str | None
    runbook_url: str | None
    tags: tuple[str, ...]
    priority: int
    timeout_seconds: float | None
    retry: RetryOptions | None
    expires_after_seconds: float | None
    overlap: Overlap
    catch_up: CatchUp
    misfire_grace_seconds: float
    max_catch_up: int
    jitter_seconds: float
    max_runs: int | None
    start_at: Time | None
    end_at: Time | None
    notify: Notify | None = None


class AttemptRecord(Value):
    """One try of an execution.

    `status` is an execution's, or `lost` where the instance went away with it. One that is `running` has no
    `completed_at` yet.
    """

    attempt_number: int
    instance_id: str | None
    started_at: Time | None
    completed_at: Time | None
    status: Literal["running", "success", "error", "timeout", "cancelled", "lost"]
    error: Failure | None


class ExecutionRecord(Value):
    """An execution as it stands; it is the decision about a due instant, or a run by hand."""

    execution_id: str
    schedule_id: str | None
    handler_id: str
    instance_id: str | None
    method_name: str
    job_params: Json
    status: Status
    reason: Reason | None
    scheduled_for: Time | None
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    duration_ms: float | None
    lateness_ms: float | None
    attempt_number: int
    max_attempts: int
    result: Json
    error: Failure | None
    covers: Covers | None
    tags: tuple[str, ...]
    retry_of: str | None
    priority: int
    ready_at: Time


class ExecutionDetail(ExecutionRecord, kw_only=True):
    """An execution with each of its attempts, the successful one and the one that is running too."""

    attempts: tuple[AttemptRecord, ...]


# -- handlers -------------------------------------------------------------------------------------------------------


class MethodSpec(Value):
    """A method that an instance offers. `params_schema` is the JSON Schema of `job_params`."""

    name: Identifier
    params_schema: JsonObject = field(default_factory=empty_object)
    doc: str | None = None
    timeout_seconds: PositiveSeconds | None = None
    concurrency: Count | None = None
    retry: RetryOptions | None = None


class InstanceInfo(Value):
    """What an instance says of itself. `boot_id` is new for each start of its process; `capacity` is runs at a time."""

    handler_id: Identifier
    instance_id: Identifier
    boot_id: Identifier
    address: Annotated[str, Meta(min_length=1, max_length=300)]
    methods: Annotated[tuple[MethodSpec, ...], Meta(max_length=1000)]
    capacity: Count = 16
    version: Label | None = None


class InstanceState(Value):
    """An instance as the registry knows it."""

    info: InstanceInfo
    status: HandlerStatus
    running: int
    last_seen: Time


class InstanceRecord(Value):
    """An instance as users see it."""

    instance_id: str
    boot_id: str
    address: str
    status: HandlerStatus
    running: int
    capacity: int
    version: str | None
    last_seen: Time


class HandlerRecord(Value):
    """A handler: the best status of its instances, and the address of that one."""

    id: str
    address: str
    methods: tuple[str, ...]
    status: HandlerStatus
    instances: tuple[InstanceRecord, ...]
    paused: bool = False
    pause: Pause | None = None


class HandlerDetail(HandlerRecord, kw_only=True):
    """A handler with all that its methods say of themselves."""

    method_specs: tuple[MethodSpec, ...]
