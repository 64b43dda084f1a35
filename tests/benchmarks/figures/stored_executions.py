"""A million executions stored: whether it is as fast as with none, and how fast its pages are."""

import os
import shutil
import statistics
import time
from pathlib import Path

from ..contestants import OURS
from ..seeds import FILE, seed_executions
from ..system import HANDLER, Measured
from .batch import RUNS, seconds_of
from .figure import Figure, Measure
from .idle import latencies

_EXECUTIONS, _OVER_SECONDS = 1_000_000, 20 * 3600
_ASKED = 15
_FILTERS = (
    "",
    "status=error",
    "status=pending,running",
    f"handler_id={HANDLER}",
    f"handler_id={HANDLER}&status=error,timeout",
    "method_name=noop",
    "schedule_id=past-042",
    "schedule_id=past-042&status=error",
    "q=past-042",
)


def prepare(shared: Path) -> None:
    seed_executions(shared, _EXECUTIONS, over_seconds=_OVER_SECONDS)


def measure(_name: str, directory: Path) -> dict[str, float]:
    with Measured(directory / "empty") as system:
        empty = _speed(system)
    stored = directory / "stored"
    stored.mkdir(parents=True)
    shutil.copy(Path(os.environ["BENCHMARK_SHARED"]) / FILE, stored)
    with Measured(stored) as system:
        pages = [_page_seconds(system, query) for query in _FILTERS]
        full = _speed(system)
    return {
        "rate_share": round(full["rate"] / empty["rate"], 3),
        "idle_share": round(full["start_p50"] / empty["start_p50"], 3),
        "page_ms": round(max(pages) * 1e3, 2),
        "first_page_ms": round(pages[0] * 1e3, 2),
    }


def _speed(system: Measured) -> dict[str, float]:
    rate = RUNS / seconds_of(system, RUNS)
    system.marks.clear()
    return {"rate": rate, **latencies(system)}


def _page_seconds(system: Measured, query: str) -> float:
    """Return the median time of the first page that a filter finds, and of the one after it."""
    path, seconds = f"/api/executions?limit=100&{query}", []
    cursor = system.connection.get(path)["next_cursor"]
    following = f"{path}&cursor={cursor}" if cursor else path
    for asked in (path, following) * _ASKED:
        began = time.perf_counter()
        system.connection.get(asked)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


FIGURE = Figure(
    name="stored_executions",
    title="1,000,000 executions stored",
    contestants=(OURS,),
    measures=(
        Measure(
            name="rate_share",
            title="batch rate, of that with none",
            unit="",
            reach=0.9,
            aim=0.9,
            more_is_better=True,
            digits=2,
        ),
        Measure(name="idle_share", title="idle start, of that with none", unit="", reach=1.1, aim=1.1, digits=2),
        Measure(name="page_ms", title="slowest page of `/api/executions`", unit="ms", reach=30, aim=30),
        Measure(name="first_page_ms", title="its first page", unit="ms"),
    ),
    measure=measure,
    prepare=prepare,
    seconds=300,
)
