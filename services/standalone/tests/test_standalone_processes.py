"""Each service a process: they come back when they die, and none is left behind."""

import signal
import socket
from typing import Any

import psutil

from schedulezero.client import Client

Console = Any
Running = Any


def children(system: Running) -> dict[str, psutil.Process]:
    """Return the child processes by the service that each is."""
    return {child.cmdline()[3]: child for child in psutil.Process(system.process.pid).children()}


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=20)[1]


def test_a_killed_service_is_started_again_and_all_end_together(console: Console) -> None:
    system = console.start("up", "--processes", "--demo", "--port", "0")
    url = system.url
    first = children(system)
    assert set(first) == {"registry", "scheduler", "web", "demo"}

    first["scheduler"].kill()
    system.until("process.died")
    system.until("scheduler.listening")

    tried = console.run("selftest", "--url", url)
    second = children(system)
    assert tried.returncode == 0, tried.stderr
    assert second["scheduler"].pid != first["scheduler"].pid
    assert second["web"].pid == first["web"].pid
    assert system.end(signal.SIGINT) == 0
    assert gone([*first.values(), *second.values()])


def test_no_child_outlives_a_parent_that_was_killed(console: Console) -> None:
    system = console.start("up", "--processes", "--port", "0")
    assert system.url
    system.until('"name": "web", "level": "info", "service": "schedulezero"')
    left = list(children(system).values())
    assert len(left) == 3

    system.process.kill()

    assert gone(left)


def test_a_service_that_cannot_start_is_told_once_and_ends_the_others(console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = console.run("up", "--processes", "--logging-level", "error", "--port", str(port))

    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"schedulezero: 127.0.0.1 port {port} is taken by another program")


def test_a_job_runs_through_processes_linked_by_tcp(console: Console) -> None:
    system = console.start("up", "--processes", "--demo", "--port", "0")

    with Client(system.url) as client:
        run = client.run_now("handler_12345", "analyze", {"values": [1, 2, 6]}, wait_seconds=20)

    assert run["result"]["mean"] == 3
    assert system.end() == 0
