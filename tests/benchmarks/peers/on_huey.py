"""Huey, on SQLite or on Redis, with threads."""

from datetime import datetime
from importlib import import_module

from .surroundings import TASKS, THREADS, Peer


class Measured(Peer):
    def begin(self) -> None:
        self._tasks = import_module(f"{TASKS}.for_huey")
        # Its worker looks at an empty queue ever more seldom; these let it look as often as it can.
        eager = ("-d", "0.005", "-m", "0.01")
        self.worker("huey.bin.huey_consumer", f"{TASKS}.for_huey.huey", "-w", THREADS, "-k", "thread", "-q", *eager)

    def enqueue(self, number: int) -> object:
        return self._tasks.noop(number)

    def result(self, number: int) -> None:
        self._tasks.noop(number)(blocking=True, timeout=30, backoff=1, max_delay=0.001)

    def schedule(self, number: int, due: float) -> None:
        self._tasks.noop.schedule(args=(number,), eta=datetime.fromtimestamp(due))

    def stored_in_all(self) -> int:
        return int(self._tasks.huey.result_count())
