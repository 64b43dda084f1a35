"""Thousands of schedules of one second: whether each fires each second, and how late."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..contestants import OURS
from ..marks import Mark
from ..numbers import milliseconds
from ..system import Measured, iso, job
from .figure import Figure, Measure

_SCHEDULES, _SECONDS = 5_000, 60
_CALLERS = 8
_PER_CREATION_SECONDS = 0.005
_PATIENCE_SECONDS = 30.0


def measure(_name: str, directory: Path) -> dict[str, float]:
    with Measured(directory) as system:
        first = time.time() + _SCHEDULES * _PER_CREATION_SECONDS
        with ThreadPoolExecutor(_CALLERS) as callers:
            list(callers.map(lambda number: _create(system, number, first), range(_SCHEDULES)))
        lead = first - time.time()
        # The first second is not counted: then everything is met for the first time.
        begin, end = first + 1, first + 1 + _SECONDS
        time.sleep(max(0.0, end - time.time()))
        _settle(system, end)
        marks = [mark for mark in system.marks.read() if begin <= mark.due < end]
        return {"missed": _SCHEDULES * _SECONDS - len(_fires(marks)), "lead_seconds": round(lead, 1), **lateness(marks)}


def lateness(marks: list[Mark]) -> dict[str, float]:
    """Return how late those began that began; nothing where none did."""
    late = [mark.began - mark.due for mark in marks]
    return milliseconds(late, late_p50=0.5, late_p99=0.99, late_max=1.0) if late else {}


def _create(system: Measured, number: int, first: float) -> None:
    """The schedules are spread over the second, and all begin when the last has been created."""
    start = first + number / _SCHEDULES
    trigger = {"type": "interval", "seconds": 1, "start_time": iso(start)}
    system.create_schedule({**job("punctual", number), "trigger_config": trigger})


def _settle(system: Measured, end: float) -> None:
    """Return once what was due before `end` has begun, or will not."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        latest = system.marks.read()[-1:]
        if not latest or latest[0].due >= end:
            return
        time.sleep(0.1)


def _fires(marks: list[Mark]) -> set[tuple[int, int]]:
    return {(mark.number, round(mark.due * 1000)) for mark in marks}


FIGURE = Figure(
    name="intervals",
    title="5,000 schedules of one second, 60 s",
    contestants=(OURS,),
    measures=(
        Measure(name="missed", title="missed of 300,000", unit="", reach=0, aim=0, digits=0),
        Measure(name="late_p50", title="late, median", unit="ms"),
        Measure(name="late_p99", title="late, 99th percentile", unit="ms", reach=150, aim=50),
    ),
    measure=measure,
    seconds=240,
)
