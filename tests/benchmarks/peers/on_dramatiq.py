"""Dramatiq on Redis, with threads."""

import time
from importlib import import_module

from redis import Redis

from .surroundings import TASKS, THREADS, Peer, redis_url


class Measured(Peer):
    def begin(self) -> None:
        self._tasks = import_module(f"{TASKS}.for_dramatiq")
        self._results = Redis.from_url(redis_url(1))
        self.worker("dramatiq", f"{TASKS}.for_dramatiq", "-p", "1", "-t", THREADS)

    def enqueue(self, number: int) -> object:
        return self._tasks.noop.send(number)

    def result(self, number: int) -> None:
        self._tasks.noop.send(number).get_result(block=True, timeout=30_000)

    def schedule(self, number: int, due: float) -> None:
        delay = max(0, round((due - time.time()) * 1000))
        self._tasks.noop.send_with_options(args=(number,), delay=delay)

    def stored_in_all(self) -> int:
        return int(self._results.dbsize())
