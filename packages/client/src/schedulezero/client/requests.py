"""The calls of the REST API as values: what is sent, and how the answer is read. Nothing here does I/O."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from schedulezero.client.errors import ClientError

Record = dict[str, Any]
"""A JSON object as the server sent it; times are ISO 8601 texts."""

TERMINAL = frozenset({"success", "error", "timeout", "cancelled", "skipped"})
"""The statuses of executions that have ended."""

# What the server may take for its own work on top of the wait that it was asked for.
_MARGIN_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call; `timeout` is in seconds."""

    method: str
    path: str
    body: Record | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = _MARGIN_SECONDS

    def sent_by(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Return it as `client` sends it."""
        return client.build_request(
            self.method,
            self.path,
            json=self.body,
            params=self.query,
            headers=dict(self.headers),
            timeout=self.timeout,
        )


def health() -> Request:
    return Request(method="GET", path="/api/health")


def handlers() -> Request:
    return Request(method="GET", path="/api/handlers")


def create_schedule(
    handler_id: str, method_name: str, trigger_config: Record, job_params: Record | None, options: Record
) -> Request:
    body = {**_job(handler_id, method_name, job_params), "trigger_config": trigger_config, **options}
    return Request(method="POST", path="/api/schedule", body=body)


def schedule(schedule_id: str) -> Request:
    return Request(method="GET", path=f"/api/schedules/{quote(schedule_id, safe='')}")


def schedules(filters: Record) -> Request:
    return Request(method="GET", path="/api/schedules", query=_query(filters))


def delete_schedule(schedule_id: str) -> Request:
    return Request(method="DELETE", path=f"/api/schedules/{quote(schedule_id, safe='')}")


def explain(schedule_id: str, at: str | datetime) -> Request:
    written = at.isoformat() if isinstance(at, datetime) else at
    return Request(method="GET", path=f"/api/schedules/{quote(schedule_id, safe='')}/explain", query={"at": written})


def run_now(
    handler_id: str,
    method_name: str,
    job_params: Record | None,
    wait_seconds: float,
    idempotency_key: str | None,
    options: Record,
) -> Request:
    body = {**_job(handler_id, method_name, job_params), "wait_seconds": wait_seconds, **options}
    return Request(
        method="POST",
        path="/api/run_now",
        body=body,
        headers=_idempotent(idempotency_key),
        timeout=wait_seconds + _MARGIN_SECONDS,
    )


def run_batch(runs: Sequence[Record], idempotency_key: str | None) -> Request:
    headers = _idempotent(idempotency_key)
    return Request(method="POST", path="/api/run_now/batch", body={"runs": list(runs)}, headers=headers)


def execution(execution_id: str) -> Request:
    return Request(method="GET", path=f"/api/executions/{quote(execution_id, safe='')}")


def executions(filters: Record) -> Request:
    return Request(method="GET", path="/api/executions", query=_query(filters))


def read(response: httpx.Response) -> Record:
    """Return the answer.

    Raises:
        ClientError: the server refused or failed, or is none of ours.
    """
    try:
        answer = response.json()
    except json.JSONDecodeError:
        raise _foreign(response) from None
    if not isinstance(answer, dict):
        raise _foreign(response)
    if response.is_success:
        return answer
    error = answer.get("error")
    if not isinstance(error, dict):
        raise _foreign(response)
    raise ClientError(error["code"], error["message"], error.get("details", ()), response.status_code)


def _job(handler_id: str, method_name: str, job_params: Record | None) -> Record:
    return {"handler_id": handler_id, "method_name": method_name, "job_params": job_params or {}}


def _idempotent(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}


def _query(filters: Record) -> dict[str, Any]:
    return {name: _written(value) for name, value in filters.items() if value is not None}


def _written(value: Any) -> Any:
    return ",".join(value) if isinstance(value, (list, tuple)) else value


def _foreign(response: httpx.Response) -> ClientError:
    message = f"{response.url} answers {response.status_code} with something that is no answer of ScheduleZero"
    return ClientError("no_schedulezero", message, (), response.status_code)
