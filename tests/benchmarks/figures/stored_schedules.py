"""A million stored schedules of which a thousand are due each second: how fast it starts, how late it is, how large."""

import os
import shutil
import time
from pathlib import Path

from ..contestants import OURS
from ..processes import family, pss_megabytes
from ..seeds import FILE, move_schedules, seed_schedules
from ..system import Measured
from .figure import Figure, Measure
from .intervals import lateness

_SCHEDULES, _EVERY_SECONDS = 1_000_000, 1_000
_SETTLE_SECONDS, _WINDOW_SECONDS = 10, 30
_START_SECONDS = 240.0


def prepare(shared: Path) -> None:
    seed_schedules(shared, _SCHEDULES, every_seconds=_EVERY_SECONDS)


def measure(_name: str, directory: Path) -> dict[str, float]:
    directory.mkdir(parents=True)
    shutil.copy(Path(os.environ["BENCHMARK_SHARED"]) / FILE, directory)
    move_schedules(directory, every_seconds=_EVERY_SECONDS)
    system = Measured(directory)
    deployment = system.deployment
    try:
        deployment.registry.start()
        deployment.web.start()
        deployment.serve("bench-1", "tests.benchmarks.jobs:bench").start()
        began = time.monotonic()
        deployment.scheduler.start()
        deployment.await_ready(_START_SECONDS)
        started = time.monotonic() - began
        begin = time.time() + _SETTLE_SECONDS
        time.sleep(_SETTLE_SECONDS + _WINDOW_SECONDS + 2)
        marks = [mark for mark in system.marks.read() if begin <= mark.due < begin + _WINDOW_SECONDS]
        return {
            "start_seconds": round(started, 2),
            "missed": round(_SCHEDULES / _EVERY_SECONDS * _WINDOW_SECONDS) - len({mark.number for mark in marks}),
            "scheduler_mb": pss_megabytes(family(deployment.scheduler.pid)),
            **lateness(marks),
        }
    finally:
        system.__exit__()


FIGURE = Figure(
    name="stored_schedules",
    title="1,000,000 stored schedules, 1,000 due a second",
    contestants=(OURS,),
    measures=(
        Measure(name="start_seconds", title="start to serving", unit="s", reach=5, aim=5),
        Measure(name="missed", title="missed of 30,000", unit="", digits=0),
        Measure(name="late_p50", title="late, median", unit="ms"),
        Measure(name="late_p99", title="late, 99th percentile", unit="ms", reach=150, aim=150),
        Measure(name="scheduler_mb", title="scheduler's memory", unit="MB", reach=250, aim=150, digits=0),
    ),
    measure=measure,
    prepare=prepare,
    seconds=420,
)
