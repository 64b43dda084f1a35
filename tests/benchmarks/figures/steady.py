"""Single runs at a steady rate, whatever becomes of those before: how long after its time each begins."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..contestants import ENTRIES, OURS, PEERS, Contestant
from ..numbers import milliseconds
from .figure import Figure, Measure

_RATE, _SECONDS, _CALLERS = 500, 10, 8
_PATIENCE_SECONDS = 60.0


def measure(name: str, directory: Path) -> dict[str, float]:
    with ENTRIES[name].open(directory) as contestant:
        return latencies(contestant)


def latencies(contestant: Contestant) -> dict[str, float]:
    """Ask at fixed instants, by several callers in turn; a start is measured from its instant, late callers or not."""
    runs, lock = _RATE * _SECONDS, threading.Lock()
    first = time.time() + 0.2
    numbers = iter(range(runs))

    def call() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            time.sleep(max(0.0, first + number / _RATE - time.time()))
            contestant.enqueue(number)

    with ThreadPoolExecutor(_CALLERS) as callers:
        for caller in [callers.submit(call) for _ in range(_CALLERS)]:
            caller.result()
    contestant.marks.wait(runs, _PATIENCE_SECONDS)
    late = [mark.began - (first + mark.number / _RATE) for mark in contestant.marks.read()]
    return milliseconds(late, start_p50=0.5, start_p99=0.99, start_max=1.0)


FIGURE = Figure(
    name="steady",
    title="500 single runs a second for 10 s",
    contestants=(OURS, *PEERS),
    measures=(
        Measure(name="start_p50", title="to the start, median", unit="ms", reach=8, aim=4, digits=2),
        Measure(name="start_p99", title="to the start, 99th percentile", unit="ms", reach=40, aim=15, digits=2),
    ),
    measure=measure,
    seconds=120,
)
