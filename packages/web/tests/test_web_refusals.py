"""What the gateway refuses, and in which words; the services behind are never asked."""

import re
from typing import Any

import pytest
from msgspec import Raw

from schedulezero.protocol.commands import RunNow, ScheduleList
from schedulezero.protocol.errors import Code, Problem, invalid_value

JOB = {"handler_id": "reports", "method_name": "do_work"}
HOURLY = {"type": "hourly"}
CRON = {"type": "cron", "hours": 1}
INTERVAL = {"type": "interval", "hours": 1}
BATCH = "/api/run_now/batch"
CLEAR = "/api/executions/clear"
PREVIEW = "/api/triggers/preview"
SCHEDULE = {**JOB, "trigger_config": INTERVAL}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "at"),
    [
        ("POST", "/api/run_now", {**JOB, "job_params": None}, "invalid_type", "job_params"),
        ("POST", "/api/run_now", {**JOB, "job_params": [1]}, "invalid_type", "job_params"),
        ("POST", "/api/run_now", {**JOB, "job_params": "x"}, "invalid_type", "job_params"),
        ("POST", "/api/run_now", {**JOB, "job_params": 1}, "invalid_type", "job_params"),
        ("POST", "/api/run_now", {**JOB, "job_params": True}, "invalid_type", "job_params"),
        ("POST", "/api/run_now", {"handler_id": "reports"}, "invalid_value", "method_name"),
        ("POST", "/api/run_now", {**JOB, "priority": 10}, "invalid_value", "priority"),
        ("POST", "/api/run_now", {**JOB, "priority": "5"}, "invalid_type", "priority"),
        ("POST", "/api/run_now", {**JOB, "prioritty": 5}, "unknown_field", "prioritty"),
        ("POST", "/api/run_now", {**JOB, "wait_seconds": 61}, "invalid_value", "wait_seconds"),
        ("POST", "/api/run_now", {**JOB, "wait_seconds": -1}, "invalid_value", "wait_seconds"),
        ("POST", "/api/run_now", {**JOB, "idempotency_key": ""}, "invalid_value", "idempotency_key"),
        ("POST", "/api/run_now", {**JOB, "retry": {"max_attempts": 0}}, "invalid_value", "retry.max_attempts"),
        ("POST", "/api/run_now", {**JOB, "handler_id": "a b"}, "invalid_value", "handler_id"),
        ("POST", "/api/run_now", [JOB], "invalid_type", "$"),
        ("POST", BATCH, {"runs": []}, "invalid_value", "runs"),
        ("POST", BATCH, {"runs": [JOB] * 1001}, "invalid_value", "runs"),
        ("POST", BATCH, {"runs": [JOB, {**JOB, "priority": 10}]}, "invalid_value", "runs[1].priority"),
        ("POST", BATCH, {"runs": [JOB, {**JOB, "job_params": []}]}, "invalid_type", "runs[1].job_params"),
        ("POST", BATCH, {"runs": [{**JOB, "wait_seconds": 1}]}, "unknown_field", "runs[0].wait_seconds"),
        ("POST", "/api/schedule", JOB, "invalid_value", "trigger_config"),
        ("POST", "/api/schedule", {**JOB, "trigger_config": HOURLY}, "invalid_value", "trigger_config.type"),
        ("POST", "/api/schedule", {**JOB, "trigger_config": CRON}, "unknown_field", "trigger_config.hours"),
        ("POST", "/api/schedule", {**SCHEDULE, "overlap": "maybe"}, "invalid_value", "overlap"),
        ("POST", "/api/schedule", {**SCHEDULE, "job_params": []}, "invalid_type", "job_params"),
        ("POST", "/api/schedule", {**SCHEDULE, "max_catch_up": 0}, "invalid_value", "max_catch_up"),
        ("PATCH", "/api/schedules/s", {"priority": None}, "invalid_type", "priority"),
        ("PATCH", "/api/schedules/s", {"schedule_id": "t"}, "unknown_field", "schedule_id"),
        ("POST", "/api/schedules/s/pause", {"reason": 1}, "invalid_type", "reason"),
        ("POST", "/api/schedules/s/run", {"job_params": []}, "invalid_type", "job_params"),
        ("POST", "/api/executions/e/retry", {"job_params": {}}, "unknown_field", "job_params"),
        ("POST", "/api/executions/bulk", {"action": "burn", "filter": {}}, "invalid_value", "action"),
        ("POST", "/api/executions/bulk", {"action": "cancel"}, "invalid_value", "filter"),
        ("POST", CLEAR, {"before": "yesterday"}, "invalid_value", "before"),
        ("POST", CLEAR, {"before": "2026-01-01T00:00:00"}, "invalid_value", "before"),
        ("POST", PREVIEW, {"trigger_config": {"type": "date"}}, "invalid_value", "trigger_config.run_date"),
        ("POST", PREVIEW, {"trigger_config": INTERVAL, "count": 1001}, "invalid_value", "count"),
        ("POST", "/api/pause", {"why": "x"}, "unknown_field", "why"),
        ("GET", "/api/schedules?limit=-1", None, "invalid_value", "limit"),
        ("GET", "/api/schedules?limit=0", None, "invalid_value", "limit"),
        ("GET", "/api/schedules?limit=1001", None, "invalid_value", "limit"),
        ("GET", "/api/schedules?limit=abc", None, "invalid_type", "limit"),
        ("GET", "/api/schedules?limit=", None, "invalid_type", "limit"),
        ("GET", "/api/schedules?limit=1&limit=2", None, "invalid_value", "limit"),
        ("GET", "/api/schedules?limt=1", None, "unknown_field", "limt"),
        ("GET", "/api/schedules?paused=maybe", None, "invalid_type", "paused"),
        ("GET", "/api/schedules/s/explain", None, "invalid_value", "at"),
        ("GET", "/api/schedules/s/explain?at=", None, "invalid_value", "at"),
        ("GET", f"/api/schedules/s/explain?at={'9' * 65}", None, "invalid_value", "at"),
        ("GET", "/api/schedules/s/explain?when=2026-11-23", None, "unknown_field", "when"),
        ("GET", "/api/executions?status=success,odd", None, "invalid_value", "status"),
        ("GET", "/api/executions?since=today", None, "invalid_value", "since"),
        ("GET", "/api/executions/stats?since=2026-01-01T00:00:00", None, "invalid_value", "since"),
        ("GET", "/api/executions/e/logs?after=-1", None, "invalid_value", "after"),
        ("GET", "/api/handlers?limit=-1", None, "invalid_value", "limit"),
        ("GET", "/api/health?verbose=1", None, "unknown_field", "verbose"),
    ],
)  # fmt: skip
def test_a_fault_in_a_field_is_422_and_names_it(
    stage: Any, method: str, path: str, body: Any, code: str, at: str
) -> None:
    answer = stage.ask(method, path, body)

    assert answer.status == 422
    assert answer.error["code"] == code
    assert [detail["path"] for detail in answer.error["details"]] == [at]
    assert answer.error["message"]
    assert not stage.scheduler.asked


def test_an_unknown_field_is_told_the_nearest_known_one(stage: Any) -> None:
    answer = stage.ask("POST", "/api/run_now", {**JOB, "job_param": {}})

    assert "job_params" in answer.error["details"][0]["message"]


def test_an_unknown_parameter_is_told_the_nearest_known_one(stage: Any) -> None:
    answer = stage.ask("GET", "/api/executions?schedule=x")

    assert "schedule_id" in answer.error["details"][0]["message"]


@pytest.mark.parametrize("raw", [b"{", b"nonsense", b'{"handler_id": "a\xff"}', b'{"handler_id": "\\ud800"}', b"  "])
def test_what_is_not_json_is_400(stage: Any, raw: bytes) -> None:
    answer = stage.ask("POST", "/api/run_now", raw=raw, headers=JSON)

    assert (answer.status, answer.error["code"]) == (400, "malformed_json")


@pytest.mark.parametrize(
    "params", [b'{"n": "\xff"}', b'{"n": "\\ud800"}', b'{"n": 01}', b"[" * 100_000 + b"]" * 100_000]
)
def test_job_params_that_are_no_sound_json_are_400_though_they_are_passed_on_unread(stage: Any, params: bytes) -> None:
    raw = b'{"handler_id": "a", "method_name": "b", "job_params": %s}'

    answer = stage.ask("POST", "/api/run_now", raw=raw % params, headers=JSON)

    assert (answer.status, answer.error["code"]) == (400, "malformed_json")


def test_a_missing_body_is_400_and_says_what_is_needed(stage: Any) -> None:
    answer = stage.ask("POST", "/api/schedule")

    assert (answer.status, answer.error["code"]) == (400, "malformed_json")
    for field in ("handler_id", "method_name", "trigger_config"):
        assert field in answer.error["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonp"},
        {**JSON, "Content-Encoding": "gzip"},
    ],
)
def test_a_body_of_another_media_type_is_415(stage: Any, headers: dict[str, str]) -> None:
    answer = stage.ask("POST", "/api/run_now", raw=b'{"handler_id": "a", "method_name": "b"}', headers=headers)

    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/run_now", {"POST"}),
        ("PUT", "/api/schedules/s", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("POST", "/api/schedules", {"GET", "HEAD"}),
        ("OPTIONS", "/api/run_now", {"POST"}),
        ("DELETE", "/api/health", {"GET", "HEAD"}),
        ("POST", "/dash", {"GET", "HEAD"}),
        ("POST", "/metrics", {"GET", "HEAD"}),
        ("BREW", "/api/run_now", {"POST"}),
    ],
)
def test_a_wrong_verb_is_405_and_says_which_are_right(stage: Any, method: str, path: str, allowed: set[str]) -> None:
    answer = stage.ask(method, path)

    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_wrong_verb_is_told_in_json(stage: Any) -> None:
    assert stage.ask("PUT", "/api/run_now").error["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/health/", "/api/run_now/x", "/api/%ff", "/api/a%00b"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_call_is_404_in_json(stage: Any, method: str, path: str) -> None:
    answer = stage.ask(method, path)

    assert (answer.status, answer.error["code"]) == (404, "not_found")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "[::2]"])
@pytest.mark.parametrize("path", ["/api/health/live", "/dash", "/metrics"])
def test_an_unknown_host_is_403(stage: Any, host: str, path: str) -> None:
    answer = stage.ask("GET", path, headers={"Host": host})

    assert answer.status == 403


def test_an_unknown_host_is_told_in_json(stage: Any) -> None:
    assert stage.ask("GET", "/api/health", headers={"Host": "evil.example"}).error["code"] == "unknown_host"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8888", "tower.example", "tower.example."]
)
def test_a_known_host_is_served_with_any_port(stage: Any, host: str) -> None:
    assert stage.ask("GET", "/api/health/live", headers={"Host": host}).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "", "file://"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_from_a_foreign_page_is_403(stage: Any, method: str, origin: str) -> None:
    path = "/api/run_now" if method == "POST" else "/api/schedules/s"

    answer = stage.ask(method, path, JOB if method == "POST" else None, headers={"Origin": origin})

    assert (answer.status, answer.error["code"]) == (403, "cross_origin")
    assert not stage.scheduler.asked


def test_a_write_from_an_own_page_is_served(stage: Any) -> None:
    stage.scheduler.answers[RunNow] = Raw(b'{"status":"accepted","execution_id":"e"}')

    answer = stage.ask("POST", "/api/run_now", JOB, headers={"Origin": f"http://127.0.0.1:{stage.port}"})

    assert answer.status == 202


def test_a_read_from_a_foreign_page_is_answered_without_leave_to_read_it(stage: Any) -> None:
    answer = stage.ask("GET", "/api/health/live", headers={"Origin": "http://evil.example"})

    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_what_the_scheduler_refuses_is_passed_on_with_its_paths(stage: Any) -> None:
    stage.scheduler.answers[ScheduleList] = invalid_value("cursor", "is not a cursor of this list").problem

    answer = stage.ask("GET", "/api/schedules?cursor=garbage")

    assert (answer.status, answer.error["code"]) == (422, "invalid_value")
    assert answer.error["details"][0]["path"] == "cursor"


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_its_status(stage: Any, code: Code) -> None:
    stage.scheduler.answers[RunNow] = Problem(code=code, message="no", retry_after=2.2)

    answer = stage.ask("POST", "/api/run_now", JOB)

    assert answer.error["code"] == code
    assert answer.headers.get("Retry-After") == ("3" if answer.status in (429, 503) else None)


def test_an_unexpected_fault_is_a_500_with_an_id_and_without_a_traceback(stage: Any) -> None:
    stage.scheduler.answers[RunNow] = Raw(b'"no run"')

    answer = stage.ask("POST", "/api/run_now", JOB)

    assert (answer.status, answer.error["code"]) == (500, "internal")
    assert re.search(r"id [0-9a-f]{32}$", answer.error["message"])
    assert b"Traceback" not in answer.body
