"""Everything in one process, as a person starts it and tries it."""

import signal
from collections import Counter
from typing import Any

import httpx
import pytest

from schedulezero.client import Client

Console = Any

TICKS = [
    "✓ Handlers listed successfully",
    "✓ Job executed immediately",
    "✓ Job scheduled for future execution",
]
APP = """
from schedulezero.handler import Handler

handler = Handler("mill")

@handler.method
def grind(grain: str) -> str:
    return f"flour of {grain}"

@handler.method
def jam() -> None:
    raise RuntimeError("a stone in the hopper")
"""


def test_the_demo_serves_runs_and_ends_with_exit_code_0(console: Console) -> None:
    system = console.start("up", "--demo", "--port", "0")
    url = system.url
    assert "no users yet" in system.until("users")

    tried = console.run("selftest", "--url", url)
    with Client(url) as client:
        health, handlers, schedules = client.health(), client.handlers(), client.schedules(tag="demo")

    assert (tried.returncode, tried.stdout.splitlines()) == (0, TICKS)
    assert health["status"] == "ok"
    assert {handler["id"]: handler["status"] for handler in handlers} == {
        "handler_12345": "Connected",
        "clock_tower": "Connected",
    }
    assert Counter(schedule["trigger_config"]["type"] for schedule in schedules) == {
        "cron": 3,
        "interval": 3,
        "date": 1,
    }
    assert system.end(signal.SIGINT) == 0


def test_a_restart_keeps_schedules_and_executions(console: Console) -> None:
    first = console.start("up", "--demo", "--port", "0")
    with Client(first.url) as client:
        run = client.run_now("handler_12345", "do_work", {"message": "Hello World"}, wait_seconds=10)
        schedules = {schedule["id"]: schedule["created_at"] for schedule in client.schedules(tag="demo")}
    assert first.end() == 0

    second = console.start("up", "--demo", "--port", "0")
    with Client(second.url) as client:
        again = {schedule["id"]: schedule["created_at"] for schedule in client.schedules(tag="demo")}
        assert client.execution(run["execution_id"])["result"]["message"] == "Hello World"
        # Only the one-shot is a new one: it is due soon after each start.
        assert {name for name in schedules if schedules[name] != again[name]} <= {"clock-tower-first-rope"}
        assert set(again) == set(schedules)
    assert second.end() == 0


def test_a_stuck_bell_rope_shows_each_attempt_with_its_error(console: Console) -> None:
    system = console.start("up", "--demo", "--port", "0")
    with Client(system.url) as client:
        run = client.run_now("clock_tower", "free_the_rope", wait_seconds=20, retry={"base_seconds": 0.01})
        attempts = client.execution(run["execution_id"])["attempts"]

    assert run["result"] == {"freed_by_pull": 3, "sound": "BONG"}
    assert [attempt["status"] for attempt in attempts] == ["error", "error", "success"]
    assert attempts[0]["error"]["message"] == "the rope of the great bell is caught on a beam"


def test_a_handler_of_ones_own_joins_from_another_process(console: Console) -> None:
    (console.directory / "app.py").write_text(APP)
    url = console.start("up", "--port", "0").url
    handler = console.start("handler", "app:handler")
    handler.until("registered mill")
    ours = ("--url", url, "--handler", "mill", "--method")

    ground = console.run("selftest", *ours, "grind", "--params", '{"grain": "rye"}')
    jammed = console.run("selftest", *ours, "jam")
    absent = console.run("selftest", *ours, "sift")
    unknown = console.run("selftest", "--url", url)

    assert (ground.returncode, ground.stdout.splitlines()) == (0, TICKS)
    assert jammed.returncode == absent.returncode == unknown.returncode == 1
    assert "mill.jam ended as error, RuntimeError: a stone in the hopper" in jammed.stderr
    assert absent.stderr == "✗ Handlers listed successfully: mill offers grind, jam, not sift\n"
    assert "handler_12345 is not among the handlers (mill)" in unknown.stderr
    assert handler.end() == 0


def test_the_system_outlives_a_demo_handler_that_is_drained(console: Console) -> None:
    system = console.start("up", "--demo", "--port", "0")
    url = system.url

    for handler in ("clock_tower", "handler_12345"):
        httpx.post(f"{url}/api/handlers/{handler}/drain", trust_env=False).raise_for_status()
    system.until("handler.disconnected")
    system.until("handler.disconnected")

    with Client(url) as client:
        assert client.health()["status"] == "ok"
        assert {handler["status"] for handler in client.handlers()} == {"Disconnected"}
    assert system.end() == 0


def test_metrics_of_all_services_are_on_one_page(console: Console) -> None:
    text = httpx.get(console.start("up", "--port", "0").url + "/metrics", trust_env=False).text

    for name in ("handlers", "schedules", "commit_seconds_count", "loop_failures_total", "build_info"):
        assert f"schedulezero_{name}" in text


@pytest.mark.parametrize("deployment", ["dev", "test"])
def test_a_deployment_keeps_its_files_apart(console: Console, deployment: str) -> None:
    system = console.start("up", "--deployment", deployment, "--port", "0")

    assert system.url
    assert system.end() == 0
    assert (console.directory / "state" / deployment / "schedulezero_jobs.db").exists()
    assert not (console.directory / "schedulezero_jobs.db").exists()


def test_other_machines_are_let_in_only_with_a_warning(console: Console) -> None:
    refused = console.run("up", "--addr", "0.0.0.0", "--port", "0")
    system = console.start("up", "--addr", "0.0.0.0", "--port", "0", "--security-insecure-bind", "true")

    assert refused.returncode == 2
    assert "SCHEDULEZERO_SECURITY_INSECURE_BIND=true" in refused.stderr
    assert "other machines can reach web.addr: anybody there can run jobs" in system.until("WARNING")
