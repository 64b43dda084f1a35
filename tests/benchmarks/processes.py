"""What processes cost: their memory by what they alone and together hold, and the processor time of their threads."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil


def family(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    root = psutil.Process(pid)
    return [root.pid, *(child.pid for child in root.children(recursive=True))]


def pss_megabytes(pids: Iterable[int]) -> float:
    """Return the memory of processes, what they share counted once in parts (proportional set size)."""
    return round(sum(map(_pss_kilobytes, pids)) / 1000, 1)


def thread_seconds(pid: int) -> dict[str, float]:
    """Return the processor time of a process: of its first thread, `loop`, of ZeroMQ's, `sockets`, and of `others`."""
    seconds = dict.fromkeys(("loop", "sockets", "others"), 0.0)
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text()
        kind = "loop" if task.name == str(pid) else "sockets" if name.startswith("ZMQ") else "others"
        seconds[kind] += int((task / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def more_than(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each grew."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def _pss_kilobytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1.024
    raise LookupError(f"the kernel does not tell the memory of process {pid}")
