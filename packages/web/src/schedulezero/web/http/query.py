"""Query strings, validated as bodies are."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from msgspec import inspect

from schedulezero.protocol.errors import Code, Detail, Problem, ScheduleZeroError, invalid_value
from schedulezero.protocol.validation import convert
from schedulezero.protocol.values import Input


def read(query: str, type_: type[Input]) -> Any:
    """Return a query string as `type_`; a field that holds several values takes them separated by commas.

    Raises:
        ScheduleZeroError: naming the parameter.
    """
    try:
        return convert(dict(_values(query, type_)), type_)
    except ScheduleZeroError as error:
        raise _of_parameter(error.problem) from None


def _values(query: str, type_: type[Input]) -> Iterator[tuple[str, str | list[str]]]:
    seen = set()
    for name, text in parse_qsl(query, keep_blank_values=True):
        if not type_.__struct_fields__:
            raise ScheduleZeroError.of(Code.UNKNOWN_FIELD, "this call takes no parameters", path=name)
        if name in seen:
            raise invalid_value(name, f"{name} is given more than once")
        seen.add(name)
        yield name, text.split(",") if name in _several(type_) else text


@cache
def _several(type_: type[Input]) -> frozenset[str]:
    info = inspect.type_info(type_)
    assert isinstance(info, inspect.StructType)
    return frozenset(field.encode_name for field in info.fields if isinstance(field.type, inspect.VarTupleType))


def _of_parameter(problem: Problem) -> ScheduleZeroError:
    """`status[1]` is no name that a caller has written."""
    details = tuple(Detail(path=d.path.partition("[")[0], message=d.message) for d in problem.details)
    return ScheduleZeroError(Problem(code=problem.code, message=problem.message, details=details))
