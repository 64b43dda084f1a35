"""Taskiq on Redis, on the loop of one worker process."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from importlib import import_module
from threading import Thread
from typing import Any

from redis import Redis

from .surroundings import TASKS, Peer, redis_url

_AT_ONCE = 50
_LOOK_EVERY_SECONDS = 0.001


class Measured(Peer):
    def begin(self) -> None:
        self._tasks = import_module(f"{TASKS}.for_taskiq")
        self._results = Redis.from_url(redis_url(1))
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()
        self._await(self._tasks.broker.startup())
        self._await(self._tasks.source.startup())
        module = f"{TASKS}.for_taskiq"
        self.worker("taskiq", "worker", f"{module}:broker", "--workers", "1", "--log-level", "WARNING")
        often = ("--update-interval", "1", "--skip-first-run", "--log-level", "WARNING")
        self.worker("taskiq", "scheduler", f"{module}:scheduler", *often, name="scheduler")

    def enqueue_all(self, count: int) -> None:
        async def enqueue() -> None:
            for start in range(0, count, _AT_ONCE):
                numbers = range(start, min(count, start + _AT_ONCE))
                await asyncio.gather(*(self._tasks.noop.kiq(number) for number in numbers))

        self._await(enqueue())

    def enqueue(self, number: int) -> object:
        return self._await(self._tasks.noop.kiq(number))

    def result(self, number: int) -> None:
        async def run() -> None:
            task = await self._tasks.noop.kiq(number)
            await task.wait_result(check_interval=_LOOK_EVERY_SECONDS, timeout=30)

        self._await(run())

    def schedule(self, number: int, due: float) -> None:
        self._await(self._tasks.noop.schedule_by_time(self._tasks.source, datetime.fromtimestamp(due, UTC), number))

    def stored_in_all(self) -> int:
        return int(self._results.dbsize())

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
