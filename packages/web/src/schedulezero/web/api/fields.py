"""What requests of several areas have in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from schedulezero.protocol.commands import Name
from schedulezero.protocol.errors import invalid_value
from schedulezero.protocol.values import Input, Prose

Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset or Z")]

IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENCY_HEADERS = {
    IDEMPOTENCY_KEY: "The same key and body again, within 24 hours, give the same execution; another body is refused."
}

_LONGEST_KEY = 200


class Reason(Input):
    """Why something is done, for those who read it later."""

    reason: Prose | None = None


def idempotency_key(headers: Mapping[str, str], field: Name | None) -> str | None:
    """Return the key of a request, which may stand in a header, in its body, or in both alike.

    Raises:
        ScheduleZeroError: the two differ, or the header's is empty or too long.
    """
    header = headers.get(IDEMPOTENCY_KEY)
    if header is None:
        return field
    if not 1 <= len(header) <= _LONGEST_KEY:
        raise invalid_value(IDEMPOTENCY_KEY, f"a key has 1 to {_LONGEST_KEY} characters, not {len(header)}")
    if field is not None and field != header:
        raise invalid_value("idempotency_key", f"differs from the header {IDEMPOTENCY_KEY}; give one of them")
    return header
