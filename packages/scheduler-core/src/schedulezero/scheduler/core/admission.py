"""May this job be accepted: is its handler known, does it offer the method, do the parameters fit?"""

import difflib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from schedulezero.protocol.errors import Code, Detail, Problem, ScheduleZeroError
from schedulezero.protocol.validation import check_params
from schedulezero.protocol.values import (
    JobRequest,
    MethodSpec,
    RetryOptions,
    RetryPolicy,
)
from schedulezero.scheduler.core.memory import Memory

_RETRY_FIELDS = ("max_attempts", "base_seconds", "factor", "max_seconds", "jitter", "on_lost")
_MAX_DETAILS = 20


def check(memory: Memory, job: JobRequest) -> None:
    """Accept a job for its handler, or say what is wrong with it.

    A handler that is known and away is accepted as it is: what it will offer is not known before it is back.

    Raises:
        ScheduleZeroError: handler_not_found, method_not_found, invalid_type or invalid_value under `job_params`,
            payload_too_large; unavailable while the registry has not been heard.
    """
    params = decode_params(job.job_params)
    methods = _live_methods(memory, job.handler_id)
    if methods is None:
        _check_known(memory, job)
        return
    spec = methods.get(job.method_name)
    if spec is None:
        raise _no_method(job, methods)
    _check_against_schema(spec, params)


def check_room(memory: Memory, handler_id: str, more: int) -> None:
    """Raise too_many_pending where a handler would have more work waiting than is allowed."""
    if memory.pending_of(handler_id) + more > memory.limits.max_pending:
        message = f"{memory.limits.max_pending} executions wait for handler {handler_id} already; try again later"
        raise ScheduleZeroError.of(Code.TOO_MANY_PENDING, message, path="handler_id", retry_after=5)


def decode_params(raw: msgspec.Raw) -> dict[str, Any]:
    """Return `job_params` as a dict. Raises payload_too_large above 1 MiB, invalid_type for anything but an object."""
    check_params(raw)
    try:
        params: dict[str, Any] = msgspec.json.decode(raw)
    except RecursionError:
        raise ScheduleZeroError.of(Code.INVALID_VALUE, "is nested too deeply", path="job_params") from None
    return params


def method_spec(memory: Memory, handler_id: str, method_name: str) -> MethodSpec | None:
    """Return what is known of a method: as a live instance says, else as the handler last said."""
    spec = (_live_methods(memory, handler_id) or {}).get(method_name)
    if spec is not None:
        return spec
    known = memory.known.get(handler_id)
    return next((m for m in known.methods if m.name == method_name), None) if known is not None else None


def timeout_of(job: JobRequest, spec: MethodSpec | None) -> float | None:
    """Return the timeout of an execution in seconds: the job's, else the method's, else none."""
    if job.timeout_seconds is not None or spec is None:
        return job.timeout_seconds
    return spec.timeout_seconds


def retry_of(options: Iterable[RetryOptions | None]) -> RetryPolicy:
    """Return the policy that the `options` give part by part, the first that names a part decides it."""
    policy: dict[str, Any] = {}
    for given in options:
        for field in _RETRY_FIELDS if given is not None else ():
            value = getattr(given, field)
            if value is not None:
                policy.setdefault(field, value)
    return RetryPolicy(**policy)


def _live_methods(memory: Memory, handler_id: str) -> dict[str, MethodSpec] | None:
    live = memory.live_instances_of(handler_id)
    if not live:
        return None
    return {name: spec for instance in live for name, spec in instance.methods.items()}


def _check_known(memory: Memory, job: JobRequest) -> None:
    handler_id = job.handler_id
    if job.allow_offline or handler_id in memory.known:
        return
    if not memory.directory_read:
        message = "the registry has not been heard yet, so which handlers there are is not known"
        raise ScheduleZeroError.of(Code.UNAVAILABLE, message, retry_after=1)
    nearest = difflib.get_close_matches(handler_id, list(memory.known), n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "start it, or set allow_offline to wait for it"
    message = f"no handler {handler_id} has ever registered; {hint}"
    raise ScheduleZeroError.of(Code.HANDLER_NOT_FOUND, message, path="handler_id")


def _no_method(job: JobRequest, methods: dict[str, MethodSpec]) -> ScheduleZeroError:
    nearest = difflib.get_close_matches(job.method_name, list(methods), n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"it offers {', '.join(sorted(methods)) or 'none'}"
    message = f"handler {job.handler_id} offers no method {job.method_name}; {hint}"
    return ScheduleZeroError.of(Code.METHOD_NOT_FOUND, message, path="method_name")


def _check_against_schema(spec: MethodSpec, params: dict[str, Any]) -> None:
    errors = list(_validator(bytes(spec.params_schema)).iter_errors(params))
    if errors:
        details = tuple(Detail(path=_path(error), message=error.message) for error in errors[:_MAX_DETAILS])
        message = f"{details[0].path}: {details[0].message}"
        raise ScheduleZeroError(Problem(code=Code.INVALID_VALUE, message=message, details=details))


@lru_cache(maxsize=4096)
def _validator(schema: bytes) -> Any:
    return jsonschema_rs.validator_for(msgspec.json.decode(schema))


def _path(error: Any) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    return "job_params" + "".join(steps)
