"""Instants (integer microseconds since 1970, UTC) and the bounds of the calendar they live in."""

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_datetime(moment: datetime) -> int:
    """Return the instant of an aware datetime, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_wall(wall: int) -> datetime:
    """Return `wall`, seconds since 1970 on any clock, as the date and time that clock shows."""
    return EPOCH + timedelta(seconds=wall)


def iso(instant: int) -> str:
    """Return an instant as ISO 8601 in UTC, ending in `Z`."""
    return (EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")


EARLIEST = from_datetime(datetime.min.replace(tzinfo=UTC))
LATEST = from_datetime(datetime.max.replace(tzinfo=UTC))

# Triggers that read a local clock stay inside, so that every zone's local date, and the day before, is a valid one.
LOCAL_EARLIEST = EARLIEST + 2 * 86_400 * SECOND
LOCAL_LATEST = LATEST - 86_400 * SECOND
