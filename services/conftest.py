"""What the tests of the services as processes share."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from schedulezero.testkit.ports import free_ports

_PORTS = (
    "TORNADO_PORT",
    "ZRPC_PORT",
    "REGISTRY_EVENTS_PORT",
    "REGISTRY_METRICS_PORT",
    "SCHEDULER_PORT",
    "SCHEDULER_EVENTS_PORT",
    "SCHEDULER_METRICS_PORT",
)


@dataclass
class Served:
    """A service that runs as a process of its own, with ports of its own."""

    ports: dict[str, int]
    environment: dict[str, str]
    directory: Path
    cleanup: ExitStack

    def start(self, module: str, until: str) -> "subprocess.Popen[str]":
        """Start `python -m module` and return once its output has had a line with `until`."""
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.cleanup.callback(process.communicate, timeout=20)
        self.cleanup.callback(process.kill)
        assert process.stdout is not None
        _read_until(process.stdout, until)
        return process

    def run(self, module: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m module` to its end."""
        quiet = {"SCHEDULEZERO_LOGGING_LEVEL": "error"}
        return subprocess.run(
            [sys.executable, "-m", module],
            cwd=self.directory,
            env=self.environment | quiet | variables,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def get(self, port: str, path: str) -> str:
        """Return what is served at `path` of the port that the variable names."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=10) as answer:
            return str(answer.read().decode())


def _read_until(output: IO[str], text: str) -> None:
    for line in output:
        if text in line:
            return
    raise AssertionError(f"it ended before it wrote {text!r}")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    ours = {f"SCHEDULEZERO_{name}": str(port) for name, port in ports.items()}
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULEZERO_")}
    with ExitStack() as cleanup:
        yield Served(ports, theirs | ours, tmp_path, cleanup)


@pytest.fixture
def ended() -> Callable[["subprocess.Popen[str]", signal.Signals], int]:
    """Send a signal to a process and return its exit code."""

    def end(process: "subprocess.Popen[str]", number: signal.Signals) -> int:
        process.send_signal(number)
        process.communicate(timeout=20)
        return process.returncode

    return end
