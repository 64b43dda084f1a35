"""What the command line's tests share: `schedulezero` as a user starts it, with ports and files of its own."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from schedulezero.testkit.ports import free_ports

_PATIENCE_SECONDS = 30.0
_PORTS = ("ZRPC_PORT", "REGISTRY_EVENTS_PORT", "SCHEDULER_PORT", "SCHEDULER_EVENTS_PORT")
_OFF = {"SCHEDULEZERO_REGISTRY_METRICS_PORT": "0", "SCHEDULEZERO_SCHEDULER_METRICS_PORT": "0"}


@dataclass
class Running:
    """A `schedulezero` that has been started; its lines of output can be awaited."""

    process: subprocess.Popen[str]
    lines: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def until(self, text: str) -> str:
        """Return the next line of output with `text` in it."""
        while text not in (line := self.lines.get(timeout=_PATIENCE_SECONDS)):
            pass
        return line

    @property
    def url(self) -> str:
        """Where it serves, once it does."""
        return self.until("ScheduleZero serves ").split()[-1]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=_PATIENCE_SECONDS)

    def close(self) -> None:
        """Kill it, if it still runs."""
        self.process.kill()
        self.process.wait(timeout=_PATIENCE_SECONDS)
        self._reader.join(_PATIENCE_SECONDS)

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self.lines.put(line)


@dataclass
class Console:
    """A directory, an environment, and the commands that are typed there."""

    directory: Path
    environment: dict[str, str]
    cleanup: ExitStack

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(arguments),
            cwd=self.directory,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start(self, *arguments: str) -> Running:
        """Start a command; it is killed when the test ends, if it still runs."""
        process = subprocess.Popen(
            self._command(arguments),
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running = Running(process)
        self.cleanup.callback(running.close)
        return running

    @staticmethod
    def _command(arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "schedulezero.standalone", *arguments]


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    ports = dict(zip(_PORTS, map(str, free_ports(len(_PORTS))), strict=True))
    ours = {f"SCHEDULEZERO_{name}": port for name, port in ports.items()} | _OFF
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULEZERO_")}
    with ExitStack() as cleanup:
        yield Console(tmp_path, theirs | ours, cleanup)
