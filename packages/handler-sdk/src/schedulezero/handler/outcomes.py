"""How an attempt ended, put into words: from what a function returned or raised to an Outcome."""

import traceback
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Raw

from schedulezero.handler.errors import Fail, Retry
from schedulezero.handler.text import cut_end, cut_start, printable
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.handling import Execute, Outcome
from schedulezero.protocol.values import MAX_VALUE_BYTES, Failure

MAX_TRACEBACK_BYTES = 16 * 1024
_encoder = msgspec.json.Encoder()


class Work(Frozen):
    """An attempt that has begun."""

    execute: Execute
    started_at: datetime


class Verdict(Exception):
    """What this package finds about a job, not what the job raised: a traceback would show nothing of the job."""


class InvalidParams(Verdict):
    """The `job_params` do not fit the method's parameters; another attempt would not change that."""


def succeeded(work: Work, result: Any, at: datetime) -> Outcome:
    """Return the success with its result, or the error that the result cannot be carried. Nothing is cut."""
    try:
        encoded = _encoder.encode(result)
    except Exception as error:  # encoding runs the methods of the job's own objects, which may raise anything
        remedy = "return numbers, text, lists, dicts, dataclasses or msgspec structs"
        message = f"the result, a {type(result).__qualname__}, has no JSON form: {error}; {remedy}"
        return _failed(work, at, Failure(type="ResultNotEncodable", message=_message(message)), final=True)
    if len(encoded) > MAX_VALUE_BYTES:
        remedy = "store it elsewhere and return where it is"
        message = f"the result is {len(encoded)} bytes of JSON, the most is {MAX_VALUE_BYTES}; {remedy}"
        return _failed(work, at, Failure(type="ResultTooLarge", message=message), final=True)
    return _outcome(work, at, "success", result=Raw(encoded))


def failed(work: Work, error: BaseException, at: datetime) -> Outcome:
    """Return the error outcome of what a job raised, with the end of its traceback."""
    shown = None if isinstance(error, Verdict) else _traceback_of(error)
    failure = Failure(type=type(error).__name__, message=_text_of(error), traceback=shown)
    match error:
        case Retry():
            return _outcome(work, at, "error", error=failure, retry_after_seconds=error.after)
        case Fail() | InvalidParams():
            return _failed(work, at, failure, final=True)
        case _:
            return _failed(work, at, failure, final=False)


def invalid_params(error: ScheduleZeroError) -> InvalidParams:
    """Return what to raise for `job_params` that do not fit."""
    return InvalidParams(f"job_params: {error}")


def timed_out(work: Work, seconds: float, at: datetime) -> Outcome:
    """Return the outcome of an attempt that has run for longer than it may."""
    message = f"the attempt has not ended within its {seconds:g} s"
    return _outcome(work, at, "timeout", error=Failure(type="Timeout", message=message))


def cancelled(work: Work, at: datetime) -> Outcome:
    """Return the outcome of an attempt that was stopped on request."""
    return _outcome(work, at, "cancelled")


def _failed(work: Work, at: datetime, failure: Failure, *, final: bool) -> Outcome:
    return _outcome(work, at, "error", error=failure, final=final)


def _outcome(
    work: Work, at: datetime, status: Literal["success", "error", "timeout", "cancelled"], **rest: Any
) -> Outcome:
    execute = work.execute
    return Outcome(
        execution_id=execute.execution_id,
        attempt=execute.attempt,
        claim=execute.claim,
        status=status,
        started_at=work.started_at,
        completed_at=at,
        **rest,
    )


def _text_of(error: BaseException) -> str:
    try:
        return _message(str(error))
    except Exception as fault:  # a job's exception may have a __str__ that raises
        return f"(its text cannot be had: {type(fault).__name__})"


def _message(text: str) -> str:
    return cut_end(printable(text), MAX_TRACEBACK_BYTES)


def _traceback_of(error: BaseException) -> str:
    # The first frame is the call in this package, which tells a job's author nothing.
    first = error.__traceback__.tb_next if error.__traceback__ else None
    try:
        lines = traceback.format_exception(type(error), error, first)
    except Exception as fault:  # as above: formatting asks the exception for its text
        return f"(its traceback cannot be had: {type(fault).__name__})"
    return cut_start(printable("".join(lines)), MAX_TRACEBACK_BYTES)
