"""Health, configuration and metrics, also while a service behind is away."""

from typing import Any

import pytest

from schedulezero.protocol.answers import SchedulerHealth
from schedulezero.protocol.commands import RunNow, SystemHealth
from schedulezero.protocol.values import Pause


def test_health_is_ok_when_every_component_is(stage: Any) -> None:
    answer = stage.ask("GET", "/api/health")

    assert (answer.status, answer.json["status"], answer.json["service"]) == (200, "ok", "schedulezero")
    assert {name: part["status"] for name, part in answer.json["components"].items()} == {
        "registry": "ok",
        "scheduler": "ok",
        "database": "ok",
    }
    assert answer.json["version"]


@pytest.mark.parametrize(
    ("away", "states"),
    [
        ("scheduler", {"registry": "ok", "scheduler": "unavailable", "database": "unknown"}),
        ("registry", {"registry": "unavailable", "scheduler": "ok", "database": "ok"}),
    ],
)
def test_health_is_degraded_while_a_service_is_away(stage: Any, away: str, states: dict[str, str]) -> None:
    stage.take_away(away)

    answer = stage.ask("GET", "/api/health")

    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert {name: part["status"] for name, part in answer.json["components"].items()} == states


def test_a_failing_database_degrades_health(stage: Any) -> None:
    stage.scheduler.answers[SystemHealth] = SchedulerHealth(
        version="1", database="the disk is full", backlog=0, paused=None
    )

    answer = stage.ask("GET", "/api/health")

    assert answer.json["components"]["database"] == {
        "status": "failing",
        "message": "the disk is full",
        "version": None,
    }
    assert stage.ask("GET", "/api/health/ready").status == 503


def test_health_tells_a_pause_of_everything(stage: Any, samples: Any) -> None:
    pause = Pause(reason="move", paused_by="local", paused_at=samples.now)
    stage.scheduler.answers[SystemHealth] = SchedulerHealth(version="1", database="ok", backlog=0, paused=pause)

    answer = stage.ask("GET", "/api/health")

    assert (answer.json["status"], answer.json["paused"]["reason"]) == ("ok", "move")


def test_it_is_alive_and_ready_when_all_answer(stage: Any) -> None:
    assert stage.ask("GET", "/api/health/live").status == 200
    assert stage.ask("GET", "/api/health/ready").status == 200


def test_it_is_alive_but_not_ready_while_the_scheduler_is_away(stage: Any) -> None:
    stage.take_away("scheduler")

    ready = stage.ask("GET", "/api/health/ready")

    assert stage.ask("GET", "/api/health/live").status == 200
    assert (ready.status, ready.error["code"], ready.headers["Retry-After"]) == (503, "unavailable", "1")
    assert [detail["path"] for detail in ready.error["details"]] == ["components.scheduler", "components.database"]


@pytest.mark.parametrize("stage", ["tcp"], indirect=True)
def test_a_run_that_was_asked_for_and_not_answered_is_503_of_unknown_outcome(stage: Any) -> None:
    def vanish(_command: RunNow) -> None:
        stage.loop.call_soon(stage.servers["scheduler"].close)

    stage.scheduler.answers[RunNow] = vanish

    answer = stage.ask("POST", "/api/run_now", {"handler_id": "a", "method_name": "b"})

    assert (answer.status, answer.error["code"]) == (503, "outcome_unknown")
    assert answer.headers["Retry-After"] == "1"


def test_the_configuration_is_its_public_part(stage: Any) -> None:
    assert stage.ask("GET", "/api/config").json == {"instance_name": "Tower"}


def test_requests_are_measured_by_route_and_not_by_path(stage: Any) -> None:
    stage.ask("GET", "/api/health/live")
    stage.ask("PUT", "/api/schedules/secret-id")
    stage.ask("GET", "/api/nothing/secret-id")
    stage.ask("BREW", "/api/run_now")

    text = stage.ask("GET", "/metrics")

    metric = "schedulezero_http_request_duration_seconds_count"
    assert text.headers["Content-Type"].startswith("text/plain")
    for labels in (
        'method="GET",route="/api/health/live",status="200"',
        'method="PUT",route="/api/schedules/{schedule_id}",status="405"',
        'method="GET",route="unmatched",status="404"',
        'method="other",route="/api/run_now",status="405"',
    ):
        assert f"{metric}{{{labels}}} 1.0" in text.body.decode()
    assert b"secret-id" not in text.body
