"""Where the time goes: the processor time of each thread for each of 10,000 runs by the batch call."""

from pathlib import Path

from ..contestants import OURS
from ..processes import more_than
from ..system import Measured
from .batch import RUNS, seconds_of
from .figure import Figure, Measure

STAGES = {
    "client": "the client",
    "gateway loop": "gateway: HTTP, validation",
    "scheduler loop": "scheduler: commands, decisions, messages, events",
    "scheduler others": "scheduler: the writer's thread",
    "scheduler sockets": "scheduler: ZeroMQ",
    "handler loop": "handler: messages, the method",
    "handler sockets": "handler: ZeroMQ",
    "gateway sockets": "gateway: ZeroMQ",
    "registry loop": "registry",
}


def measure(_name: str, directory: Path) -> dict[str, float]:
    with Measured(directory) as system:
        before = system.processor_seconds()
        wall = seconds_of(system, RUNS)
        used = more_than(system.processor_seconds(), before)
    per_run = {name: seconds * 1e6 / RUNS for name, seconds in used.items()}
    return {"wall": wall * 1e6 / RUNS, "all": sum(per_run.values()), **per_run}


FIGURE = Figure(
    name="stages",
    title="Processor time of a run in a batch, by thread",
    contestants=(OURS,),
    measures=(
        Measure(name="wall", title="time that passes", unit="µs"),
        Measure(name="all", title="all threads", unit="µs"),
        *(Measure(name=name, title=title, unit="µs") for name, title in STAGES.items()),
    ),
    measure=measure,
)
