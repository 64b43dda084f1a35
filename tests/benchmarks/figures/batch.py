"""Many runs at once: from the first call to all outcomes stored."""

import time
from pathlib import Path
from typing import Protocol

from ..contestants import DURABLE_PEERS, ENTRIES, OURS, PEERS
from ..marks import Marks
from .figure import Figure, Measure

RUNS = 10_000
_RUNS_OF_PEERS, _RUNS_OF_SLOW_PEERS = 4_000, 1_500
"""They need seconds for each thousand, and keep their rate over any number."""
_SECONDS = 120.0


def measure(name: str, directory: Path) -> dict[str, float]:
    runs = RUNS if name == OURS else _RUNS_OF_SLOW_PEERS if name in DURABLE_PEERS else _RUNS_OF_PEERS
    with ENTRIES[name].open(directory) as contestant:
        return {"runs_per_second": round(runs / seconds_of(contestant, runs), 1), "runs": runs}


class Busy(Protocol):
    """The part of a contestant that takes many tasks."""

    @property
    def marks(self) -> Marks: ...

    def enqueue_all(self, count: int) -> None: ...

    def stored(self) -> int: ...


def seconds_of(contestant: Busy, runs: int) -> float:
    """Return how long it takes to hand over runs and to have all outcomes stored."""
    began = time.monotonic()
    contestant.enqueue_all(runs)
    contestant.marks.wait(runs, _SECONDS)
    while contestant.stored() < runs:
        if time.monotonic() - began > _SECONDS:
            raise TimeoutError(f"{contestant.stored()} of {runs} outcomes were stored after {_SECONDS:g} s")
        time.sleep(0.005)
    return time.monotonic() - began


FIGURE = Figure(
    name="batch",
    title="10,000 runs by the batch call, first call to all outcomes stored",
    contestants=(OURS, *PEERS, *(name for name in DURABLE_PEERS if name not in PEERS)),
    measures=(
        Measure(
            name="runs_per_second",
            title="rate",
            unit="runs/s",
            reach=5_000,
            aim=10_000,
            more_is_better=True,
            digits=0,
        ),
    ),
    measure=measure,
    seconds=180,
)
