"""What the peers share: a directory, a Redis of their own, workers that are started and ended."""

import os
import socket
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from shutil import which
from typing import Self

from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

from ..machine import ROOT
from ..marks import FILE, Marks, place
from ..processes import family

REDIS_PORT = "BENCHMARK_REDIS_PORT"
STORAGE = "BENCHMARK_STORAGE"
DIRECTORY = "BENCHMARK_DIRECTORY"
TASKS = f"{__package__}.tasks"
"""Before the name of a peer: the module with its task, which client and worker import."""
THREADS = "8"
"""Of the workers that have threads."""
_WARM_UP = 50
_SECONDS = 30.0


class Peer(ABC):
    """A contestant that is another system. Its client is this process, set up by the same variables as its worker.

    Args:
        directory: for its files and logs.
        storage: `redis`, which is started, or `sqlite`.
        flushed: whether each write to Redis is durable before it is answered.
    """

    def __init__(self, directory: Path, storage: str = "redis", flushed: str = "no") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.marks = Marks(place() / f"benchmark-marks-{os.getpid()}")
        self._directory, self._storage, self._flushed = directory, storage, flushed == "yes"
        self._programs: list[Program] = []
        self._stored_before = 0

    def __enter__(self) -> Self:
        variables = {FILE: self.marks.path, DIRECTORY: self._directory, STORAGE: self._storage, "PYTHONPATH": ROOT}
        os.environ |= {name: str(value) for name, value in variables.items()}
        try:
            if self._storage == "redis":
                self._start_redis()
            self.begin()
            self._warm_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self._programs):
            program.close()
        self.marks.path.unlink(missing_ok=True)

    @abstractmethod
    def begin(self) -> None:
        """Import the tasks, and start what runs them."""

    @abstractmethod
    def enqueue(self, number: int) -> object: ...

    @abstractmethod
    def result(self, number: int) -> None: ...

    @abstractmethod
    def schedule(self, number: int, due: float) -> None: ...

    @abstractmethod
    def stored_in_all(self) -> int:
        """Return how many outcomes are stored, those of the warm-up too."""

    def enqueue_all(self, count: int) -> None:
        for number in range(count):
            self.enqueue(number)

    def stored(self) -> int:
        return self.stored_in_all() - self._stored_before

    def pids(self) -> list[int]:
        return [pid for program in self._programs for pid in family(program.pid)]

    def worker(self, *arguments: str, name: str = "worker") -> None:
        """Start a worker: a Python module and its arguments."""
        self._start(name, sys.executable, "-m", *arguments)

    def _start(self, name: str, *command: str) -> None:
        self._programs.append(Program(name, command, environ=os.environ, directory=self._directory).start())

    def _start_redis(self) -> None:
        program = which("redis-server")
        assert program is not None, "needs redis-server; install with apt-get install redis-server"
        (port,) = free_ports(1)
        os.environ[REDIS_PORT] = str(port)
        persistence = ("--appendonly", "yes", "--appendfsync", "always") if self._flushed else ("--appendonly", "no")
        place_ = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(self._directory))
        self._start("redis", program, *place_, "--save", "", *persistence)
        eventually(lambda: _answers(port), within=_SECONDS, what="Redis")

    def _warm_up(self) -> None:
        for number in range(_WARM_UP):
            self.enqueue(number)
        self.marks.wait(_WARM_UP, _SECONDS)
        eventually(lambda: self.stored_in_all() == _WARM_UP, within=_SECONDS, what="the results of the warm-up")
        self._stored_before = _WARM_UP
        self.marks.clear()


def redis_url(database: int) -> str:
    """Return where a database of our Redis is."""
    return f"redis://127.0.0.1:{os.environ[REDIS_PORT]}/{database}"


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
