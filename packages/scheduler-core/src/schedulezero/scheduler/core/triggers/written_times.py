"""Times and dates as users write them: ISO 8601, with an offset or in the trigger's zone."""

from datetime import date, datetime

from schedulezero.protocol.errors import invalid_value
from schedulezero.scheduler.core.triggers.instants import EARLIEST, LATEST, from_datetime
from schedulezero.scheduler.core.triggers.zones import Zone


def parse_local(text: str, path: str) -> datetime:
    """Return the time as written, aware only if an offset was given.

    Raises:
        ScheduleZeroError: the text is not ISO 8601, at `path`.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not an ISO 8601 time such as 2027-10-27T15:30:00Z or 2027-10-27T15:30"
        raise invalid_value(path, message) from None


def parse_instant(text: str, zone: Zone, path: str) -> int:
    """Return the instant of a written time; a naive one is in `zone`.

    Raises:
        ScheduleZeroError: the text is not ISO 8601, or its instant lies outside the years 1 to 9999, at `path`.
    """
    local = parse_local(text, path)
    instant = zone.instant(local) if local.tzinfo is None else from_datetime(local)
    if not EARLIEST <= instant <= LATEST:
        raise invalid_value(path, f"{text!r} lies outside the years 1 to 9999 in UTC")
    return instant


def parse_date(text: str, path: str) -> date:
    """Return the written date.

    Raises:
        ScheduleZeroError: the text is not an ISO 8601 date, at `path`.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid_value(path, f"{text!r} is not an ISO 8601 date such as 2027-10-27") from None


def parse_span(start_time: str | None, end_time: str | None, zone: Zone) -> tuple[int, int]:
    """Return the first and the last instant that the two times admit; one left out admits all.

    Raises:
        ScheduleZeroError: a time is malformed, or the end lies before the start.
    """
    start = EARLIEST if start_time is None else parse_instant(start_time, zone, "start_time")
    end = LATEST if end_time is None else parse_instant(end_time, zone, "end_time")
    if end < start:
        raise invalid_value("end_time", f"{end_time!r} lies before the start, {start_time!r}")
    return start, end


def written(value: str | None, field: str) -> str:
    """Return an anchor of a configuration that has been anchored."""
    if value is None:
        raise ValueError(f"the configuration has no {field}: anchor it first")
    return value
