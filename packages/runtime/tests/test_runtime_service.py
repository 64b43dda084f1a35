"""How a process lives: services start in order, stop in reverse, and say how it ended."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from schedulezero.runtime.service import FatalError, Service, run

Journal = list[str]


def interrupt(number: signal.Signals = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


@dataclass
class Recorded:
    """A service that notes what happens to it; `on_start` and `on_stop` make more happen."""

    name: str
    journal: Journal
    on_start: Callable[[], object] = lambda: None
    on_stop: Callable[[], object] = lambda: None

    async def start(self) -> None:
        self.journal.append(f"start {self.name}")
        self.on_start()

    async def stop(self) -> None:
        self.journal.append(f"stop {self.name}")
        self.on_stop()


@dataclass
class Draining(Recorded):
    """A service whose work under way never ends by itself; `draining` is set once it waits for it."""

    draining: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self) -> None:
        self.draining.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.journal.append(f"cut {self.name}")


@dataclass
class Failing(Recorded):
    async def wait_failed(self) -> None:
        raise FatalError("the schema is newer than this program")


def ran(*services: Service, drain_seconds: float = 10) -> int:
    return asyncio.run(asyncio.wait_for(run(services, drain_seconds=drain_seconds), 20))


def fail(error: Exception) -> Callable[[], object]:
    def raising() -> object:
        raise error

    return raising


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_services_start_in_order_and_stop_in_reverse_on_a_signal(number: signal.Signals) -> None:
    journal: Journal = []

    code = ran(Recorded("a", journal), Recorded("b", journal, on_start=lambda: interrupt(number)))

    assert code == 0
    assert journal == ["start a", "start b", "stop b", "stop a"]


def test_a_failed_start_stops_what_was_started_and_is_raised() -> None:
    journal: Journal = []

    with pytest.raises(OSError, match="port taken"):
        ran(
            Recorded("a", journal),
            Recorded("b", journal, on_start=fail(OSError("port taken"))),
            Recorded("c", journal),
        )

    assert journal == ["start a", "start b", "stop a"]


def test_a_signal_while_services_start_stops_those_already_started() -> None:
    journal: Journal = []

    @dataclass
    class Waiting(Recorded):
        async def start(self) -> None:
            interrupt()
            await asyncio.Event().wait()

    assert ran(Recorded("a", journal), Waiting("b", journal)) == 0
    assert journal == ["start a", "stop a"]


def test_a_fatal_failure_is_logged_and_ends_the_process_with_1() -> None:
    journal: Journal = []

    with capture_logs() as logs:
        code = ran(Recorded("a", journal), Failing("b", journal))

    assert code == 1
    assert journal == ["start a", "start b", "stop b", "stop a"]
    assert [(line["event"], line["name"]) for line in logs if line["log_level"] == "error"] == [("service.failed", "b")]


def test_a_second_signal_cuts_the_drain_short() -> None:
    journal: Journal = []

    async def scenario() -> int:
        slow = Draining("slow", journal, on_start=interrupt)
        running = asyncio.create_task(run([Recorded("a", journal), slow], drain_seconds=60))
        await slow.draining.wait()
        interrupt()
        return await running

    assert asyncio.run(asyncio.wait_for(scenario(), 20)) == 0
    assert journal == ["start a", "start slow", "cut slow", "stop a"]


def test_a_drain_that_outlasts_its_time_is_cut_and_the_rest_still_stops() -> None:
    journal: Journal = []

    with capture_logs() as logs:
        code = ran(Recorded("a", journal), Draining("b", journal, on_start=interrupt), drain_seconds=0)

    assert code == 0
    assert journal == ["start a", "start b", "cut b", "stop a"]
    assert [(line["name"], line["drained"]) for line in logs if line["event"] == "service.stopped"] == [
        ("b", False),
        ("a", True),
    ]


def test_a_failed_stop_is_logged_and_the_others_stop_all_the_same() -> None:
    journal: Journal = []

    with capture_logs() as logs:
        code = ran(
            Recorded("a", journal), Recorded("b", journal, on_start=interrupt, on_stop=fail(OSError("disk full")))
        )

    assert code == 1
    assert journal[-1] == "stop a"
    assert ("service.stop_failed", "b") in [(line["event"], line["name"]) for line in logs]


def test_the_handlers_of_signals_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    ran(Recorded("a", [], on_start=interrupt))

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_loop_without_signal_handlers_of_its_own_is_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", refuse)
    journal: Journal = []
    before = signal.getsignal(signal.SIGTERM)

    assert ran(Recorded("a", journal, on_start=interrupt)) == 0
    assert journal == ["start a", "stop a"]
    assert signal.getsignal(signal.SIGTERM) == before


PROGRAM = """
import asyncio, sys
from schedulezero.runtime.service import run

class Service:
    name = "program"
    async def start(self):
        print("serving", flush=True)
    async def stop(self):
        print("stopped", flush=True)

sys.exit(asyncio.run(run([Service()], drain_seconds=5)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_process_ends_with_0_on_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == b"serving\n":
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 0
    assert b"stopped" in out
    assert b"Traceback" not in err
