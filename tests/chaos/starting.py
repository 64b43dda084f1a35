"""The start of a system of processes, one system at a time: many at once would all be slow."""

from threading import Lock

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.programs import Program

_PATIENCE_SECONDS = 120.0
_turn = Lock()


def start(deployment: Deployment, *handlers: Program) -> None:
    """Start the services and these handlers; return once they work and the first handler is reached."""
    with _turn:
        for program in (deployment.registry, deployment.scheduler, deployment.web, *handlers):
            program.start()
        deployment.await_ready(within=_PATIENCE_SECONDS)
        deployment.await_instances(handlers[0].name, within=_PATIENCE_SECONDS)
