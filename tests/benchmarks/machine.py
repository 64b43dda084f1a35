"""Where and of what a measurement is: the machine, its disk, the software, the commit."""

import os
import platform
import sqlite3
import statistics
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_FLUSHES = 30


def describe(directory: Path) -> dict[str, Any]:
    """Return what the figures depend on. `directory` is where the databases will be."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "flush_ms": flush_milliseconds(directory),
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in ("schedulezero", "pyzmq", "sqlalchemy", "tornado")},
    }


def flush_milliseconds(directory: Path) -> float:
    """Return how long the disk takes to make 4 KiB durable, the median of some."""
    file = directory / "flushed"
    seconds = []
    with file.open("wb", buffering=0) as opened:
        for _ in range(_FLUSHES):
            began = time.perf_counter()
            opened.write(bytes(4096))
            os.fsync(opened.fileno())
            seconds.append(time.perf_counter() - began)
    file.unlink()
    return round(statistics.median(seconds) * 1e3, 3)


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ("git", "-C", str(ROOT), *arguments)
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "packages", "services")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" with changes" if changed else "")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
