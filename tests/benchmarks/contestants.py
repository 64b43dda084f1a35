"""What is measured side by side, and what each can be asked to do."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import NamedTuple, Protocol, Self

from .marks import Marks


class Contestant(Protocol):
    """A system that runs tasks, with its worker (and its broker) in processes of their own.

    Its task notes its number when it begins and returns it. `enqueue` may be called from several threads.
    """

    marks: Marks

    def __enter__(self) -> Self:
        """Start it, and return once it has run a task."""
        ...

    def __exit__(self, *_: object) -> None: ...

    def enqueue_all(self, count: int) -> None:
        """Hand over tasks 0 to `count`, the way that is made for many."""
        ...

    def enqueue(self, number: int) -> object:
        """Hand over one task, and return what its result can be asked by."""
        ...

    def result(self, number: int) -> None:
        """Hand over one task, and return once its result is there."""
        ...

    def stored(self) -> int:
        """Return how many outcomes are stored."""
        ...

    def schedule(self, number: int, due: float) -> None:
        """Hand over one task that is due at `due`, in seconds since the epoch."""
        ...

    def pids(self) -> list[int]:
        """Return its processes, without the one that measures."""
        ...


class Entry(NamedTuple):
    """A contestant that can be chosen.

    Attributes:
        module: where its class `Peer` is, or the class `ScheduleZero`.
        needs: the packages that it is made of.
        redis: whether it needs a Redis.
        durable: whether what it has accepted and stored survives that the power fails.
        options: for the class.
    """

    title: str
    module: str
    needs: tuple[str, ...] = ()
    redis: bool = False
    durable: bool = False
    options: dict[str, str] = {}

    def lacks(self) -> str | None:
        """Return what is missing, in words, or None."""
        missing = [package for package in self.needs if find_spec(package) is None]
        if missing:
            return f"the Python packages {', '.join(missing)}"
        return (
            "redis-server; install with apt-get install redis-server"
            if self.redis and which("redis-server") is None
            else None
        )

    def open(self, directory: Path) -> Contestant:
        found: Callable[..., Contestant] = import_module(f".{self.module}", __package__).Measured
        return found(directory, **self.options)


OURS = "schedulezero"
HUEY_ON_SQLITE = "huey-sqlite"

ENTRIES: dict[str, Entry] = {
    OURS: Entry("ScheduleZero, SQLite", "system", durable=True),
    HUEY_ON_SQLITE: Entry("Huey, SQLite", "peers.on_huey", ("huey",), durable=True, options={"storage": "sqlite"}),
    "huey-redis": Entry("Huey, Redis", "peers.on_huey", ("huey", "redis"), redis=True, options={"storage": "redis"}),
    "celery": Entry("Celery, Redis", "peers.on_celery", ("celery", "redis"), redis=True),
    "dramatiq": Entry("Dramatiq, Redis", "peers.on_dramatiq", ("dramatiq", "redis"), redis=True),
    "taskiq": Entry("Taskiq, Redis", "peers.on_taskiq", ("taskiq", "taskiq_redis"), redis=True),
}
ENTRIES |= {
    f"{name}-durable": entry._replace(
        title=f"{entry.title}, each write flushed", durable=True, options={**entry.options, "flushed": "yes"}
    )
    for name, entry in list(ENTRIES.items())
    if entry.redis
}
PEERS = tuple(name for name in ENTRIES if name != OURS and not name.endswith("-durable"))
DURABLE_PEERS = tuple(name for name, entry in ENTRIES.items() if entry.durable and name != OURS)


def missing() -> dict[str, str]:
    """Return what cannot be measured here, and what it lacks."""
    return {name: lack for name, entry in ENTRIES.items() if (lack := entry.lacks()) is not None}


def refusal() -> str | None:
    """Return why there is nothing to compare with, or None: Huey on SQLite has to be there, and one peer on Redis."""
    lacking = missing()
    if HUEY_ON_SQLITE in lacking:
        return f"Huey on SQLite is missing: {lacking[HUEY_ON_SQLITE]}"
    on_redis = [name for name in PEERS if ENTRIES[name].redis]
    if all(name in lacking for name in on_redis):
        return f"every peer on Redis is missing: {lacking[on_redis[0]]}"
    return None
