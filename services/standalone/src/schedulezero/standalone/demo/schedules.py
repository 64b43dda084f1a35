"""What the demo does by itself, with a schedule of each kind."""

from schedulezero.protocol.triggers import CronTrigger, DateTrigger, IntervalTrigger, TriggerConfig
from schedulezero.protocol.values import IfExists, RetryOptions, ScheduleRequest
from schedulezero.runtime.clock import to_datetime

TAG = "demo"

_ROPE_AFTER_SECONDS = 20
_MICROSECONDS = 1_000_000
# Soon enough to be watched: about two and four seconds.
_ROPE_RETRIES = RetryOptions(max_attempts=3, base_seconds=2, factor=2, jitter=0)


def demo_schedules(now: int) -> tuple[ScheduleRequest, ...]:
    """Return the schedules, as of `now` in microseconds; those that are there already are kept as they are."""
    first_rope = to_datetime((now // _MICROSECONDS + _ROPE_AFTER_SECONDS) * _MICROSECONDS).isoformat()
    return (
        _tower("quarters", "quarter_bells", CronTrigger(second="15,30,45"), "15 seconds are a quarter of its hour."),
        _tower("hours", "hour_strokes", CronTrigger(second=0), "A minute is an hour of the tower."),
        _tower("winding", "wind", IntervalTrigger(minutes=2), "Somebody has to."),
        _tower("stuck-rope", "free_the_rope", CronTrigger(minute="*/10", second=40), "Two attempts fail."),
        _tower("first-rope", "free_the_rope", DateTrigger(run_date=first_rope), "The same once, soon.", "replace"),
        _desk("backup", "backup", IntervalTrigger(hours=1), "Tells what a backup would copy."),
        _desk("report", "report", IntervalTrigger(seconds=30), "What has been done since the start."),
    )


def _tower(
    name: str, method: str, trigger: TriggerConfig, description: str, if_exists: IfExists = "keep"
) -> ScheduleRequest:
    return ScheduleRequest(
        schedule_id=f"clock-tower-{name}",
        handler_id="clock_tower",
        method_name=method,
        trigger_config=trigger,
        description=description,
        tags=(TAG,),
        retry=_ROPE_RETRIES,
        # A clock that stood still does not ring what it has missed.
        catch_up="skip",
        misfire_grace_seconds=5,
        allow_offline=True,
        if_exists=if_exists,
    )


def _desk(name: str, method: str, trigger: TriggerConfig, description: str) -> ScheduleRequest:
    return ScheduleRequest(
        schedule_id=f"demo-{name}",
        handler_id="handler_12345",
        method_name=method,
        trigger_config=trigger,
        description=description,
        tags=(TAG,),
        allow_offline=True,
        if_exists="keep",
    )
