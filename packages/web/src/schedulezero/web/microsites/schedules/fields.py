"""The fields of a schedule's form, named as the API names what they hold; those of a trigger after its type."""

from schedulezero.web.microsites.forms import Field

TRIGGER_TYPE = "trigger"
"""The field that says of which type the trigger is: one of those below, or `json`."""

_TIME_HINT = "such as 2026-12-24T08:00, in the time zone below unless it ends in Z"
_DATE_HINT = "such as 2026-12-24"

JOB = (
    Field(name="handler_id", label="Handler", required=True, suggestions="handlers", hint="the service that runs it"),
    Field(name="method_name", label="Method", required=True, suggestions="methods", hint="one that it offers"),
    Field(
        name="job_params", label="Parameters", kind="area", hint='a JSON object, such as {"input_file": "today.csv"}'
    ),
)

TRIGGERS = {
    "interval": (
        "Every so much time",
        (
            Field(name="interval.days", label="Days"),
            Field(name="interval.hours", label="Hours"),
            Field(name="interval.minutes", label="Minutes"),
            Field(name="interval.seconds", label="Seconds"),
            Field(name="interval.weeks", label="Weeks"),
            Field(name="interval.start_time", label="First fire", hint=_TIME_HINT),
            Field(name="interval.end_time", label="Last fire", hint=_TIME_HINT),
        ),
    ),
    "cron": (
        "Cron",
        (
            Field(name="cron.expression", label="Expression", hint="*/15 9-17 * * mon-fri, or the fields that follow"),
            Field(name="cron.minute", label="Minute"),
            Field(name="cron.hour", label="Hour"),
            Field(name="cron.day", label="Day of month"),
            Field(name="cron.month", label="Month"),
            Field(name="cron.day_of_week", label="Day of week", hint="mon-fri"),
            Field(name="cron.second", label="Second"),
            Field(name="cron.week", label="ISO week"),
            Field(name="cron.year", label="Year"),
            Field(name="cron.start_time", label="Not before", hint=_TIME_HINT),
            Field(name="cron.end_time", label="Not after", hint=_TIME_HINT),
        ),
    ),
    "date": ("Once", (Field(name="date.run_date", label="When", hint=_TIME_HINT),)),
    "calendarinterval": (
        "Every so many calendar days",
        (
            Field(name="calendarinterval.days", label="Days"),
            Field(name="calendarinterval.weeks", label="Weeks"),
            Field(name="calendarinterval.months", label="Months"),
            Field(name="calendarinterval.years", label="Years"),
            Field(name="calendarinterval.hour", label="At hour"),
            Field(name="calendarinterval.minute", label="At minute"),
            Field(name="calendarinterval.second", label="At second"),
            Field(name="calendarinterval.start_date", label="From", hint=_DATE_HINT),
            Field(name="calendarinterval.end_date", label="Until", hint=_DATE_HINT),
        ),
    ),
    "json": (
        "As JSON",
        (
            Field(
                name="json",
                label="Trigger",
                kind="area",
                hint='any trigger: {"type": "or", "triggers": [{"type": "cron", "expression": "0 8 * * *"}, …]}',
            ),
        ),
    ),
}

TIMEZONE = Field(name="timezone", label="Time zone", hint="such as Europe/Berlin; the instance's where left out")

ABOUT = (
    Field(name="name", label="Name", hint="what people call it"),
    Field(name="owner", label="Owner", hint="whom to ask"),
    Field(name="runbook_url", label="Runbook", hint="where to read what to do when it fails"),
    Field(name="tags", label="Tags", hint="separated by commas; lists can be filtered by them"),
    Field(name="description", label="Description", kind="area"),
)

_INSTANT_HINT = "such as 2026-12-24T08:00:00Z"
_OVERLAPS = (
    ("skip", "skip the new one"),
    ("queue_one", "let one wait"),
    ("queue_all", "let all wait"),
    ("cancel_running", "cancel the running one"),
    ("allow", "run both"),
)
_CATCH_UPS = (("latest", "run the latest"), ("all", "run all"), ("skip", "run none"))
_YES_NO = (("", "as the method says, else yes"), ("true", "yes"), ("false", "no"))
_ENDINGS = ("success", "error", "timeout", "cancelled", "skipped")

TOLD_OF = "error,timeout"
"""The endings that a webhook is told of unless others are chosen."""

OPTIONS = {
    "Bounds": (
        Field(name="start_at", label="Active from", hint=f"{_INSTANT_HINT}; nothing fires before"),
        Field(name="end_at", label="Active until", hint=f"{_INSTANT_HINT}; included"),
        Field(name="max_runs", label="Runs at most", hint="what is skipped does not count; no limit where left out"),
        Field(
            name="jitter_seconds", label="Jitter, in seconds", hint="each fire is moved later by up to this; 0 usually"
        ),
    ),
    "When it overlaps, or comes too late": (
        Field(
            name="overlap",
            label="When still running",
            kind="select",
            choices=_OVERLAPS,
            hint="what becomes of a fire while an earlier run has not ended",
        ),
        Field(
            name="misfire_grace_seconds",
            label="Missed after, in seconds",
            hint="a fire decided later than this is missed; 60 where left out",
        ),
        Field(
            name="catch_up",
            label="Of missed instants",
            kind="select",
            choices=_CATCH_UPS,
            hint="once the scheduler is back",
        ),
        Field(name="max_catch_up", label="Run at most, of those missed", hint="the newest; 100 where left out"),
    ),
    "Each run": (
        Field(name="priority", label="Priority", hint="0 to 9; 9 goes first, 5 where left out"),
        Field(name="timeout_seconds", label="Timeout, in seconds", hint="of each attempt; the method's where left out"),
        Field(
            name="expires_after_seconds",
            label="Expires after, in seconds",
            hint="how long work waits for its handler; 0: not at all, for ever where left out",
        ),
        Field(
            name="allow_offline",
            label="Accept a handler that has never been seen",
            kind="check",
            hint="its work waits until it comes",
        ),
    ),
    "Retries": (
        Field(name="retry.max_attempts", label="Attempts", hint="the first one included; 3 where left out"),
        Field(name="retry.base_seconds", label="First retry after, in seconds", hint="1 where left out"),
        Field(name="retry.factor", label="Each further, times", hint="2 where left out: 1 s, 2 s, 4 s"),
        Field(name="retry.max_seconds", label="Retry after at most, in seconds", hint="300 where left out"),
        Field(name="retry.jitter", label="Retry jitter", hint="0 to 1; 0.5, where left out, means times 0.5 to 1.5"),
        Field(
            name="retry.on_lost",
            label="Retry when the instance is lost",
            kind="select",
            choices=_YES_NO,
            hint="it may then run twice",
        ),
    ),
    "Notify": (
        Field(
            name="notify.url", label="Webhook", hint="told by POST how an execution has ended; nobody where left out"
        ),
        Field(
            name="notify.on",
            label="Tell of",
            kind="checks",
            choices=tuple((ending, ending) for ending in _ENDINGS),
            hint="error and timeout where none is chosen",
        ),
    ),
}
"""The options, in groups."""

_IF_EXISTS = (("error", "refuse"), ("replace", "put this in its place"), ("keep", "keep the one that is there"))

AT_CREATION = (
    Field(name="schedule_id", label="Id", hint="letters, digits and _.:@+-; made up where left out"),
    Field(name="if_exists", label="If there is one of this id", kind="select", choices=_IF_EXISTS),
    Field(name="paused", label="Create it paused", kind="check"),
)

TRIGGER_FIELDS = tuple(field for _, fields in TRIGGERS.values() for field in fields)
OPTION_FIELDS = tuple(field for group in OPTIONS.values() for field in group)
CHANGEABLE = (*JOB, *TRIGGER_FIELDS, TIMEZONE, *ABOUT, *OPTION_FIELDS)
EVERY = (*AT_CREATION, *CHANGEABLE, Field(name=TRIGGER_TYPE, label="Type"))
