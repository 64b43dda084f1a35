"""The parameters of a method: their JSON Schema, and `job_params` converted to what the function is annotated with."""

import inspect
import typing
from collections.abc import Callable
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, Raw

from schedulezero.handler.context import Context
from schedulezero.handler.errors import HandlerError
from schedulezero.protocol.validation import decode

_NO_NAME = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
_decode_object = msgspec.json.Decoder(dict[str, Any])


class Parameters:
    """What a function takes, read from its signature once.

    Args:
        name: the method's, for errors.
        function: the function or bound method.

    Raises:
        HandlerError: a parameter cannot be filled from a JSON object, or its annotation has no JSON form.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._method = name
        hints = self._hints(function)
        named = {p.name: p for p in inspect.signature(function).parameters.values()}
        self._refuse_unnamed(named)
        self.context_name = self._take_context(named, hints)
        extra = [n for n, p in named.items() if p.kind is inspect.Parameter.VAR_KEYWORD]
        self._extra = hints.get(extra[0], Any) if extra else None
        self._defaults = {n: p.default for n, p in named.items() if p.default is not inspect.Parameter.empty}
        self._types = {n: hints.get(n, Any) for n in named if n not in extra}
        self._struct = self._build_struct()
        self.schema = Raw(msgspec.json.encode(self._build_schema()))
        self._plain = not self._types and self._extra is Any

    def arguments(self, params: bytes | Raw) -> dict[str, Any]:
        """Return the keyword arguments that `params` stand for, those left out with the function's own defaults.

        Raises:
            ScheduleZeroError: they do not fit; the problem names the field.
        """
        if self._extra is None:
            values = decode(memoryview(params), self._struct)
            return {name: getattr(values, name) for name in self._types}
        given = decode(memoryview(params), dict[str, Any])
        extra = given if self._plain else {name: value for name, value in given.items() if name not in self._types}
        if self._extra is not Any:
            extra = decode(msgspec.json.encode(extra), dict[str, self._extra])  # type: ignore[name-defined]
        values = decode(memoryview(params), self._struct)
        return {**{name: getattr(values, name) for name in self._types}, **extra}

    def _hints(self, function: Callable[..., Any]) -> dict[str, Any]:
        try:
            return typing.get_type_hints(function, include_extras=True)
        except NameError as error:
            raise self._error(f"an annotation cannot be read: {error}; import the name in its module") from error

    def _refuse_unnamed(self, named: dict[str, inspect.Parameter]) -> None:
        for parameter in named.values():
            if parameter.kind in _NO_NAME:
                fault = f"{parameter} cannot be filled from a JSON object, which has names only"
                raise self._error(f"{fault}; let it be passed by keyword")

    def _take_context(self, named: dict[str, inspect.Parameter], hints: dict[str, Any]) -> str | None:
        found = [name for name in named if name == "ctx" or _is_context(hints.get(name))]
        if len(found) > 1:
            raise self._error(f"{' and '.join(found)} are both the Context; keep one")
        for name in found:
            del named[name]
        return found[0] if found else None

    def _build_struct(self) -> type[msgspec.Struct]:
        fields = [(name, type_, self._field(name)) for name, type_ in self._types.items()]
        try:
            return msgspec.defstruct(self._method, fields, kw_only=True, forbid_unknown_fields=self._extra is None)
        except TypeError as error:
            raise self._unsupported(error) from error

    def _field(self, name: str) -> Any:
        """A default is any object, given as it is, as Python itself does; msgspec would copy or refuse some."""
        if name not in self._defaults:
            return msgspec.field(default=NODEFAULT)
        return msgspec.field(default_factory=lambda: self._defaults[name])

    def _build_schema(self) -> dict[str, Any]:
        schema = self._schema_of(self._struct)
        for name, default in self._defaults.items():
            if name in self._types and (shown := _as_json(default)) is not NODEFAULT:
                schema["properties"][name]["default"] = shown
        if self._extra is not None:
            schema["additionalProperties"] = True
            if self._extra is not Any:
                values = self._schema_of(dict[str, self._extra])  # type: ignore[name-defined]
                schema["additionalProperties"] = values["additionalProperties"]
                schema.setdefault("$defs", {}).update(values.get("$defs", {}))
        return schema

    def _schema_of(self, type_: Any) -> dict[str, Any]:
        try:
            schema = msgspec.json.schema(type_)
            msgspec.json.Decoder(type_)
        except (TypeError, ValueError) as error:
            raise self._unsupported(error) from error
        if reference := schema.pop("$ref", None):
            schema |= schema["$defs"].pop(reference.removeprefix("#/$defs/"))
        if not schema.get("$defs"):
            schema.pop("$defs", None)
        return schema

    def _unsupported(self, error: Exception) -> HandlerError:
        for name, type_ in self._types.items():
            try:
                msgspec.json.schema(type_)
                msgspec.json.Decoder(type_)
            except (TypeError, ValueError):
                shown = getattr(type_, "__qualname__", None) or str(type_)
                return self._error(
                    f"the annotation {shown} of {name} has no JSON form; use plain types, "
                    "dataclasses, msgspec structs, enums or Literal"
                )
        return self._error(f"the parameters have no JSON form: {error}")

    def _error(self, what: str) -> HandlerError:
        return HandlerError(f"method {self._method}: {what}")


def _is_context(hint: Any) -> bool:
    return hint is Context or Context in get_args(hint)


def _as_json(value: Any) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError):
        return NODEFAULT
