"""What a system is kept busy with while its processes fail: schedules of a second, and runs asked for over HTTP."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, product
from random import Random
from threading import Event
from typing import Any

import httpx

from schedulezero.testkit.api import Api, job
from schedulezero.testkit.waiting import eventually

HANDLER = "work"
EVERY_SECOND = {"type": "interval", "seconds": 1}
POLICIES = list(product(("latest", "all", "skip"), ("skip", "allow", "queue_all")))
"""Catch-up and overlap of the schedules, one of each."""

GRACE_SECONDS = 2.0
MAX_CATCH_UP = 20
"""Few, as they run one after another: what is looked at is that they are counted, not how long they take."""

RETRY = {"max_attempts": 50, "base_seconds": 0.1, "factor": 1}
"""However often the process is killed that runs an attempt, another one follows."""

_BATCH = 5
_CALLERS = 2
_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 90.0
_LONGEST_RUN_SECONDS = 0.3


@dataclass(slots=True)
class Load:
    """Schedules that fire every second, and callers that ask until they are told to stop.

    A caller asks again, by the same idempotency key, until it is told that its runs are accepted.

    Args:
        api: the system.
        random: what the runs' lengths are drawn from.
    """

    api: Api
    random: Random
    schedules: list[str] = field(default_factory=list)
    accepted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    strange_answers: list[str] = field(default_factory=list)
    _stop: Event = field(default_factory=Event)
    _callers: list[Future[None]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Create the schedules and keep asking in the block; at its end all that was asked for is accepted."""
        self.schedules = [self._schedule(catch_up, overlap) for catch_up, overlap in POLICIES]
        with ThreadPoolExecutor(_CALLERS) as threads:
            self._callers = [threads.submit(self._call, number) for number in range(_CALLERS)]
            try:
                yield
            finally:
                self._stop.set()
        for caller in self._callers:
            caller.result()

    @property
    def accepted_ids(self) -> list[str]:
        return [id_ for ids in self.accepted.values() for id_ in ids]

    def run(self, seconds: float, **options: Any) -> dict[str, Any]:
        """Ask for one run besides, of this length; it is among the accepted then."""
        answer: dict[str, Any] = self.api.run(HANDLER, "sign", {"seconds": seconds}, retry=RETRY, **options)
        self.accepted[f"besides {answer['execution_id']}"] = (answer["execution_id"],)
        return answer

    def run_for_certain(self, key: str, seconds: float, **options: Any) -> dict[str, Any]:
        """As `run`, and ask again with the same key where nobody can say whether it was accepted."""
        body = job(HANDLER, "sign", {"seconds": seconds}, retry=RETRY, **options)
        answer: dict[str, Any] = eventually(
            lambda: self.api.do("/api/run_now", body, key=key), within=_PATIENCE_SECONDS, what=f"an answer to {key}"
        )
        self.accepted[key] = (answer["execution_id"],)
        return answer

    def await_progress(self) -> None:
        """Return once every caller has been told of further runs, and every schedule has fired again."""
        asked, fired = len(self.accepted), self._fires()
        eventually(lambda: len(self.accepted) >= asked + 2 * _CALLERS, within=_PATIENCE_SECONDS, what="accepted runs")
        eventually(
            lambda: all(now > before for now, before in zip(self._fires(), fired, strict=True)),
            within=_PATIENCE_SECONDS,
            what="fires of every schedule",
        )

    def _fires(self) -> list[int]:
        def look() -> list[int]:
            runs = {one["id"]: one["runs"] for one in self.api.read("/api/schedules", limit=1000)["schedules"]}
            return [runs[id_] for id_ in self.schedules]

        return eventually(look, within=_PATIENCE_SECONDS, what="the schedules")

    def _schedule(self, catch_up: str, overlap: str) -> str:
        return self.api.schedule(
            HANDLER,
            "sign",
            EVERY_SECOND,
            schedule_id=f"{catch_up}-{overlap}",
            catch_up=catch_up,
            max_catch_up=MAX_CATCH_UP,
            misfire_grace_seconds=GRACE_SECONDS,
            overlap=overlap,
            retry=RETRY,
        )

    # -- callers ---------------------------------------------------------------------------------------------------

    def _call(self, caller: int) -> None:
        with self.api.again() as connection:
            for number in count():
                self._accept(connection, f"caller {caller} call {number}", alone=number % 2 == 0)
                if self._stop.wait(_PAUSE_SECONDS):
                    return

    def _accept(self, api: Api, key: str, *, alone: bool) -> None:
        path = "/api/run_now" if alone else "/api/run_now/batch"
        body = self._run() if alone else {"runs": [self._run() for _ in range(_BATCH)]}
        self.accepted[key] = eventually(
            lambda: self._ask(api, path, body, key), within=_PATIENCE_SECONDS, what=f"the acceptance of {key}"
        )

    def _run(self) -> dict[str, Any]:
        seconds = self.random.uniform(0, _LONGEST_RUN_SECONDS)
        return job(HANDLER, "sign", {"seconds": round(seconds, 3)}, retry=RETRY)

    def _ask(self, api: Api, path: str, body: dict[str, Any], key: str) -> tuple[str, ...] | None:
        try:
            response = api.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return None
        if response.is_success:
            answer = response.json()
            return tuple(answer["execution_ids"]) if "execution_ids" in answer else (answer["execution_id"],)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self.strange_answers.append(f"{response.status_code} {response.text[:300]}")
        return None
