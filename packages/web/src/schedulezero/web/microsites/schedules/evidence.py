"""The evidence of an explanation, as a list of facts: times as on every page, executions and instants as links."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tornado.escape import xhtml_escape

from schedulezero.protocol.answers import Explanation
from schedulezero.web.microsites.wording import clock_tag, duration, path_to, path_to_why

_SECONDS = "_seconds"
_EXECUTION = "execution_id"
_INSTANTS = ("previous", "next")
_WORDS = ("reason", "cause")
_OFFSET = "Z"
_NONE = '<span class="muted">–</span>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact: its name, and what it is as HTML."""

    label: str
    html: str


def facts_of(explanation: Explanation) -> Sequence[Fact]:
    """Return the reason, the execution and the evidence of an explanation."""
    told = {"reason": explanation.reason, "execution_id": explanation.execution_id, **explanation.evidence}
    shown = {name: value for name, value in told.items() if value not in (None, [])}
    return [Fact(label=_label(name), html=_html(name, value, explanation.schedule_id)) for name, value in shown.items()]


def _label(name: str) -> str:
    words = name.removesuffix(_SECONDS).removesuffix("_id").replace("_", " ")
    return xhtml_escape(words[:1].upper() + words[1:])


def _html(name: str, value: Any, schedule_id: str) -> str:
    match value:
        case None:
            return _NONE
        case Mapping():
            return _several(value, schedule_id)
        case list():
            parts = "".join(f"<li>{_html(name, one, schedule_id)}</li>" for one in value)
            return f'<ul class="plain">{parts}</ul>'
        case int() | float() if name.endswith(_SECONDS):
            return duration(value * 1000)
        case str():
            return _text(name, value, schedule_id)
        case _:
            return xhtml_escape(str(value))


def _text(name: str, text: str, schedule_id: str) -> str:
    moment = _moment(text)
    if name.endswith(_EXECUTION):
        return f'<a href="{path_to("executions", text)}">{xhtml_escape(text)}</a>'
    if moment is None:
        return xhtml_escape(text.replace("_", " ") if name in _WORDS else text)
    if name in _INSTANTS:
        return f'<a href="{path_to_why(schedule_id, moment)}">{clock_tag(moment)}</a>'
    return clock_tag(moment)


def _several(value: Mapping[str, Any], schedule_id: str) -> str:
    """What lasted, and whatever else is told of it; what has neither beginning nor end has always been so."""
    return " ".join(_phrases(value, schedule_id)) or "ever since"


def _phrases(value: Mapping[str, Any], schedule_id: str) -> Iterator[str]:
    began, ended = (_moment(value.get(name)) for name in ("from", "to"))
    for name, one in value.items():
        if name == "cause":
            yield f"<strong>{_html(name, one, schedule_id)}</strong>"
            yield from _span(began, ended)
        elif name not in ("from", "to") and one is not None:
            yield f'<span class="muted">{_label(name).lower()}</span> {_html(name, one, schedule_id)}'
    if "cause" not in value:
        yield from _span(began, ended)


def _span(began: datetime | None, ended: datetime | None) -> Iterator[str]:
    if began is not None:
        yield f'<span class="muted">{"since" if ended is None else "from"}</span> {clock_tag(began)}'
    if ended is not None:
        yield f'<span class="muted">{"until" if began is None else "to"}</span> {clock_tag(ended)}'


def _moment(value: Any) -> datetime | None:
    """Return a time of the evidence, which comes as text."""
    if not isinstance(value, str) or not value.endswith(_OFFSET):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
