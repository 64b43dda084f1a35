"""How pages say times and statuses: exact for machines, short for people, by shape and word besides colour."""

from datetime import datetime

from tornado.escape import xhtml_escape

_UNITS = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))
_LONGEST = 200


def relative(moment: datetime, now: datetime) -> str:
    """Return how far `moment` is from `now`, in the largest unit of which there is one: `in 5 min`, `3 s ago`."""
    seconds = round((moment - now).total_seconds())
    if not seconds:
        return "now"
    span = _span(abs(seconds))
    return f"in {span}" if seconds > 0 else f"{span} ago"


def time_tag(moment: datetime | None, now: datetime) -> str:
    """Return a `time` element, as HTML: machines read the instant, people how far it is, the title is exact."""
    if moment is None:
        return "<span>–</span>"
    instant = moment.isoformat().replace("+00:00", "Z")
    title = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f'<time datetime="{instant}" title="{title}">{relative(moment, now)}</time>'


def mark(status: str) -> str:
    """Return a status as HTML: a shape of its own, its word, and a class for its colour."""
    name = xhtml_escape(status.lower())
    shape = f'<svg class="shape" aria-hidden="true"><use href="#mark-{name}"/></svg>'
    return f'<span class="status status-{name}">{shape}{xhtml_escape(status)}</span>'


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


def _span(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    count = seconds // size
    return f"{count} {unit}s" if unit == "day" and count > 1 else f"{count} {unit}"
