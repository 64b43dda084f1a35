"""How processes begin and end: in any order, by a signal with exit code 0, with one clear line where they cannot."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import psutil
import pytest

from schedulezero.testkit.deployment import Deployment, NewDeployment
from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.programs import CONSOLE_SCRIPTS, Program
from schedulezero.testkit.waiting import eventually

DRAIN_SECONDS = 10.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def make(new_deployment: NewDeployment) -> Iterator[Callable[[], Deployment]]:
    """Makes deployments of which nothing runs yet."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(new_deployment("one"))


def test_services_start_in_any_order_and_wait_for_each_other(deployment: Deployment) -> None:
    api = deployment.api
    deployment.web.start()
    eventually(lambda: api.reaches("/api/health/live"), within=20, what="the gateway")
    assert api.get("/api/health/ready").status_code == 503
    nobody = api.get("/api/handlers")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (503, "unavailable")
    handler = deployment.handler("work-1").start()
    deployment.scheduler.start()
    eventually(lambda: api.get("/api/health").json()["components"]["database"]["status"] == "ok", within=20)
    assert api.get("/api/health/ready").status_code == 503
    unknown = api.post("/api/run_now", json={"handler_id": "work", "method_name": "noop"})
    assert unknown.status_code == 503
    assert unknown.headers["Retry-After"]

    deployment.registry.start()

    deployment.await_ready()
    deployment.await_instances("work-1")
    assert api.run("work", "noop", {"n": 5}, wait_seconds=10)["result"] == 5
    assert handler.running
    assert deployment.tracebacks == []


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_each_program_ends_with_zero_by_a_signal(make: Callable[[], Deployment], number: signal.Signals) -> None:
    separate, together, supervised = make(), make(), make()
    programs = [
        *start_separately(separate, number),
        start(together, "up"),
        start(supervised, "up", "--processes"),
    ]
    for deployment in (separate, together, supervised):
        deployment.await_ready()
    separate.await_instances("work-1")

    ends = end_in_time(programs, number)

    assert ends == dict.fromkeys((program.name for program in programs), 0)
    for deployment in (separate, together, supervised):
        assert deployment.tracebacks == []
        assert not deployment.api.reaches("/api/health/live")


def test_a_service_that_is_killed_is_started_again_by_its_supervisor(deployment: Deployment) -> None:
    supervisor = deployment.up("--processes")
    children = psutil.Process(supervisor.pid).children()
    assert len(children) == 3

    for child in children:
        child.kill()
        child.wait(timeout=5)
        eventually(lambda: len(psutil.Process(supervisor.pid).children()) == 3, what="its successor")
    deployment.await_ready()

    assert [line["exit_code"] for line in supervisor.lines("process.died")] == [-signal.SIGKILL] * 3
    assert supervisor.end() == 0


def test_services_end_when_their_supervisor_is_killed(deployment: Deployment) -> None:
    supervisor = deployment.up("--processes")
    children = psutil.Process(supervisor.pid).children()

    supervisor.kill()

    _, alive = psutil.wait_procs(children, timeout=DRAIN_SECONDS)
    assert alive == []


def test_a_handler_that_is_told_to_end_finishes_what_it_does(system: Deployment) -> None:
    handler = system.handler("leaving", "other").start()
    system.await_instances("leaving", handler_id="other")
    id_ = system.api.run("other", "sleep", {"seconds": 1.5})["execution_id"]
    eventually(lambda: id_ in {run.execution_id for run in system.diary}, what="the run")

    assert handler.end() == 0

    record = system.api.ended(id_)
    assert (record["status"], record["instance_id"], record["attempt_number"]) == ("success", "leaving", 1)
    eventually(lambda: system.api.instances("other").get("leaving") != "Connected", within=5)


def test_a_handler_is_drained_through_the_api(system: Deployment) -> None:
    handler = system.handler("drained", "other").start()
    system.await_instances("drained", handler_id="other")

    assert system.api.do("/api/handlers/other/drain")["instances"] == ["drained"]

    assert handler.wait() == 0


def test_what_a_scheduler_was_doing_when_told_to_end_is_adopted_by_the_next(make: Callable[[], Deployment]) -> None:
    deployment = make()
    deployment.start()
    deployment.handler("work-1").start()
    deployment.await_instances("work-1")
    id_ = deployment.api.run("work", "sleep", {"seconds": 2})["execution_id"]
    eventually(lambda: id_ in {run.execution_id for run in deployment.diary}, what="the run")

    assert deployment.scheduler.end() == 0
    deployment.scheduler.start()

    deployment.await_ready()
    assert deployment.api.ended(id_)["attempt_number"] == 1
    assert [run.execution_id for run in deployment.diary] == [id_]


def test_a_port_that_is_taken_is_one_clear_line_and_exit_code_two(system: Deployment) -> None:
    taken = str(system.ports["SCHEDULEZERO_SCHEDULER_PORT"])

    line = refusal_of(system, "--scheduler-port", taken, "--state-dir", "elsewhere")

    assert taken in line
    assert "SCHEDULEZERO_SCHEDULER_PORT" in line


def test_a_second_scheduler_on_the_same_database_is_one_clear_line_and_exit_code_two(
    system: Deployment, database_kind: str
) -> None:
    """On a server it stands by instead: the first may be on a machine that has just died."""
    if database_kind == "sqlite":
        assert "schedulezero_jobs.db" in refusal_of(system, "--scheduler-port", str(free_ports(1)[0]))
        return
    names = ("--scheduler-port", "--scheduler-events-port", "--scheduler-metrics-port")
    options = [part for name, port in zip(names, free_ports(3), strict=True) for part in (name, str(port))]
    second = system.program("stand-by", script("schedulezero-scheduler", *options)).start()
    eventually(lambda: second.lines("scheduler.waiting_for_shards"), within=20, what="standing by")
    assert second.lines("scheduler.loaded") == []
    assert second.end() == 0


def refusal_of(system: Deployment, *options: str) -> str:
    """Return the one line with which a second scheduler says why it cannot start."""
    events_port = str(free_ports(1)[0])
    command = script("schedulezero-scheduler", "--scheduler-events-port", events_port, *options)
    program = system.program(f"second {options[1]}", command).start()

    assert program.wait() == 2
    (line,) = (line for line in program.text.splitlines() if not line.startswith("{"))
    return line


def start_separately(deployment: Deployment, number: signal.Signals) -> list[Program]:
    """Start each service in one of the two ways there are, and a handler."""
    modules = {"registry": "registry", "scheduler": "scheduler", "web": "web_gateway"}
    services = [
        deployment.program(
            f"{name} alone",
            script(f"schedulezero-{name}") if number is signal.SIGINT else module(f"schedulezero.service.{package}"),
        ).start()
        for name, package in modules.items()
    ]
    return [*services, deployment.handler("work-1").start()]


def start(deployment: Deployment, *arguments: str) -> Program:
    return deployment.program(" ".join(arguments), script("schedulezero", *arguments)).start()


def script(name: str, *arguments: str) -> Sequence[str]:
    return (str(CONSOLE_SCRIPTS / name), *arguments)


def module(name: str) -> Sequence[str]:
    return (sys.executable, "-m", name)


def end_in_time(programs: Sequence[Program], number: signal.Signals) -> dict[str, int]:
    """Send all of them the signal at once, and return their exit codes."""
    deadline = time.monotonic() + DRAIN_SECONDS
    for program in programs:
        program.send(number)
    return {program.name: program.wait(within=max(deadline - time.monotonic(), 0.1)) for program in programs}
