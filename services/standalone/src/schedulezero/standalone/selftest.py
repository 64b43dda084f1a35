"""`schedulezero selftest`: the main job, tried on a running system as a user would."""

import json
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from schedulezero.client import Client, ClientError, Unreachable, WaitTimeout
from schedulezero.protocol.errors import Code
from schedulezero.runtime.errors import StartError

FAILED, UNREACHABLE = 1, 3

_DEMO = ("handler_12345", "do_work", {"message": "Hello World"})
_PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.1


class CheckFailed(Exception):
    """A step did not do what it should; the text says what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is run to try the system."""

    handler_id: str
    method_name: str
    params: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def chosen(cls, handler_id: str | None, method_name: str | None, params: str) -> Self:
        """Return the job that the options name; the demo's where they name none.

        Raises:
            StartError: they do not go together, or `params` is no JSON object.
        """
        if handler_id is None and method_name is None and params == "{}":
            return cls(handler_id=_DEMO[0], method_name=_DEMO[1], params=_DEMO[2])
        if handler_id is None or method_name is None:
            raise _usage("give --handler and --method together, or neither to use the demo's")
        return cls(handler_id=handler_id, method_name=method_name, params=_object(params))

    def __str__(self) -> str:
        return f"{self.handler_id}.{self.method_name}"


def selftest(url: str, job: Job) -> int:
    """Try the system at `url`: a tick for each step that works, a line for the first that does not."""
    try:
        with Client(url) as client:
            with _step("Handlers listed successfully"):
                _list(client, job)
            with _step("Job executed immediately"):
                _run_now(client, job)
            with _step("Job scheduled for future execution"):
                _schedule(client, job)
    except CheckFailed:
        return FAILED
    except Unreachable as error:
        print(f"schedulezero: {error}; start it with `schedulezero up`, or say where with --url", file=sys.stderr)
        return UNREACHABLE
    return 0


@contextmanager
def _step(name: str) -> Iterator[None]:
    try:
        yield
    except (CheckFailed, ClientError, WaitTimeout) as error:
        print(f"✗ {name}: {error}", file=sys.stderr)
        raise CheckFailed from error
    print(f"✓ {name}", flush=True)


def _list(client: Client, job: Job) -> None:
    known = {handler["id"]: handler for handler in client.handlers()}
    if job.handler_id not in known:
        listed = ", ".join(known) or "there are none"
        reason = f"{job.handler_id} is not among the handlers ({listed})"
        raise CheckFailed(f"{reason}; choose one with --handler and --method")
    handler = known[job.handler_id]
    if handler["status"] != "Connected":
        raise CheckFailed(f"{job.handler_id} is {handler['status']}")
    if job.method_name not in handler["methods"]:
        raise CheckFailed(f"{job.handler_id} offers {', '.join(handler['methods'])}, not {job.method_name}")


def _run_now(client: Client, job: Job) -> None:
    accepted = client.run_now(job.handler_id, job.method_name, job.params)
    _check_success(job, client.wait(accepted["execution_id"], timeout=_PATIENCE_SECONDS))


def _schedule(client: Client, job: Job) -> None:
    schedule_id = client.create_schedule(
        job.handler_id,
        job.method_name,
        {"type": "interval", "seconds": 1},
        job.params,
        schedule_id=f"selftest-{uuid.uuid4().hex[:12]}",
        max_runs=1,
    )
    try:
        fired = _first_execution(client, schedule_id)
        _check_success(job, client.wait(fired, timeout=_PATIENCE_SECONDS))
    finally:
        client.delete_schedule(schedule_id)


def _first_execution(client: Client, schedule_id: str) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (fired := client.executions(schedule_id=schedule_id)):
        if time.monotonic() >= deadline:
            raise CheckFailed(f"the schedule, due in a second, has not fired in {_PATIENCE_SECONDS:g}")
        time.sleep(_POLL_SECONDS)
    return str(fired[0]["execution_id"])


def _check_success(job: Job, execution: dict[str, Any]) -> None:
    if execution["status"] != "success":
        error = execution["error"] or {"type": execution["reason"], "message": "see its record"}
        told = f"{error['type']}: {error['message']}"
        raise CheckFailed(f"{job} ended as {execution['status']}, {told} (execution {execution['execution_id']})")


def _object(text: str) -> dict[str, Any]:
    try:
        params = json.loads(text)
    except json.JSONDecodeError as error:
        raise _usage(f"--params {text!r} is no JSON: {error}") from None
    if not isinstance(params, dict):
        raise _usage(f'--params {text!r} is no JSON object; write {{"name": value}}')
    return params


def _usage(message: str) -> StartError:
    return StartError.of(Code.INVALID_VALUE, f"selftest: {message}")
