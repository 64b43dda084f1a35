"""Between a schedule and the texts of its form, in both directions; what texts mean is left to the API's validation."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import NODEFAULT, Raw
from msgspec.structs import fields

from schedulezero.protocol.errors import ScheduleZeroError, invalid_value
from schedulezero.protocol.values import ScheduleRecord, ScheduleRequest
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.schedules.fields import (
    ABOUT,
    AT_CREATION,
    CHANGEABLE,
    JOB,
    OPTION_FIELDS,
    TOLD_OF,
    TRIGGER_FIELDS,
    TRIGGER_TYPE,
    TRIGGERS,
)
from schedulezero.web.microsites.wording import pretty

Texts = Mapping[str, str]

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,18}\.\d{1,18}")
_TRIGGER_NAMES = {field.name for field in TRIGGER_FIELDS} | {TRIGGER_TYPE, "timezone"}
_PLAIN = tuple(
    field for field in (*AT_CREATION, *JOB, *ABOUT, *OPTION_FIELDS) if field.name not in ("job_params", "tags")
)
_WORDS = {field.name for field in (*AT_CREATION, *JOB, *ABOUT)} | {
    "overlap",
    "catch_up",
    "start_at",
    "end_at",
    "notify.url",
}
_DEFAULTS = {field.name: field.default for field in fields(ScheduleRequest) if field.default is not NODEFAULT}
_TOLD_ELSEWHERE = ("name", "description", "owner", "runbook_url", "tags")


def request_of(typed: Texts) -> dict[str, Any]:
    """Return what was typed in as the body of a request, still to be validated.

    Raises:
        ScheduleZeroError: something that has to be JSON is not.
    """
    body: dict[str, Any] = {
        "job_params": _json(typed.get("job_params", "{}"), "job_params"),
        "trigger_config": trigger_of(typed),
        "tags": typed.get("tags", "").replace(",", " ").split(),
    }
    for field in _PLAIN:
        if field.name in typed and (field.name != "notify.on" or "notify.url" in typed):
            _put(body, field.name, _given(field, typed[field.name]))
    return body


def patch_of(typed: Texts, shown: Texts) -> dict[str, Any]:
    """Return what was changed of the texts that were shown; one that was emptied goes back to its default.

    Raises:
        ScheduleZeroError: something that has to be JSON is not.
    """
    parts = dict.fromkeys(_part(name) for name in _changed(typed, shown))
    body = request_of(typed)
    return {part: body.get(part, _DEFAULTS.get(part)) for part in parts}


def trigger_of(typed: Texts) -> Raw | dict[str, Any]:
    """Return the trigger that was typed in, of the type that was chosen.

    Raises:
        ScheduleZeroError: it has to be JSON and is not.
    """
    type_ = typed.get(TRIGGER_TYPE, "")
    if type_ == "json":
        return _json(typed.get("json", ""), "trigger_config")
    own = {name.partition(".")[2]: _value(name, typed[name]) for name in _own_fields(type_) if name in typed}
    zone = {"timezone": typed["timezone"]} if "timezone" in typed else {}
    return {"type": type_, **own, **zone}


def names(typed: Texts) -> Mapping[str, str]:
    """Return the name of the field for the path of each value."""
    type_ = typed.get(TRIGGER_TYPE, "")
    own = {f"trigger_config.{name.partition('.')[2]}": name for name in _own_fields(type_)}
    return {
        **{field.name: field.name for field in (*_PLAIN, *JOB, *ABOUT)},
        "trigger_config": "json" if type_ == "json" else TRIGGER_TYPE,
        **({} if type_ == "json" else {**own, "trigger_config.timezone": "timezone"}),
    }


def texts_of(schedule: ScheduleRecord) -> Texts:
    """Return the texts that stand for a schedule in its form."""
    return {name: text for name, text in _texts(schedule) if text}


def options_of(schedule: ScheduleRecord) -> Mapping[str, str]:
    """Return the options of a schedule that are not the default, by what they are called."""
    texts = texts_of(schedule)
    return {
        field.label: dict(field.choices).get(texts[field.name], texts[field.name])
        for field in (*ABOUT, *OPTION_FIELDS)
        if field.name not in _TOLD_ELSEWHERE and is_unusual(field.name, texts.get(field.name, ""))
    }


def is_unusual(name: str, text: str) -> bool:
    """Whether a text says anything but what a field that is left out means."""
    return text not in ("", _USUAL.get(name))


def _texts(schedule: ScheduleRecord) -> Iterator[tuple[str, str]]:
    yield "job_params", pretty(schedule.job_params)
    yield "tags", ", ".join(schedule.tags)
    for field in _PLAIN:
        part, _, below = field.name.partition(".")
        value = getattr(schedule, part, None)
        told = _text(getattr(value, below, None) if below else value)
        yield field.name, _in_order(field, told) or (TOLD_OF if field.name == "notify.on" else "")
    yield from _trigger_texts(msgspec.to_builtins(schedule.trigger_config))


def _trigger_texts(trigger: dict[str, Any]) -> Iterator[tuple[str, str]]:
    type_ = trigger["type"]
    if type_ not in TRIGGERS:
        yield TRIGGER_TYPE, "json"
        yield "json", pretty(Raw(msgspec.json.encode(trigger)))
        return
    yield TRIGGER_TYPE, type_
    for name, value in trigger.items():
        if name != "type":
            yield ("timezone" if name == "timezone" else f"{type_}.{name}"), _text(value)


def _changed(typed: Texts, shown: Texts) -> Iterator[str]:
    chosen = {*_own_fields(typed.get(TRIGGER_TYPE, "")), TRIGGER_TYPE, "timezone"}
    for name in (*(field.name for field in CHANGEABLE), TRIGGER_TYPE):
        counts = name not in _TRIGGER_NAMES or name in chosen
        if counts and typed.get(name, "") != shown.get(name, ""):
            yield name


def _part(name: str) -> str:
    return "trigger_config" if name in _TRIGGER_NAMES else name.partition(".")[0]


def _own_fields(type_: str) -> tuple[str, ...]:
    _, own = TRIGGERS.get(type_, ("", ()))
    return tuple(field.name for field in own)


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    part, _, below = name.partition(".")
    if below:
        body.setdefault(part, {})[below] = value
    else:
        body[part] = value


def _given(field: Field, text: str) -> Any:
    match field.kind:
        case "check":
            return True
        case "checks":
            return text.split(",")
        case _:
            return _value(field.name, text)


def _in_order(field: Field, text: str) -> str:
    """Of `checks`, the values in the order in which a browser sends them."""
    if field.kind != "checks":
        return text
    checked = text.split(",")
    return ",".join(value for value, _ in field.choices if value in checked)


def _value(name: str, text: str) -> Any:
    """A number where it is written as one: texts that are not are told about by the validation."""
    stripped = text.strip()
    if name in _WORDS or name.endswith(("_time", "_date", ".expression")):
        return stripped
    if name == "retry.on_lost":
        return {"true": True, "false": False}.get(stripped, stripped)
    if _WHOLE.fullmatch(stripped):
        return int(stripped)
    return float(stripped) if _DECIMAL.fullmatch(stripped) else stripped


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower() if value else ""
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _json(text: str, path: str) -> Raw:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(path, error) from None
    return Raw(text.encode())


def _not_json(path: str, error: Exception) -> ScheduleZeroError:
    return invalid_value(path, f"this is not JSON: {error}")


_USUAL = {name: _text(value) for name, value in _DEFAULTS.items()} | {"notify.on": TOLD_OF}
