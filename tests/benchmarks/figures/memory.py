"""The memory of processes that wait for work, and after work."""

import time
from pathlib import Path

from ..contestants import ENTRIES, OURS, PEERS
from ..processes import family, pss_megabytes
from ..system import Measured
from .batch import seconds_of
from .figure import Figure, Measure

_RUNS = 100_000
_QUIET_SECONDS = 5.0
_PAGES = ("/", "/schedules/", "/executions/", "/handlers/", "/docs/")


def measure(name: str, directory: Path) -> dict[str, float]:
    if name == OURS:
        return _of_ours(directory)
    with ENTRIES[name].open(directory) as contestant:
        time.sleep(_QUIET_SECONDS)
        return {"all_mb": pss_megabytes(contestant.pids())}


def _of_ours(directory: Path) -> dict[str, float]:
    system = _Standalone(directory)
    with system:
        for page in _PAGES:
            system.deployment.api.get(page)
        time.sleep(_QUIET_SECONDS)
        idle = pss_megabytes(family(system.standalone.pid))
        handler = pss_megabytes(family(system.handler.pid))
        for _ in range(_RUNS // 10_000):
            seconds_of(system, 10_000)
            system.marks.clear()
            system.forget_stored()
        time.sleep(_QUIET_SECONDS)
        return {
            "standalone_mb": idle,
            "handler_mb": handler,
            "after_mb": pss_megabytes(family(system.standalone.pid)),
            "all_mb": round(idle + handler, 1),
        }


class _Standalone(Measured):
    """Registry, scheduler and gateway in one process."""

    def begin(self) -> None:
        self.standalone = self.deployment.up()
        self.handler = self.start_handler()
        self.warm_up()


FIGURE = Figure(
    name="memory",
    title="Memory",
    contestants=(OURS, *PEERS),
    measures=(
        Measure(name="all_mb", title="all processes, idle", unit="MB"),
        Measure(name="standalone_mb", title="standalone, idle", unit="MB", reach=80, aim=65),
        Measure(name="handler_mb", title="one handler", unit="MB", reach=30, aim=24),
        Measure(name="after_mb", title="standalone after 100,000 runs", unit="MB", reach=110, aim=90),
    ),
    measure=measure,
    seconds=420,
)
