"""Trigger configurations as users write them: the shapes only.

What the fields mean (clock changes, cron syntax, defaults) is decided by the scheduler's trigger adapter.
Naive times are in the trigger's `timezone`, else in the instance's, else in UTC.
"""

from schedulezero.protocol.frozen import Frozen

CronValue = int | str


class _Trigger(Frozen, tag_field="type", forbid_unknown_fields=True, omit_defaults=True):
    timezone: str | None = None


class DateTrigger(_Trigger, tag="date", kw_only=True):
    """Fires once, at `run_date` (ISO 8601)."""

    run_date: str


class IntervalTrigger(_Trigger, tag="interval"):
    """Fires every so much elapsed time; first one interval after creation, or at `start_time`."""

    weeks: float = 0
    days: float = 0
    hours: float = 0
    minutes: float = 0
    seconds: float = 0
    start_time: str | None = None
    end_time: str | None = None


class CronTrigger(_Trigger, tag="cron"):
    """Fires at the local times that match: named fields, or an `expression` of five or six fields."""

    expression: str | None = None
    year: CronValue | None = None
    month: CronValue | None = None
    week: CronValue | None = None
    day: CronValue | None = None
    day_of_week: CronValue | None = None
    hour: CronValue | None = None
    minute: CronValue | None = None
    second: CronValue | None = None
    start_time: str | None = None
    end_time: str | None = None


class CalendarIntervalTrigger(_Trigger, tag="calendarinterval"):
    """Fires every so many calendar years, months, weeks and days, at one local time of day."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0
    start_date: str | None = None
    end_date: str | None = None


class AndTrigger(_Trigger, tag="and", kw_only=True):
    """Fires at the instants at which every one of `triggers` fires."""

    triggers: "list[TriggerConfig]"


class OrTrigger(_Trigger, tag="or", kw_only=True):
    """Fires at the instants at which any one of `triggers` fires."""

    triggers: "list[TriggerConfig]"


TriggerConfig = DateTrigger | IntervalTrigger | CronTrigger | CalendarIntervalTrigger | AndTrigger | OrTrigger
