"""The way in: every kind of trigger anchored, compiled and previewed."""

from msgspec import Struct
from msgspec.structs import replace

from schedulezero.protocol.errors import ScheduleZeroError, invalid_value
from schedulezero.protocol.triggers import (
    AndTrigger,
    CalendarIntervalTrigger,
    CronTrigger,
    DateTrigger,
    IntervalTrigger,
    OrTrigger,
    TriggerConfig,
)
from schedulezero.scheduler.core.triggers import calendar_interval, cron, interval, one_shot
from schedulezero.scheduler.core.triggers.composite import AllOf, AnyOf
from schedulezero.scheduler.core.triggers.trigger import Trigger
from schedulezero.scheduler.core.triggers.written_times import written
from schedulezero.scheduler.core.triggers.zones import find_zone

_DEEPEST = 16
_MOST_PARTS = 1_000


class Preview(Struct, frozen=True, kw_only=True):
    """The fires a trigger would have, in microseconds since 1970, UTC, and what clock changes do to them."""

    fire_times: tuple[int, ...]
    warnings: tuple[str, ...]


def anchor(config: TriggerConfig, *, created: int, timezone: str) -> TriggerConfig:
    """Check a configuration and write all its anchors in, so that it alone says every fire for ever.

    Args:
        config: as the user wrote it.
        created: the instant of creation, in microseconds since 1970, UTC.
        timezone: the instance's zone, for triggers that name none.

    Returns:
        The configuration with its zone, the start of an interval and the start date of a calendar interval. Anchoring
        it again changes nothing.

    Raises:
        ScheduleZeroError: it cannot be accepted; the path is relative to the configuration (`triggers[1].hour`).
    """
    return _anchor(config, created, timezone, depth=1)


def compile_trigger(config: TriggerConfig) -> Trigger:
    """Return the trigger of an anchored configuration.

    Raises:
        ScheduleZeroError: the configuration is not acceptable, so :func:`anchor` has not seen it.
        ValueError: an anchor is missing.
    """
    zone = find_zone(written(config.timezone, "timezone"))
    match config:
        case DateTrigger():
            return one_shot.compiled(config, zone)
        case IntervalTrigger():
            return interval.compiled(config, zone)
        case CronTrigger():
            return cron.compiled(config, zone)
        case CalendarIntervalTrigger():
            return calendar_interval.compiled(config, zone)
        case AndTrigger():
            return AllOf([compile_trigger(part) for part in config.triggers])
        case OrTrigger():
            return AnyOf([compile_trigger(part) for part in config.triggers])


def preview(config: TriggerConfig, *, after: int, count: int, timezone: str) -> Preview:
    """Return the first `count` fires of a configuration as if it were created at `after`.

    Args:
        config: as the user wrote it.
        after: an instant in microseconds since 1970, UTC.
        count: how many fires are wanted.
        timezone: the instance's zone, for triggers that name none.

    Raises:
        ScheduleZeroError: as for :func:`anchor`.
    """
    trigger = compile_trigger(anchor(config, created=after, timezone=timezone))
    fires = trigger.upcoming(after, count)
    remarks = dict.fromkeys(remark for fire in fires for remark in trigger.remarks(fire))
    return Preview(fire_times=tuple(fires), warnings=tuple(remarks))


def _anchor(config: TriggerConfig, created: int, timezone: str, depth: int) -> TriggerConfig:
    zone = find_zone(timezone if config.timezone is None else config.timezone)
    config = replace(config, timezone=zone.name)
    match config:
        case DateTrigger():
            return one_shot.anchored(config, zone)
        case IntervalTrigger():
            return interval.anchored(config, zone, created)
        case CronTrigger():
            return cron.anchored(config, zone, created)
        case CalendarIntervalTrigger():
            return calendar_interval.anchored(config, zone, created)
        case AndTrigger() | OrTrigger():
            return replace(config, triggers=_anchor_parts(config.triggers, created, zone.name, depth))


def _anchor_parts(triggers: list[TriggerConfig], created: int, timezone: str, depth: int) -> list[TriggerConfig]:
    if not 1 <= len(triggers) <= _MOST_PARTS:
        raise invalid_value("triggers", f"needs 1 to {_MOST_PARTS} triggers, not {len(triggers)}")
    if depth == _DEEPEST:
        raise invalid_value("triggers", f"triggers are nested more than {_DEEPEST} deep")
    anchored = []
    for index, part in enumerate(triggers):
        try:
            anchored.append(_anchor(part, created, timezone, depth + 1))
        except ScheduleZeroError as error:
            raise error.under(f"triggers[{index}]") from None
    return anchored
