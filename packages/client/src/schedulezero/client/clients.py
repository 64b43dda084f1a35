"""The two clients: the same calls, answered at once or awaited."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

import httpx

from schedulezero.client import requests
from schedulezero.client.errors import Unreachable, WaitTimeout
from schedulezero.client.requests import TERMINAL, Record, Request

_POLL_SECONDS = 0.1


class Client:
    """Asks a server; close it, or use it in a `with` statement.

    Every call raises :class:`ClientError` when the server refuses and :class:`Unreachable` when there is none.

    Args:
        base_url: where the server is, such as `http://127.0.0.1:8888`.
    """

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> Record:
        """Return how the server and its components are."""
        return self._ask(requests.health())

    def handlers(self) -> list[Record]:
        """Return the handlers that are known."""
        return list(self._ask(requests.handlers())["handlers"])

    def create_schedule(
        self,
        handler_id: str,
        method_name: str,
        trigger_config: Record,
        job_params: Record | None = None,
        **options: Any,
    ) -> str:
        """Schedule a job and return the schedule's id; `options` are the API's, such as `max_runs=1`."""
        request = requests.create_schedule(handler_id, method_name, trigger_config, job_params, options)
        return str(self._ask(request)["schedule_id"])

    def schedule(self, schedule_id: str) -> Record:
        """Return one schedule."""
        return self._ask(requests.schedule(schedule_id))

    def schedules(self, **filters: Any) -> list[Record]:
        """Return the schedules that `filters` find: `handler_id`, `tag`, `paused`, `q`, `limit`, `cursor`."""
        return list(self._ask(requests.schedules(filters))["schedules"])

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a schedule; its executions stay."""
        self._ask(requests.delete_schedule(schedule_id))

    def explain(self, schedule_id: str, at: str | datetime) -> Record:
        """Return why a schedule did, did not, or will run at an instant.

        Args:
            schedule_id: the schedule; one that was deleted is known by what it has on record.
            at: the instant; without an offset or a `tzinfo` it is in the schedule's time zone.

        Returns:
            `decision`, `reason`, `text`, `evidence` and `execution_id`.
        """
        return self._ask(requests.explain(schedule_id, at))

    def run_now(
        self,
        handler_id: str,
        method_name: str,
        job_params: Record | None = None,
        *,
        wait_seconds: float = 0,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Record:
        """Run a job and return its `execution_id` and `status`, with `result` if it ended within `wait_seconds`."""
        return self._ask(requests.run_now(handler_id, method_name, job_params, wait_seconds, idempotency_key, options))

    def run_batch(self, runs: Sequence[Record], *, idempotency_key: str | None = None) -> list[str]:
        """Run many jobs, all or none, and return their execution ids in order."""
        return list(self._ask(requests.run_batch(runs, idempotency_key))["execution_ids"])

    def execution(self, execution_id: str) -> Record:
        """Return one execution with its attempts."""
        return self._ask(requests.execution(execution_id))

    def executions(self, **filters: Any) -> list[Record]:
        """Return executions, newest first: `handler_id`, `method_name`, `schedule_id`, `status`, `tag`, `limit`, …"""
        return list(self._ask(requests.executions(filters))["records"])

    def wait(self, execution_id: str, timeout: float = 60.0) -> Record:
        """Return an execution once it has ended.

        Args:
            execution_id: the execution.
            timeout: how long is waited, in seconds.

        Raises:
            WaitTimeout: it has not ended by then.
        """
        deadline = time.monotonic() + timeout
        while (record := self.execution(execution_id))["status"] not in TERMINAL:
            _check(deadline, record)
            time.sleep(_POLL_SECONDS)
        return record

    def _ask(self, request: Request) -> Record:
        with _reaching(self._http.base_url):
            response = self._http.send(request.sent_by(self._http))
        return requests.read(response)


class AsyncClient:
    """The calls of :class:`Client`, awaited; close it, or use it in an `async with` statement."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def health(self) -> Record:
        """As :meth:`Client.health`."""
        return await self._ask(requests.health())

    async def handlers(self) -> list[Record]:
        """As :meth:`Client.handlers`."""
        return list((await self._ask(requests.handlers()))["handlers"])

    async def create_schedule(
        self,
        handler_id: str,
        method_name: str,
        trigger_config: Record,
        job_params: Record | None = None,
        **options: Any,
    ) -> str:
        """As :meth:`Client.create_schedule`."""
        request = requests.create_schedule(handler_id, method_name, trigger_config, job_params, options)
        return str((await self._ask(request))["schedule_id"])

    async def schedule(self, schedule_id: str) -> Record:
        """As :meth:`Client.schedule`."""
        return await self._ask(requests.schedule(schedule_id))

    async def schedules(self, **filters: Any) -> list[Record]:
        """As :meth:`Client.schedules`."""
        return list((await self._ask(requests.schedules(filters)))["schedules"])

    async def delete_schedule(self, schedule_id: str) -> None:
        """As :meth:`Client.delete_schedule`."""
        await self._ask(requests.delete_schedule(schedule_id))

    async def explain(self, schedule_id: str, at: str | datetime) -> Record:
        """As :meth:`Client.explain`."""
        return await self._ask(requests.explain(schedule_id, at))

    async def run_now(
        self,
        handler_id: str,
        method_name: str,
        job_params: Record | None = None,
        *,
        wait_seconds: float = 0,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Record:
        """As :meth:`Client.run_now`."""
        return await self._ask(
            requests.run_now(handler_id, method_name, job_params, wait_seconds, idempotency_key, options)
        )

    async def run_batch(self, runs: Sequence[Record], *, idempotency_key: str | None = None) -> list[str]:
        """As :meth:`Client.run_batch`."""
        return list((await self._ask(requests.run_batch(runs, idempotency_key)))["execution_ids"])

    async def execution(self, execution_id: str) -> Record:
        """As :meth:`Client.execution`."""
        return await self._ask(requests.execution(execution_id))

    async def executions(self, **filters: Any) -> list[Record]:
        """As :meth:`Client.executions`."""
        return list((await self._ask(requests.executions(filters)))["records"])

    async def wait(self, execution_id: str, timeout: float = 60.0) -> Record:
        """As :meth:`Client.wait`."""
        deadline = time.monotonic() + timeout
        while (record := await self.execution(execution_id))["status"] not in TERMINAL:
            _check(deadline, record)
            await asyncio.sleep(_POLL_SECONDS)
        return record

    async def _ask(self, request: Request) -> Record:
        with _reaching(self._http.base_url):
            response = await self._http.send(request.sent_by(self._http))
        return requests.read(response)


@contextmanager
def _reaching(base_url: httpx.URL) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException:
        raise Unreachable(f"{base_url} does not answer in time") from None
    except httpx.TransportError as error:
        raise Unreachable(f"{base_url} cannot be reached: {error}") from None


def _check(deadline: float, record: Record) -> None:
    if time.monotonic() >= deadline:
        raise WaitTimeout(f"execution {record['execution_id']} has not ended yet; it is {record['status']}")
