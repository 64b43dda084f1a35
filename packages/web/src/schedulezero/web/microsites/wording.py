"""How pages say times and statuses: exact for machines, short for people, by shape and word besides colour."""

from datetime import datetime
from urllib.parse import quote

import msgspec
from msgspec import Raw
from tornado.escape import xhtml_escape

from schedulezero.protocol.states import Status
from schedulezero.protocol.values import ExecutionRecord

_UNITS = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))
_LONGEST = 200
_LARGEST_READ = 4096


def relative(moment: datetime, now: datetime) -> str:
    """Return how far `moment` is from `now`, in the largest unit of which there is one: `in 5 min`, `3 s ago`."""
    seconds = round((moment - now).total_seconds())
    if not seconds:
        return "now"
    span = _span(abs(seconds))
    return f"in {span}" if seconds > 0 else f"{span} ago"


def time_tag(moment: datetime | None, now: datetime) -> str:
    """Return a `time` element, as HTML: machines read the instant, people how far it is, the title is exact.

    A script keeps it true as time goes by.
    """
    if moment is None:
        return "<span>–</span>"
    instant, exact = _instant(moment), _exact(moment)
    return f'<time class="away" datetime="{instant}" title="{exact}">{relative(moment, now)}</time>'


def clock_tag(moment: datetime | None) -> str:
    """Return a `time` element, as HTML, that shows the instant in UTC; a script shows it in the viewer's zone."""
    if moment is None:
        return "<span>–</span>"
    exact = _exact(moment)
    return f'<time class="clock" datetime="{_instant(moment)}" title="{exact}">{exact}</time>'


def mark(status: str) -> str:
    """Return a status as HTML: a shape of its own, its word, and a class for its colour."""
    name, word = xhtml_escape(status.lower()), xhtml_escape(status.replace("_", " "))
    shape = f'<svg class="shape" aria-hidden="true"><use href="#mark-{name}"/></svg>'
    return f'<span class="status status-{name}">{shape}{word}</span>'


def duration(milliseconds: float | None) -> str:
    """Return a duration in words: `12 ms`, `3.4 s`, `5 min`."""
    if milliseconds is None:
        return ""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms" if milliseconds >= 1 else f"{milliseconds:.1f} ms"
    return f"{milliseconds / 1_000:.1f} s" if milliseconds < 60_000 else _span(round(milliseconds / 1_000))


def shortened(text: str) -> str:
    """Return `text` on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def summary(record: ExecutionRecord) -> str:
    """Return what an execution has to say, on one line: its error, why it did not run, or its result."""
    if record.error is not None:
        return shortened(f"{record.error.type}: {record.error.message}")
    if record.reason is not None:
        return f"not run: {record.reason.replace('_', ' ')}"
    if record.status in (Status.RUNNING, Status.RETRYING):
        return f"attempt {record.attempt_number} of {record.max_attempts}"
    return shortened(_plain(record.result))


def spoken(result: Raw) -> str:
    """Return what a result says in words: a text, or the longest text in an object; nothing where it has none."""
    text = bytes(result)
    value = msgspec.json.decode(text) if len(text) <= _LARGEST_READ else None
    texts = value.values() if isinstance(value, dict) else (value,)
    return shortened(max((one for one in texts if isinstance(one, str)), key=len, default=""))


def pretty(value: Raw) -> str:
    """Return JSON with its lines indented; numbers and texts stay as they were written."""
    return msgspec.json.format(bytes(value), indent=2).decode()


def path_to(*parts: str) -> str:
    """Return the path of a page, `/schedules/nightly/edit`; the parts may be any text."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def path_to_why(schedule_id: str, moment: datetime) -> str:
    """Return where a schedule's page says why it did, did not, or will run at an instant."""
    return f"{path_to('schedules', schedule_id)}?why={_instant(moment)}#why"


def _plain(result: Raw) -> str:
    """Text as it is, nothing for null, else JSON with spaces; a large value is not decoded for a line of it."""
    text = bytes(result)
    if len(text) > _LARGEST_READ:
        return text[:_LARGEST_READ].decode(errors="ignore")
    value = msgspec.json.decode(text)
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.format(text, indent=0).decode()


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _exact(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    count = seconds // size
    return f"{count} {unit}s" if unit == "day" and count > 1 else f"{count} {unit}"
