"""Problems as HTTP answers."""

import math
from http import HTTPStatus

from msgspec import Struct

from schedulezero.protocol.errors import HTTP_STATUS, Code, Detail, Problem
from schedulezero.web.routes import Reply

_WAITING_HELPS = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)


class Error(Struct, frozen=True, kw_only=True):
    """What is wrong; `details` name the fields at fault."""

    code: Code
    message: str
    details: tuple[Detail, ...]


class ErrorAnswer(Struct, frozen=True, kw_only=True):
    """The answer to every call that fails."""

    error: Error


def status_of(problem: Problem) -> int:
    return HTTP_STATUS[problem.code]


def headers_of(problem: Problem) -> dict[str, str]:
    """Return the headers that go with a problem: when to come back, where waiting helps."""
    if status_of(problem) in _WAITING_HELPS:
        return {"Retry-After": str(max(1, math.ceil(problem.retry_after or 1)))}
    return {}


def in_json(problem: Problem) -> Reply:
    """Return the answer to a program."""
    error = Error(code=problem.code, message=problem.message, details=problem.details)
    reply = Reply.of(ErrorAnswer(error=error), status_of(problem))
    return Reply(body=reply.body, status=reply.status, headers=headers_of(problem))
