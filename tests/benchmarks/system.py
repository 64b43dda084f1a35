"""ScheduleZero as it is measured: registry, scheduler, gateway and a handler, each a process of its own, over HTTP."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.programs import Program

from .http import Connection
from .machine import ROOT
from .marks import FILE, Marks, place
from .processes import family, thread_seconds

HANDLER = "bench"
_BATCH = 1_000
_START_SECONDS = 300.0


class Measured:
    """A contestant; see there.

    Args:
        directory: its state directory. A database that lies there already is used.
        environ: more settings.
    """

    def __init__(self, directory: Path, **environ: str) -> None:
        self.deployment = Deployment(directory)
        self.marks = Marks(place() / f"benchmark-marks-{os.getpid()}")
        surroundings = {FILE: str(self.marks.path), "PYTHONPATH": str(ROOT), **environ}
        for program in self.deployment.programs:
            program._environ |= surroundings
        self.deployment.environ |= surroundings
        self._connections = threading.local()
        self._stored_before = 0

    def __enter__(self) -> Self:
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.deployment.close()
        self.marks.path.unlink(missing_ok=True)

    def begin(self) -> None:
        """Start all, and return once a run has gone through."""
        for service in (self.deployment.registry, self.deployment.scheduler, self.deployment.web):
            service.start()
        self.deployment.await_ready(_START_SECONDS)
        self.handler = self.start_handler()
        self.warm_up()

    def start_handler(self, instance_id: str = "bench-1") -> Program:
        handler = self.deployment.serve(instance_id, "tests.benchmarks.jobs:bench").start()
        self.deployment.await_instances(instance_id, handler_id=HANDLER, within=_START_SECONDS)
        return handler

    def warm_up(self) -> None:
        for number in range(50):
            self.result(number)
        self.marks.clear()
        self.forget_stored()

    # -- as every contestant ---------------------------------------------------------------------------------------

    def enqueue_all(self, count: int) -> None:
        for start in range(0, count, _BATCH):
            runs = [job("noop", number) for number in range(start, min(count, start + _BATCH))]
            self.connection.post("/api/run_now/batch", {"runs": runs})

    def enqueue(self, number: int) -> object:
        return self.connection.post("/api/run_now", job("noop", number))

    def result(self, number: int) -> None:
        answer = self.connection.post("/api/run_now", {**job("noop", number), "wait_seconds": 30})
        assert answer["status"] == "success", answer

    def stored(self) -> int:
        return self._stored_in_all() - self._stored_before

    def schedule(self, number: int, due: float) -> None:
        self.create_schedule({**job("punctual", number), "trigger_config": {"type": "date", "run_date": iso(due)}})

    def pids(self) -> list[int]:
        return [pid for program in self.deployment.programs if program.running for pid in family(program.pid)]

    # -- besides ---------------------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """The connection of this thread."""
        found: Connection | None = getattr(self._connections, "one", None)
        if found is None:
            found = self._connections.one = Connection(self.deployment.ports["SCHEDULEZERO_TORNADO_PORT"])
        return found

    def create_schedule(self, body: dict[str, Any]) -> str:
        return str(self.connection.post("/api/schedule", body)["schedule_id"])

    def processor_seconds(self) -> dict[str, float]:
        """Return what each thread of each process has used so far, and this process."""
        deployment = self.deployment
        parts = {
            "scheduler": deployment.scheduler,
            "gateway": deployment.web,
            "handler": self.handler,
            "registry": deployment.registry,
        }
        found = {
            f"{name} {thread}": seconds
            for name, program in parts.items()
            for thread, seconds in thread_seconds(program.pid).items()
        }
        return {**found, "client": sum(thread_seconds(os.getpid()).values())}

    def forget_stored(self) -> None:
        """Count outcomes from now on."""
        self._stored_before = self._stored_in_all()

    def _stored_in_all(self) -> int:
        stats = self.connection.get("/api/executions/stats")
        return int(stats["success_count"])


def job(method: str, number: int) -> dict[str, Any]:
    """Return the body that asks for a task."""
    return {"handler_id": HANDLER, "method_name": method, "job_params": {"n": number}}


def iso(seconds: float) -> str:
    """Return an instant as the API takes it, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
