"""What becomes of the batch rate and of the idle start as one thing grows: payloads, instances, connections."""

from pathlib import Path

from ..contestants import OURS
from ..http import Connection
from ..system import Measured, job
from .batch import seconds_of
from .figure import Figure, Measure
from .idle import latencies

_RUNS = 2_000
_PAYLOADS = {1_000: 2_000, 10_000: 1_000, 100_000: 300}
"""Bytes of the parameters, and how many runs."""
_BODY_BYTES = 7_000_000
_INSTANCES, _CONNECTIONS = 4, 500


def measure(_name: str, directory: Path) -> dict[str, float]:
    with Measured(directory) as system:
        found = {"rate": _rate(system, _RUNS)}
        for size, runs in _PAYLOADS.items():
            found[f"rate_{size}"] = _rate(_Laden(system, size), runs)
        found["start_p50"] = latencies(_fresh(system))["start_p50"]
        port = system.deployment.ports["SCHEDULEZERO_TORNADO_PORT"]
        connections = [Connection(port) for _ in range(_CONNECTIONS)]
        found["start_p50_connections"] = latencies(_fresh(system))["start_p50"]
        for connection in connections:
            connection.__exit__()
        for number in range(2, _INSTANCES + 1):
            system.start_handler(f"bench-{number}")
        found["rate_instances"] = _rate(system, _RUNS)
        return found


class _Laden:
    """The system, with runs whose parameters are large."""

    def __init__(self, system: Measured, size: int) -> None:
        self.marks, self.stored = system.marks, system.stored
        self._system, self._text = system, "x" * size

    def enqueue_all(self, count: int) -> None:
        together = max(1, min(1_000, _BODY_BYTES // len(self._text)))
        for start in range(0, count, together):
            runs = [self._run(number) for number in range(start, min(count, start + together))]
            self._system.connection.post("/api/run_now/batch", {"runs": runs})

    def _run(self, number: int) -> dict[str, object]:
        return {**job("laden", number), "job_params": {"n": number, "text": self._text}}


def _rate(system: "Measured | _Laden", runs: int) -> float:
    rate = round(runs / seconds_of(system, runs), 1)
    _fresh(system if isinstance(system, Measured) else system._system)
    return rate


def _fresh(system: Measured) -> Measured:
    """Forget what has been measured so far."""
    system.marks.clear()
    system.forget_stored()
    return system


FIGURE = Figure(
    name="growth",
    title="As one thing grows",
    contestants=(OURS,),
    measures=(
        Measure(name="rate", title="2,000 runs in batches", unit="runs/s", digits=0),
        *(
            Measure(name=f"rate_{size}", title=f"with parameters of {size // 1000:,} kB", unit="runs/s", digits=0)
            for size in _PAYLOADS
        ),
        Measure(name="rate_instances", title=f"with {_INSTANCES} instances", unit="runs/s", digits=0),
        Measure(name="start_p50", title="idle start, median", unit="ms", digits=2),
        Measure(name="start_p50_connections", title=f"with {_CONNECTIONS} more connections open", unit="ms", digits=2),
    ),
    measure=measure,
    seconds=180,
)
