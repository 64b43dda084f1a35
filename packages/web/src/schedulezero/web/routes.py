"""What a REST call is: one value that Tornado's routing, the validation and the OpenAPI document are all made from."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from schedulezero.protocol.commands import Command, Query
from schedulezero.protocol.errors import Code
from schedulezero.protocol.link.calls import CommandClient
from schedulezero.protocol.values import Input
from schedulezero.web.gateway import Gateway

MAX_BODY_BYTES = 2 * 1024 * 1024
Verb = Literal["GET", "POST", "PATCH", "DELETE"]

_PARAMETER = re.compile(r"\{(\w+)\}")
_ONE_SEGMENT = r"(?P<\1>[^/]+)"


class Nothing(Input):
    """A request without fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer on its way out."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: object, status: int = 200) -> "Reply":
        """Return the reply that says `answer` in JSON."""
        return cls(body=msgspec.json.encode(answer), status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call[B, Q]:
    """A REST call that has been validated: `body` and `query` are the structs that its route names."""

    gateway: Gateway
    path: Mapping[str, str]
    query: Q
    body: B
    headers: Mapping[str, str]

    @property
    def scheduler(self) -> CommandClient:
        return self.gateway.backend.scheduler

    async def ask(self, command: Command[Any], status: int = 200) -> Reply:
        """Return what the scheduler answers, unread."""
        return Reply(body=bytes(await self.scheduler.call_raw(command)), status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One REST call.

    Attributes:
        method: its verb.
        path: with its parameters in braces.
        summary: what it does, in a sentence.
        serve: what does it.
        answers: the struct of the answer for each status it may have when it succeeds.
        body: the struct of the request; None where no body is read.
        query: the struct of the query string.
        headers: the request headers that it heeds, with what each is for.
        asks: the commands that it sends to the services behind.
        errors: the codes that are its own; those that follow from the rest are added, see `codes`.
        max_body_bytes: the largest body.
    """

    method: Verb
    path: str
    summary: str
    serve: Callable[[Call[Any, Any]], Awaitable[Reply]]
    answers: Mapping[int, Any]
    body: type[Input] | None = None
    query: type[Input] = Nothing
    headers: Mapping[str, str] = field(default_factory=dict)
    asks: tuple[type[Command[Any]], ...] = ()
    errors: tuple[Code, ...] = ()
    max_body_bytes: int = MAX_BODY_BYTES

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path's parameters."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def name(self) -> str:
        """Its name among all calls: the area, and what is done there."""
        return f"{self.area}_{self.serve.__name__}"

    @property
    def area(self) -> str:
        return self.serve.__module__.rpartition(".")[2]

    @property
    def codes(self) -> tuple[Code, ...]:
        """Every error code that it may be answered with."""
        return tuple(dict.fromkeys(self._codes()))

    def _codes(self) -> Iterator[Code]:
        yield from (Code.UNKNOWN_HOST, Code.UNKNOWN_FIELD, *self.errors)
        if self.method != "GET":
            yield from (Code.CROSS_ORIGIN, Code.PAYLOAD_TOO_LARGE)
        if self.body is not None:
            yield from (Code.MALFORMED_JSON, Code.UNSUPPORTED_MEDIA_TYPE, Code.INVALID_TYPE)
        if self.query is not Nothing:
            yield from (Code.INVALID_TYPE, Code.INVALID_VALUE)
        if self.body not in (None, Nothing):
            yield Code.INVALID_VALUE
        if self.asks:
            yield Code.UNAVAILABLE
        if not all(issubclass(command, Query) for command in self.asks):
            yield Code.OUTCOME_UNKNOWN
        yield Code.INTERNAL


def pattern(path: str) -> str:
    """Return the path of a route as a regular expression, each parameter a group."""
    return _PARAMETER.sub(_ONE_SEGMENT, path.replace(".", r"\."))
