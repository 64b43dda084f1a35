"""A ScheduleZero of a test's own: its ports, its state directory, its processes."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from schedulezero.testkit.api import Api
from schedulezero.testkit.handlers import DIARY, INSTANCE_ID, Run, read_diary
from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

_PORTS = (
    "SCHEDULEZERO_TORNADO_PORT",
    "SCHEDULEZERO_ZRPC_PORT",
    "SCHEDULEZERO_REGISTRY_EVENTS_PORT",
    "SCHEDULEZERO_SCHEDULER_PORT",
    "SCHEDULEZERO_SCHEDULER_EVENTS_PORT",
    "SCHEDULEZERO_REGISTRY_METRICS_PORT",
    "SCHEDULEZERO_SCHEDULER_METRICS_PORT",
)
_START_SECONDS = 60.0

_SCHEDULEZERO = (sys.executable, "-m", "schedulezero.standalone")


class Deployment:
    """Processes that belong together. Nothing runs before it is started; `close` ends all that does.

    Args:
        directory: where its state and its logs are kept.
        database: the URL of its database, if not a file in the directory.
    """

    def __init__(self, directory: Path, database: str | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self.environ = {**_surroundings(), **{name: str(port) for name, port in self.ports.items()}}
        self.environ |= {"SCHEDULEZERO_STATE_DIR": str(directory), DIARY: str(directory / "diary")}
        if database is not None:
            self.environ["SCHEDULEZERO_DATABASE_URL"] = database
        self.programs: list[Program] = []
        self.registry = self.program("registry", (*_SCHEDULEZERO, "registry"))
        self.scheduler = self.program("scheduler", (*_SCHEDULEZERO, "scheduler"))
        self.web = self.program("web", (*_SCHEDULEZERO, "web"))
        self.api = Api(f"http://127.0.0.1:{self.ports['SCHEDULEZERO_TORNADO_PORT']}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, handlers first."""
        self.api.close()
        for program in reversed(self.programs):
            program.close()

    def endpoint(self, variable: str) -> str:
        """Return the address of the socket whose port this variable sets."""
        return f"tcp://127.0.0.1:{self.ports[variable]}"

    # -- programs --------------------------------------------------------------------------------------------------

    def program(self, name: str, command: Sequence[str], **environ: str) -> Program:
        """Return a program in this deployment's surroundings, not yet started."""
        program = Program(name, command, environ=self.environ | environ, directory=self.directory)
        self.programs.append(program)
        return program

    def up(self, *options: str) -> Program:
        """Start `schedulezero up`, and return it once it can work."""
        program = self.program("up", (*_SCHEDULEZERO, "up", *options)).start()
        self.await_ready()
        return program

    def start(self) -> None:
        """Start registry, scheduler and gateway, each a process of its own, and return once they can work."""
        for service in (self.registry, self.scheduler, self.web):
            service.start()
        self.await_ready()

    def handler(self, instance_id: str, handler_id: str = "work", **environ: str) -> Program:
        """Return one instance of a handler of the testkit, not yet started."""
        return self.serve(instance_id, f"schedulezero.testkit.handlers:{handler_id}", **environ)

    def serve(self, instance_id: str, handler: str, **environ: str) -> Program:
        """Return one instance of the handler at `MODULE:NAME`, not yet started."""
        command = (*_SCHEDULEZERO, "handler", handler)
        return self.program(instance_id, command, **{INSTANCE_ID: instance_id, **environ})

    # -- states ----------------------------------------------------------------------------------------------------

    def await_ready(self, within: float = _START_SECONDS) -> None:
        """Return once registry, scheduler and database answer through the gateway."""
        eventually(lambda: self.api.reaches("/api/health/ready"), within=within, what="readiness")

    def await_instances(self, *instance_ids: str, handler_id: str = "work", within: float = _START_SECONDS) -> None:
        """Return once these instances, and a scheduler that reaches them, are there."""

        def reached() -> bool:
            known = self.api.instances(handler_id)
            assert all(known[one] == "Connected" for one in instance_ids), known
            return self.api.post(f"/api/handlers/{handler_id}/ping").status_code == 200

        eventually(reached, within=within, what=f"{', '.join(instance_ids)} to be reached")

    @property
    def diary(self) -> list[Run]:
        """The real runs of all handlers."""
        return read_diary(self.directory / "diary")

    @property
    def tracebacks(self) -> list[str]:
        """The log lines of any program that tell of an exception."""
        return [f"{one.name}: {line}" for one in self.programs for line in one.said("Traceback")]


NewDeployment = Callable[[str], Deployment]
"""Makes a deployment of that name, of which nothing runs yet."""


def _surroundings() -> dict[str, str]:
    """The environment without what would set up another instance."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULEZERO_")}
