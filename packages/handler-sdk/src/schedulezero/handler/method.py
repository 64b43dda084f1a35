"""What a handler offers: its methods, each with what is said of it to the registry."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schedulezero.handler.errors import HandlerError
from schedulezero.handler.schema import Parameters
from schedulezero.protocol.values import MethodSpec

Place = Literal["loop", "thread", "process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A function that is offered, and what is said of it to the registry."""

    function: Callable[..., Any]
    runs_on: Place
    parameters: Parameters
    spec: MethodSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A handler as it is served: its id, its version, and its methods by name."""

    handler_id: str
    version: str | None
    methods: Mapping[str, Method]


def place_of(function: Callable[..., Any], name: str, process: bool) -> Place:
    """Return where a function runs. Raises HandlerError where it cannot run in a process as asked."""
    asynchronous = inspect.iscoroutinefunction(function)
    if not process:
        return "loop" if asynchronous else "thread"
    if asynchronous:
        raise HandlerError(f"method {name}: an async function cannot run with process=True; make it a plain one")
    if "<" in getattr(function, "__qualname__", "<"):
        raise HandlerError(f"method {name}: with process=True it must be a function at the top of a module")
    return "process"
