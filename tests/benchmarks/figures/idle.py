"""One run at a time on a system with nothing else to do: how long until it begins, and until its result is there."""

import random
import time
from pathlib import Path

from ..contestants import ENTRIES, OURS, PEERS, Contestant
from ..numbers import milliseconds
from .figure import Figure, Measure

_RUNS = 300
_LONGEST_SECONDS = 30.0
_PAUSE_SECONDS = (0.002, 0.018)


def measure(name: str, directory: Path) -> dict[str, float]:
    with ENTRIES[name].open(directory) as contestant:
        return latencies(contestant)


def latencies(contestant: Contestant) -> dict[str, float]:
    """Ask for one run after another, with irregular pauses."""
    pauses = random.Random(1)
    asked: list[float] = []
    results: list[float] = []
    end = time.monotonic() + _LONGEST_SECONDS
    while len(asked) < _RUNS and time.monotonic() < end:
        asked.append(time.time())
        began = time.monotonic()
        contestant.result(len(asked) - 1)
        results.append(time.monotonic() - began)
        time.sleep(pauses.uniform(*_PAUSE_SECONDS))
    starts = [mark.began - asked[mark.number] for mark in contestant.marks.read()]
    return {
        **milliseconds(starts, start_p50=0.5, start_p99=0.99),
        **milliseconds(results, result_p50=0.5, result_p99=0.99),
        "asked": len(asked),
    }


MEASURES = (
    Measure(name="start_p50", title="to the start, median", unit="ms", reach=4, aim=2, digits=2),
    Measure(name="start_p99", title="to the start, 99th percentile", unit="ms", reach=12, aim=6, digits=2),
    Measure(name="result_p50", title="to the result, median", unit="ms", reach=6, aim=3.5, digits=2),
)
FIGURE = Figure(
    name="idle",
    title="A run asked for on an idle system",
    contestants=(OURS, *PEERS),
    measures=MEASURES,
    measure=measure,
)
