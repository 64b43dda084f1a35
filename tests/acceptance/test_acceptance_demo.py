"""`schedulezero up --demo`: what somebody sees who tries it for the first time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schedulezero.testkit.deployment import Deployment, NewDeployment
from schedulezero.testkit.printed_calls import PrintedCall, lacking, printed_calls
from schedulezero.testkit.programs import CONSOLE_SCRIPTS
from schedulezero.testkit.waiting import eventually

REFERENCE = printed_calls((Path(__file__).parent / "seed_api_reference.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def demo(new_deployment: NewDeployment) -> Iterator[Deployment]:
    with new_deployment("demo") as deployment:
        deployment.up("--demo")
        deployment.await_instances("handler_12345-demo", handler_id="handler_12345")
        yield deployment


def test_the_reference_has_all_its_calls() -> None:
    assert list(map(str, REFERENCE)) == [
        "GET /api/handlers",
        "POST /api/schedule",
        "POST /api/run_now",
        "GET /api/schedules",
        "GET /api/config",
        "GET /api/health",
    ]


@pytest.mark.parametrize("call", REFERENCE, ids=str)
def test_each_call_of_the_api_reference_works_as_printed(demo: Deployment, call: PrintedCall) -> None:
    answer = demo.api.request(call.verb, call.path, headers=call.headers, content=call.body)

    assert answer.is_success, answer.text
    assert call.response is None or lacking(call.response, answer.json()) == []


def test_the_reference_handler_offers_the_methods_that_are_printed(demo: Deployment) -> None:
    printed = next(call.response["handlers"][0] for call in REFERENCE if call.path == "/api/handlers")
    handlers = {handler["id"]: handler for handler in demo.api.read("/api/handlers")["handlers"]}

    handler = handlers[printed["id"]]
    assert set(printed["methods"]) <= set(handler["methods"])
    assert handler["status"] == printed["status"] == "Connected"


def test_the_demo_schedules_are_there(demo: Deployment) -> None:
    schedules = demo.api.read("/api/schedules", tag="demo")["schedules"]

    assert {schedule["args"][0] for schedule in schedules} == {"handler_12345", "clock_tower"}
    assert all(schedule["next_fire_time"] for schedule in schedules)


def test_the_clock_tower_chimes_by_itself_and_its_sounds_are_in_the_log(demo: Deployment) -> None:
    def sounds() -> str:
        chimes = [record for record in demo.api.executions(handler_id="clock_tower") if record["scheduled_for"]]
        return str(demo.api.read(f"/api/executions/{chimes[-1]['execution_id']}/logs")["lines"] or "")

    heard = eventually(sounds, within=25, what="a chime")

    assert any(sound in heard for sound in ("ding", "dang", "dong", "dum", "BONG")), heard


def test_a_run_by_hand_is_among_the_successes(demo: Deployment) -> None:
    answer = demo.api.run("handler_12345", "do_work", {"message": "Hello World"}, wait_seconds=10)

    assert answer["result"]["message"] == "Hello World"
    successes = demo.api.executions(status="success")
    assert answer["execution_id"] in {record["execution_id"] for record in successes}


def test_the_first_page_leads_to_the_dashboard_which_shows_the_handlers(demo: Deployment) -> None:
    first = demo.api.get("/")
    assert (first.status_code, first.headers["location"]) == (302, "/dash")

    page = demo.api.get("/dash")
    assert page.headers["content-type"].startswith("text/html")
    assert "handler_12345" in page.text
    assert "clock_tower" in page.text


def test_the_selftest_shows_its_three_ticks(demo: Deployment) -> None:
    selftest = demo.program("selftest", (str(CONSOLE_SCRIPTS / "schedulezero"), "selftest")).start()

    assert selftest.wait() == 0
    assert selftest.said("✓") == [
        "✓ Handlers listed successfully",
        "✓ Job executed immediately",
        "✓ Job scheduled for future execution",
    ]


def test_the_selftest_says_that_no_server_can_be_reached(deployment: Deployment) -> None:
    selftest = deployment.program("selftest", (str(CONSOLE_SCRIPTS / "schedulezero"), "selftest")).start()

    assert selftest.wait() == 3
    assert "cannot be reached" in selftest.text


def test_nothing_of_this_has_left_a_traceback(demo: Deployment) -> None:
    assert demo.tracebacks == []
