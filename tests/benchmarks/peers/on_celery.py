"""Celery on Redis, with as many processes as there are cores."""

from datetime import UTC, datetime
from importlib import import_module

from redis import Redis

from .surroundings import TASKS, Peer, redis_url


class Measured(Peer):
    def begin(self) -> None:
        self._tasks = import_module(f"{TASKS}.for_celery")
        self._results = Redis.from_url(redis_url(1))
        self.worker("celery", "-A", f"{TASKS}.for_celery", "worker", "--loglevel=WARNING", "-c", "2")

    def enqueue(self, number: int) -> object:
        return self._tasks.noop.delay(number)

    def result(self, number: int) -> None:
        self._tasks.noop.delay(number).get(timeout=30)

    def schedule(self, number: int, due: float) -> None:
        self._tasks.noop.apply_async((number,), eta=datetime.fromtimestamp(due, UTC))

    def stored_in_all(self) -> int:
        return int(self._results.dbsize())
