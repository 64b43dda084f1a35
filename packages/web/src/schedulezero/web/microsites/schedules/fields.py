"""The fields of a schedule's form, named as the API names what they hold; those of a trigger after its type."""

from schedulezero.web.microsites.forms import Field

TRIGGER_TYPE = "trigger"
"""The field that says of which type the trigger is: one of those below, or `json`."""

_TIME_HINT = "such as 2026-12-24T08:00, in the time zone below unless it ends in Z"
_DATE_HINT = "such as 2026-12-24"

JOB = (
    Field(name="handler_id", label="Handler", required=True, suggestions="handlers"),
    Field(name="method_name", label="Method", required=True, suggestions="methods"),
    Field(name="job_params", label="Parameters", kind="area", hint="a JSON object"),
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
    Field(name="name", label="Name"),
    Field(name="description", label="Description", kind="area"),
    Field(name="owner", label="Owner"),
    Field(name="runbook_url", label="Runbook", hint="where to read what to do when it fails"),
    Field(name="tags", label="Tags", hint="separated by commas"),
)

_OVERLAPS = (
    ("skip", "skip the new one"),
    ("queue_one", "let one wait"),
    ("queue_all", "let all wait"),
    ("cancel_running", "cancel the running one"),
    ("allow", "run both"),
)
_CATCH_UPS = (("latest", "run the latest"), ("all", "run all"), ("skip", "run none"))
_YES_NO = (("", "as the method says, else yes"), ("true", "yes"), ("false", "no"))

OPTIONS = (
    Field(name="priority", label="Priority", hint="0 to 9; 9 goes first, 5 where left out"),
    Field(name="timeout_seconds", label="Timeout, in seconds"),
    Field(name="overlap", label="When still running", kind="select", choices=_OVERLAPS),
    Field(name="catch_up", label="Of missed instants", kind="select", choices=_CATCH_UPS),
    Field(name="misfire_grace_seconds", label="Missed after, in seconds", hint="60 where left out"),
    Field(name="max_catch_up", label="Run at most, of those missed", hint="100 where left out"),
    Field(name="jitter_seconds", label="Jitter, in seconds"),
    Field(name="max_runs", label="Runs at most"),
    Field(name="expires_after_seconds", label="Expires after, in seconds", hint="how long work waits for its handler"),
    Field(name="start_at", label="Active from", hint=_TIME_HINT),
    Field(name="end_at", label="Active until", hint=_TIME_HINT),
    Field(name="retry.max_attempts", label="Attempts"),
    Field(name="retry.base_seconds", label="First retry after, in seconds"),
    Field(name="retry.factor", label="Each further, times"),
    Field(name="retry.max_seconds", label="Retry after at most, in seconds"),
    Field(name="retry.jitter", label="Retry jitter", hint="0 to 1"),
    Field(
        name="retry.on_lost",
        label="Retry when the instance is lost",
        kind="select",
        choices=_YES_NO,
        hint="it may then run twice",
    ),
    Field(name="allow_offline", label="Accept a handler that has never been seen", kind="check"),
)

AT_CREATION = (
    Field(name="schedule_id", label="Id", hint="letters, digits and _.:@+-; made up where left out"),
    Field(name="paused", label="Create it paused", kind="check"),
)

TRIGGER_FIELDS = tuple(field for _, fields in TRIGGERS.values() for field in fields)
CHANGEABLE = (*JOB, *TRIGGER_FIELDS, TIMEZONE, *ABOUT, *OPTIONS)
EVERY = (*AT_CREATION, *CHANGEABLE, Field(name=TRIGGER_TYPE, label="Type"))
