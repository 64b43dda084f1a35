"""Bytes to values, or a :class:`Problem` that names the field and the remedy.

msgspec does the decoding; its one-line errors are taken apart here into a code, a path and plain words.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, overload

import msgspec
from msgspec import inspect

from schedulezero.protocol.errors import Code, Detail, Problem, ScheduleZeroError, join_path
from schedulezero.protocol.values import MAX_VALUE_BYTES

_LOCATED = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<name>.*)`$")
_CHOICE = re.compile(r"^Invalid (?:enum )?value (?P<value>.*)$", re.DOTALL)
_TYPE = re.compile(r"^Expected `(?P<expected>[^`]*)`(?:, got `(?P<got>[^`]*)`)?$")
_PATTERN = re.compile(r"^Expected `str` matching regex ")
_SEGMENT = re.compile(r"\.?([^.\[\]]+)|(\[[^\]]*\])")

_JSON_KINDS = {ord('"'): "string", ord("["): "array", ord("t"): "boolean", ord("f"): "boolean", ord("n"): "null"}
_JSON_WORDS = {"int": "integer", "str": "string", "bool": "boolean", "float": "number", "datetime": "RFC 3339 time"}

_TypesAt = Callable[[str], list[inspect.Type]]


@overload
def decode[T](data: bytes | memoryview, type_: type[T]) -> T: ...
@overload
def decode(data: bytes | memoryview, type_: Any) -> Any: ...
def decode(data: bytes | memoryview, type_: Any) -> Any:
    """Decode JSON into `type_`, a struct or a union of tagged structs.

    Raises:
        ScheduleZeroError: `malformed_json`, or `invalid_type`, `invalid_value`, `unknown_field` with one detail
            whose path is in the words of the sender (`runs[17].priority`).
    """
    try:
        return _decoder(type_).decode(data)
    except msgspec.ValidationError as error:
        raise ScheduleZeroError(explain(str(error), type_, _plain(data))) from None
    except RecursionError:
        raise ScheduleZeroError.of(Code.MALFORMED_JSON, "the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ScheduleZeroError.of(Code.MALFORMED_JSON, f"the body is not JSON: {error}") from None


def convert[T](value: Any, type_: type[T]) -> T:
    """Convert plain values, such as those of a query string, into `type_`; numbers may be written as text.

    Raises:
        ScheduleZeroError: as :func:`decode`.
    """
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError as error:
        raise ScheduleZeroError(explain(str(error), type_, value)) from None


def check_params(params: msgspec.Raw) -> None:
    """See that `job_params`, which travel unread, are an object of an acceptable size.

    Raises:
        ScheduleZeroError: `invalid_type` or `payload_too_large`, at `job_params`.
    """
    text = memoryview(params)
    if text[0] != ord("{"):
        message = f"expected object, got {_JSON_KINDS.get(text[0], 'number')}"
        raise ScheduleZeroError.of(Code.INVALID_TYPE, message, path="job_params")
    if len(text) > MAX_VALUE_BYTES:
        message = f"job_params are at most {MAX_VALUE_BYTES} bytes, not {len(text)}; pass a reference instead"
        raise ScheduleZeroError.of(Code.PAYLOAD_TOO_LARGE, message, path="job_params")


def explain(error: str, type_: Any, value: Any = None) -> Problem:
    """Turn msgspec's words about `type_` into a Problem with one detail.

    `value`, the plain value that was refused, tells which member of a union its sender meant.
    """
    located = _LOCATED.match(error)
    assert located is not None
    what, path = located["what"], (located["path"] or "").removeprefix("$").removeprefix(".")
    code, path, message = _explain(what, path, partial(_at, type_, value))
    return Problem(code=code, message=f"{path}: {message}", details=(Detail(path=path, message=message),))


def _explain(what: str, path: str, at: _TypesAt) -> tuple[Code, str, str]:
    if unknown := _UNKNOWN.match(what):
        hint = _nearest(unknown["name"], _field_names(at(path)))
        return Code.UNKNOWN_FIELD, join_path(path, unknown["name"]), f"unknown field; {hint}"
    if missing := _MISSING.match(what):
        return Code.INVALID_VALUE, join_path(path, missing["name"]), "is required"
    if choice := _CHOICE.match(what):
        choices = ", ".join(sorted(set(_choices(path, at))))
        return Code.INVALID_VALUE, path or "$", f"{choice['value']} is not one of {choices}"
    if _PATTERN.match(what):
        return Code.INVALID_VALUE, path or "$", _pattern_rule(at(path))
    if mismatch := _TYPE.match(what):
        got = f", got {_words(mismatch['got'])}" if mismatch["got"] else ""
        return Code.INVALID_TYPE, path or "$", f"expected {_words(mismatch['expected'])}{got}"
    return Code.INVALID_VALUE, path or "$", what[:1].lower() + what[1:].replace("`", "")


def _nearest(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"


def _field_names(types: list[inspect.Type]) -> list[str]:
    structs = [info for info in types if isinstance(info, inspect.StructType)]
    return sorted({field.encode_name for struct in structs for field in struct.fields})


def _words(types: str) -> str:
    return " or ".join(_JSON_WORDS.get(name.strip(), name.strip()) for name in types.split("|"))


def _choices(path: str, at: _TypesAt) -> Iterator[str]:
    parent, _, last = path.rpartition(".")
    for info in at(parent):
        if isinstance(info, inspect.StructType) and info.tag is not None and info.tag_field == last:
            yield str(info.tag)
    for info in at(path):
        if isinstance(info, inspect.LiteralType):
            yield from map(str, info.values)
        elif isinstance(info, inspect.EnumType):
            yield from (str(member.value) for member in info.cls)


def _pattern_rule(types: list[inspect.Type]) -> str:
    for info in types:
        if isinstance(info, inspect.Metadata) and info.extra_json_schema:
            return "must be " + str(info.extra_json_schema.get("description", "of another form"))
    return "is not of the form required"


def _at(type_: Any, value: Any, path: str) -> list[inspect.Type]:
    """Return the types that may stand at `path` below `type_`; of a union, those that `value` can mean."""
    here = list(_alternatives(_type_info(type_), value))
    for name, index in _SEGMENT.findall(path):
        value = _below(value, name, index)
        children = [child for info in here for child in _children(info, name, index)]
        here = [found for child in children for found in _alternatives(child, value)]
    return here


def _alternatives(info: inspect.Type, value: Any) -> Iterator[inspect.Type]:
    if isinstance(info, inspect.UnionType):
        for member in _meant(info.types, value):
            yield from _alternatives(member, value)
    elif isinstance(info, inspect.Metadata):
        yield info
        yield from _alternatives(info.type, value)
    else:
        yield info


def _meant(members: tuple[inspect.Type, ...], value: Any) -> Sequence[inspect.Type]:
    return [member for member in members if _names(value, member)] or members


def _names(value: Any, member: inspect.Type) -> bool:
    if not isinstance(member, inspect.StructType) or member.tag is None or not isinstance(value, dict):
        return False
    return bool(value.get(member.tag_field) == member.tag)


def _children(info: inspect.Type, name: str, index: str) -> Iterator[inspect.Type]:
    if isinstance(info, inspect.StructType) and name:
        yield from (field.type for field in info.fields if field.encode_name == name)
    elif isinstance(info, inspect.CollectionType) and index:
        yield info.item_type


def _below(value: Any, name: str, index: str) -> Any:
    try:
        return value[name or int(index[1:-1])]
    except (LookupError, TypeError, ValueError):
        return None


def _plain(data: bytes | memoryview) -> Any:
    """Return what was refused as plain values, or None where it cannot be read to its end."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


@lru_cache(maxsize=256)
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


@lru_cache(maxsize=256)
def _type_info(type_: Any) -> inspect.Type:
    return inspect.type_info(type_)
