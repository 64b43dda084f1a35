"""Threads for sync jobs: started as they are needed, and daemons.

The threads of `concurrent.futures` are joined when the interpreter exits, so that one job that never ends would keep
a drained handler from stopping. These are left behind.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]


class Threads:
    """Runs tasks, each in a thread of its own while it runs. `submit`, `ended` and `close` belong to one thread."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0

    def submit(self, task: Task) -> None:
        """Run `task`, which must not raise."""
        self._busy += 1
        self._tasks.put(task)
        if self._busy > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name=f"job-{self._threads}", daemon=True).start()

    def ended(self) -> None:
        """Take note that a task that was submitted has run."""
        self._busy -= 1

    def close(self) -> None:
        """Let the threads end, each after what it runs."""
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            # What a job was given and has returned must not be kept until the next one comes.
            del task
