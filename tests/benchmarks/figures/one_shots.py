"""Many schedules of one instant: how late each begins."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..contestants import ENTRIES, OURS, PEERS, Contestant
from ..numbers import milliseconds
from .figure import Figure, Measure

_SCHEDULES, _CALLERS = 1_000, 4
_LEAD_SECONDS, _PATIENCE_SECONDS = 12.0, 60.0


def measure(name: str, directory: Path) -> dict[str, float]:
    with ENTRIES[name].open(directory) as contestant:
        return lateness(contestant)


def lateness(contestant: Contestant) -> dict[str, float]:
    """Schedule them all well ahead."""
    due = time.time() + _LEAD_SECONDS
    with ThreadPoolExecutor(_CALLERS) as callers:
        list(callers.map(lambda number: contestant.schedule(number, due), range(_SCHEDULES)))
    left = due - time.time()
    contestant.marks.wait(_SCHEDULES, _LEAD_SECONDS + _PATIENCE_SECONDS)
    late = [mark.began - due for mark in contestant.marks.read()]
    return {
        **milliseconds(late, late_min=0.0, late_p50=0.5, late_p99=0.99, late_max=1.0),
        "schedules_per_second": round(_SCHEDULES / (_LEAD_SECONDS - left), 1),
        "seconds_left": round(left, 2),
        "early": sum(1 for one in late if one < 0),
    }


FIGURE = Figure(
    name="one_shots",
    title="1,000 one-shot schedules at one instant",
    contestants=(OURS, *PEERS),
    measures=(
        Measure(name="late_p50", title="late, median", unit="ms", reach=50, aim=15),
        Measure(name="late_max", title="late, the last", unit="ms", reach=150, aim=50),
    ),
    measure=measure,
    seconds=150,
)
