"""What can go wrong, as one exception that crosses every link unchanged.

A failure is a :class:`Problem`: a code that programs match on, a message for people, and details that name
the field at fault. The same value is raised here, sent over ZeroMQ, and rendered by the web gateway, so a user
reads what the part that found the fault has written.
"""

from enum import StrEnum
from typing import Self

from schedulezero.protocol.frozen import Frozen


class Code(StrEnum):
    """The codes of contract; each stands for one HTTP status, see :data:`HTTP_STATUS`."""

    MALFORMED_JSON = "malformed_json"
    INVALID_TYPE = "invalid_type"
    INVALID_VALUE = "invalid_value"
    UNKNOWN_FIELD = "unknown_field"
    NOT_FOUND = "not_found"
    HANDLER_NOT_FOUND = "handler_not_found"
    METHOD_NOT_FOUND = "method_not_found"
    SCHEDULE_NOT_FOUND = "schedule_not_found"
    EXECUTION_NOT_FOUND = "execution_not_found"
    SCHEDULE_EXISTS = "schedule_exists"
    CONFLICT = "conflict"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CROSS_ORIGIN = "cross_origin"
    UNKNOWN_HOST = "unknown_host"
    TOO_MANY_PENDING = "too_many_pending"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    UNSUPPORTED_VERSION = "unsupported_version"
    INTERNAL = "internal"


HTTP_STATUS: dict[Code, int] = {
    Code.MALFORMED_JSON: 400,
    Code.INVALID_TYPE: 422,
    Code.INVALID_VALUE: 422,
    Code.UNKNOWN_FIELD: 422,
    Code.NOT_FOUND: 404,
    Code.HANDLER_NOT_FOUND: 404,
    Code.METHOD_NOT_FOUND: 404,
    Code.SCHEDULE_NOT_FOUND: 404,
    Code.EXECUTION_NOT_FOUND: 404,
    Code.SCHEDULE_EXISTS: 409,
    Code.CONFLICT: 409,
    Code.IDEMPOTENCY_CONFLICT: 409,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.CROSS_ORIGIN: 403,
    Code.UNKNOWN_HOST: 403,
    Code.TOO_MANY_PENDING: 429,
    Code.UNAVAILABLE: 503,
    Code.OUTCOME_UNKNOWN: 503,
    Code.UNSUPPORTED_VERSION: 400,
    Code.INTERNAL: 500,
}


class Detail(Frozen):
    """One fault: `path` names the field as the caller wrote it (`trigger_config.hour`, `runs[17].job_params.n`)."""

    path: str
    message: str


class Problem(Frozen, omit_defaults=True):
    """A refusal or failure as it travels. `retry_after` is in seconds and given where waiting helps."""

    code: Code
    message: str
    details: tuple[Detail, ...] = ()
    retry_after: float | None = None


class ScheduleZeroError(Exception):
    """Raised wherever a request cannot be served; carries the :class:`Problem` to answer with."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem

    @classmethod
    def of(cls, code: Code, message: str, *, path: str | None = None, retry_after: float | None = None) -> Self:
        """Build the error from its parts; with `path`, the message is also the detail of that field."""
        details = () if path is None else (Detail(path=path, message=message),)
        return cls(Problem(code=code, message=message, details=details, retry_after=retry_after))

    @property
    def code(self) -> Code:
        return self.problem.code

    def under(self, prefix: str) -> Self:
        """Return the same error with every path placed under `prefix` (`runs[17]`, `trigger_config`)."""
        details = tuple(Detail(path=join_path(prefix, d.path), message=d.message) for d in self.problem.details)
        problem = self.problem
        moved = Problem(code=problem.code, message=problem.message, details=details, retry_after=problem.retry_after)
        return type(self)(moved)


def invalid_value(path: str, message: str) -> ScheduleZeroError:
    """A well-formed value that cannot be accepted, at `path`."""
    return ScheduleZeroError.of(Code.INVALID_VALUE, message, path=path)


def join_path(prefix: str, path: str) -> str:
    """Put two field paths together: `a` and `b` give `a.b`, `a` and `[0]` give `a[0]`, an empty one adds nothing."""
    if not prefix or not path or path.startswith("["):
        return prefix + path
    return f"{prefix}.{path}"
