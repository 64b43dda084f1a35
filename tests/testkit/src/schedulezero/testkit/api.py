"""The REST API as its callers see it: requests as they are sent, responses as they come."""

from collections.abc import Iterator
from typing import Any, Self

import httpx

from schedulezero.testkit.waiting import eventually

ENDED = frozenset({"success", "error", "timeout", "cancelled", "skipped"})

_TIMEOUT_SECONDS = 30.0


class Api(httpx.Client):
    """A connection to a gateway; close it, or use it in a `with` statement. Threads take one each.

    Args:
        url: where the gateway is.
    """

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False)
        self.url = url

    def again(self) -> Self:
        """Return a further connection to the same gateway."""
        return type(self)(self.url)

    def reaches(self, path: str, status: int = 200) -> bool:
        """Tell whether a path answers with `status` now."""
        try:
            return self.get(path).status_code == status
        except httpx.TransportError:
            return False

    def read(self, path: str, **query: Any) -> Any:
        """Return the JSON of a path that answers 200."""
        return _body(self.get(path, params=query))

    def do(self, path: str, body: Any = None, *, status: int | None = None, key: str | None = None) -> Any:
        """Post `body` as JSON, or nothing, and return the JSON of the answer, which is of success or of `status`.

        `key` is the idempotency key.
        """
        headers = {} if key is None else {"Idempotency-Key": key}
        return _body(self.post(path, json=body, headers=headers), status)

    def run(self, handler_id: str, method_name: str, job_params: Any = None, **options: Any) -> Any:
        """Run a job now and return the answer; see `wait_seconds`."""
        return self.do("/api/run_now", job(handler_id, method_name, job_params, **options))

    def schedule(self, handler_id: str, method_name: str, trigger: Any, job_params: Any = None, **options: Any) -> str:
        """Schedule a job and return the schedule's id."""
        body = job(handler_id, method_name, job_params, trigger_config=trigger, **options)
        return str(self.do("/api/schedule", body)["schedule_id"])

    def execution(self, execution_id: str) -> dict[str, Any]:
        return dict(self.read(f"/api/executions/{execution_id}"))

    def executions(self, **filters: Any) -> list[dict[str, Any]]:
        """Return all executions that `filters` find, page by page, newest first."""
        return list(self._pages("/api/executions", "records", filters))

    def ended(self, execution_id: str, *, within: float = 15.0) -> dict[str, Any]:
        """Return an execution once it has ended."""

        def look() -> dict[str, Any] | None:
            record = self.execution(execution_id)
            assert record["status"] in ENDED, f"it is {record['status']}"
            return record

        return eventually(look, within=within, what=f"the end of execution {execution_id}")

    def instances(self, handler_id: str) -> dict[str, str]:
        """Return the status of each instance of a handler, by instance id; empty where it is not known."""
        known = {handler["id"]: handler for handler in self.read("/api/handlers")["handlers"]}
        return {one["instance_id"]: one["status"] for one in known.get(handler_id, {"instances": ()})["instances"]}

    def _pages(self, path: str, field: str, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self.read(path, **filters, limit=1000, **({"cursor": cursor} if cursor else {}))
            yield from page[field]
            cursor = page["next_cursor"]
            if cursor is None:
                return


def job(handler_id: str, method_name: str, job_params: Any = None, **options: Any) -> dict[str, Any]:
    """Return the body that asks for a job."""
    return {"handler_id": handler_id, "method_name": method_name, "job_params": job_params or {}, **options}


def _body(response: httpx.Response, status: int | None = None) -> Any:
    as_asked = response.is_success if status is None else response.status_code == status
    assert as_asked, f"{response.request.method} {response.url}: {response.status_code} {response.text[:500]}"
    return response.json()
