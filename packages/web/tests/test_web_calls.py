"""Each REST call, the command that it becomes, and the answer that it gives."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from schedulezero.protocol.answers import Done, Drained, HandlerPage, PausedHandlers
from schedulezero.protocol.commands import (
    ExecutionBulk,
    ExecutionCancel,
    ExecutionClear,
    ExecutionErrors,
    ExecutionFilter,
    ExecutionGet,
    ExecutionList,
    ExecutionLogs,
    ExecutionRetry,
    ExecutionStatistics,
    HandlerDrain,
    HandlerGet,
    HandlerList,
    HandlerPause,
    HandlerPauses,
    HandlerPing,
    HandlerResume,
    RunBatch,
    RunNow,
    ScheduleCreate,
    ScheduleDelete,
    ScheduleExplain,
    ScheduleGet,
    ScheduleList,
    SchedulePatch,
    SchedulePause,
    ScheduleResume,
    ScheduleRun,
    ScheduleUpdate,
    SystemPause,
    SystemResume,
    TriggerPreview,
)
from schedulezero.protocol.errors import Code, Problem
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import HandlerDetail, MethodSpec, Pause, RunRequest, ScheduleRequest

JOB = {"handler_id": "reports", "method_name": "do_work"}
RUN = RunRequest(handler_id="reports", method_name="do_work")
ACCEPTED = Raw(b'{"status":"accepted","execution_id":"e","result":null}')
ANSWER = Raw(b'{"version": 3,   "status":"accepted", "seen": "unread"}')
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("method", "path", "body", "command", "status"),
    [
        ("GET", "/api/schedules", None, ScheduleList(), 200),
        (
            "GET",
            "/api/schedules?handler_id=h&tag=t&paused=true&q=x&limit=5&cursor=c&include_total=true",
            None,
            ScheduleList(handler_id="h", tag="t", paused=True, q="x", limit=5, cursor="c", include_total=True),
            200,
        ),
        ("GET", "/api/schedules/s%20%C3%BC", None, ScheduleGet(schedule_id="s ü"), 200),
        ("DELETE", "/api/schedules/s", None, ScheduleDelete(schedule_id="s"), 200),
        ("POST", "/api/schedules/s/pause", None, SchedulePause(schedule_id="s"), 200),
        ("POST", "/api/schedules/s/pause", {"reason": "r"}, SchedulePause(schedule_id="s", reason="r"), 200),
        ("POST", "/api/schedules/s/resume", None, ScheduleResume(schedule_id="s"), 200),
        ("POST", "/api/schedules/s/run", None, ScheduleRun(schedule_id="s"), 202),
        (
            "POST",
            "/api/schedules/s/run",
            {"job_params": {"n": 1}, "wait_seconds": 2},
            ScheduleRun(schedule_id="s", job_params={"n": 1}, wait_seconds=2),
            202,
        ),
        (
            "GET",
            "/api/schedules/s%20%C3%BC/explain?at=2026-11-23T06:00:00%2B01:00",
            None,
            ScheduleExplain(schedule_id="s ü", at="2026-11-23T06:00:00+01:00"),
            200,
        ),
        ("GET", "/api/schedules/s/explain?at=someday", None, ScheduleExplain(schedule_id="s", at="someday"), 200),
        (
            "PATCH",
            "/api/schedules/s",
            {"name": None, "priority": 1},
            ScheduleUpdate(schedule_id="s", patch=SchedulePatch(name=None, priority=1)),
            200,
        ),
        ("POST", "/api/run_now/batch", {"runs": [JOB]}, RunBatch(runs=(RUN,)), 202),
        ("GET", "/api/executions", None, ExecutionList(), 200),
        (
            "GET",
            "/api/executions?status=error,timeout&since=2026-01-01T00:00:00Z&schedule_id=s&limit=7",
            None,
            ExecutionList(
                filter=ExecutionFilter(status=(Status.ERROR, Status.TIMEOUT), since=SINCE, schedule_id="s"), limit=7
            ),
            200,
        ),
        ("GET", "/api/executions/e", None, ExecutionGet(execution_id="e"), 200),
        ("POST", "/api/executions/e/cancel", None, ExecutionCancel(execution_id="e"), 200),
        ("POST", "/api/executions/e/cancel", {}, ExecutionCancel(execution_id="e"), 200),
        ("POST", "/api/executions/e/retry", None, ExecutionRetry(execution_id="e"), 202),
        ("GET", "/api/executions/e/logs?after=4", None, ExecutionLogs(execution_id="e", after=4), 200),
        ("GET", "/api/executions/stats", None, ExecutionStatistics(), 200),
        ("GET", "/api/executions/errors?limit=3&cursor=c", None, ExecutionErrors(limit=3, cursor="c"), 200),
        (
            "POST",
            "/api/executions/bulk",
            {"action": "retry", "filter": {"status": ["error"]}},
            ExecutionBulk(action="retry", filter=ExecutionFilter(status=(Status.ERROR,))),
            200,
        ),
        ("POST", "/api/executions/clear", {"before": "2026-01-01T00:00:00Z"}, ExecutionClear(before=SINCE), 200),
        (
            "POST",
            "/api/triggers/preview",
            {"trigger_config": {"type": "interval", "hours": 1}, "count": 3},
            TriggerPreview(trigger_config=IntervalTrigger(hours=1), count=3),
            200,
        ),
        ("POST", "/api/pause", {"reason": "r"}, SystemPause(reason="r"), 200),
        ("POST", "/api/resume", None, SystemResume(), 200),
        ("POST", "/api/handlers/h/ping", None, HandlerPing(handler_id="h"), 200),
        ("POST", "/api/handlers/h/drain", None, HandlerDrain(handler_id="h"), 200),
        ("POST", "/api/handlers/h/pause", {"reason": "r"}, HandlerPause(handler_id="h", reason="r"), 200),
        ("POST", "/api/handlers/h/resume", None, HandlerResume(handler_id="h"), 200),
    ],
)
def test_a_call_becomes_a_command_and_its_answer_is_passed_on_unread(
    stage: Any, method: str, path: str, body: Any, command: Any, status: int
) -> None:
    stage.scheduler.answers[type(command)] = ANSWER

    answer = stage.ask(method, path, body)

    assert stage.scheduler.asked == [command]
    assert (answer.status, answer.body) == (status, bytes(ANSWER))
    assert answer.headers["Content-Type"] == "application/json"


def test_a_run_is_accepted_with_202_and_its_params_are_passed_on_as_they_were_written(stage: Any) -> None:
    stage.scheduler.answers[RunNow] = ACCEPTED
    raw = b'{"handler_id":"reports","method_name":"do_work","job_params":{"n":  1.10, "s":"\\u00fc"},"priority":9}'

    answer = stage.ask("POST", "/api/run_now", raw=raw, headers={"Content-Type": "application/json; charset=utf-8"})

    assert (answer.status, answer.body) == (202, bytes(ACCEPTED))
    (command,) = stage.scheduler.asked
    assert bytes(command.run.job_params) == b'{"n":  1.10, "s":"\\u00fc"}'
    assert command.run.priority == 9


def test_a_run_that_ended_within_the_wait_is_answered_with_200(stage: Any) -> None:
    stage.scheduler.answers[RunNow] = Raw(b'{"status":"error","execution_id":"e","result":null,"error":null}')

    answer = stage.ask("POST", "/api/run_now", {**JOB, "wait_seconds": 5})

    assert (answer.status, answer.json["status"]) == (200, "error")
    assert stage.scheduler.asked == [RunNow(run=RUN, wait_seconds=5)]


@pytest.mark.parametrize(
    ("header", "field", "key"), [("k", None, "k"), (None, "k", "k"), ("k", "k", "k"), (None, None, None)]
)
@pytest.mark.parametrize("path", ["/api/run_now", "/api/run_now/batch", "/api/schedules/s/run"])
def test_an_idempotency_key_is_taken_from_header_or_body(
    stage: Any, path: str, header: str | None, field: str | None, key: str | None
) -> None:
    stage.scheduler.answers |= {RunNow: ACCEPTED, RunBatch: ACCEPTED, ScheduleRun: ACCEPTED}
    body = {"/api/run_now": JOB, "/api/run_now/batch": {"runs": [JOB]}, "/api/schedules/s/run": {}}[path]
    given = {"idempotency_key": field} if field else {}

    stage.ask("POST", path, {**body, **given}, headers={"Idempotency-Key": header} if header else {})

    assert [command.idempotency_key for command in stage.scheduler.asked] == [key]


@pytest.mark.parametrize("header", ["", "k" * 201, "other"])
def test_an_idempotency_key_that_cannot_be_is_422(stage: Any, header: str) -> None:
    answer = stage.ask("POST", "/api/run_now", {**JOB, "idempotency_key": "k"}, headers={"Idempotency-Key": header})

    assert (answer.status, answer.error["code"]) == (422, "invalid_value")
    assert not stage.scheduler.asked


@pytest.mark.parametrize(("created", "status"), [(True, 201), (False, 200)])
def test_a_schedule_that_is_created_is_201_and_one_that_was_kept_200(stage: Any, created: bool, status: int) -> None:
    told = {"schedule_id": "s", "next_fire_time": None, "created": created, "status": "success"}
    stage.scheduler.answers[ScheduleCreate] = Raw(msgspec.json.encode(told))

    answer = stage.ask("POST", "/api/schedule", {**JOB, "trigger_config": {"type": "interval", "hours": 1}})

    assert (answer.status, answer.json) == (status, told)
    request = ScheduleRequest(handler_id="reports", method_name="do_work", trigger_config=IntervalTrigger(hours=1))
    assert stage.scheduler.asked == [ScheduleCreate(schedule=request)]


@pytest.mark.parametrize(
    ("tag", "version"),
    [(None, None), ("*", None), ('"7"', 7), ("7", 7), ('W/"7"', 7), ("abc", -1), ('"1", "2"', -1), ("9" * 40, -1)],
)
def test_if_match_names_the_version_that_is_changed(stage: Any, tag: str | None, version: int | None) -> None:
    stage.scheduler.answers[ScheduleUpdate] = ANSWER

    stage.ask("PATCH", "/api/schedules/s", {"priority": 1}, headers={"If-Match": tag} if tag else {})

    assert [command.if_version for command in stage.scheduler.asked] == [version]


def test_the_etag_of_a_schedule_is_its_version(stage: Any, samples: Any) -> None:
    stage.scheduler.answers[ScheduleGet] = samples.schedule(version=7)

    assert stage.ask("GET", "/api/schedules/quarters").headers["ETag"] == '"7"'


def test_head_is_get_without_the_body(stage: Any) -> None:
    answer = stage.ask("HEAD", "/api/schedules")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_handlers_are_the_registrys_with_the_schedulers_pauses(stage: Any, samples: Any) -> None:
    pause = Pause(reason="maintenance", paused_by="local", paused_at=samples.now)
    stage.registry.answers[HandlerList] = HandlerPage(handlers=(samples.handler(), samples.handler(id="b")), count=2)
    stage.scheduler.answers[HandlerPauses] = PausedHandlers(handlers={"b": pause})

    listing = stage.ask("GET", "/api/handlers").json

    assert [(handler["id"], handler["paused"]) for handler in listing["handlers"]] == [
        ("b", True),
        ("clock_tower", False),
    ]
    assert listing["handlers"][0]["pause"]["reason"] == "maintenance"
    assert (listing["count"], listing["next_cursor"]) == (2, None)


def test_handlers_come_in_parts(stage: Any, samples: Any) -> None:
    everyone = tuple(samples.handler(id=f"h{number}") for number in range(5))
    stage.registry.answers[HandlerList] = HandlerPage(handlers=everyone, count=5)

    first = stage.ask("GET", "/api/handlers?limit=3&include_total=true").json
    second = stage.ask("GET", f"/api/handlers?limit=3&cursor={first['next_cursor']}").json

    assert [handler["id"] for handler in first["handlers"] + second["handlers"]] == ["h0", "h1", "h2", "h3", "h4"]
    assert (first["total"], second["count"], second["next_cursor"]) == (5, 2, None)
    assert "total" not in second


def test_a_handler_is_shown_with_its_methods(stage: Any, samples: Any) -> None:
    spec = MethodSpec(name="hour_strokes", params_schema=Raw(b'{"type":"object"}'), doc="Strike the hour.")
    detail = HandlerDetail(**msgspec.structs.asdict(samples.handler()), method_specs=(spec,))
    stage.registry.answers[HandlerGet] = detail

    shown = stage.ask("GET", "/api/handlers/clock_tower").json

    assert shown["method_specs"][0]["params_schema"] == {"type": "object"}
    assert stage.registry.asked == [HandlerGet(handler_id="clock_tower")]


def test_an_unknown_handler_is_404(stage: Any) -> None:
    stage.registry.answers[HandlerGet] = Problem(code=Code.HANDLER_NOT_FOUND, message="there is no handler x")

    assert stage.ask("GET", "/api/handlers/x").status == 404


def test_handlers_are_listed_while_the_scheduler_is_away(stage: Any, samples: Any) -> None:
    stage.registry.answers[HandlerList] = HandlerPage(handlers=(samples.handler(),), count=1)
    stage.take_away("scheduler")

    answer = stage.ask("GET", "/api/handlers")

    assert (answer.status, answer.json["handlers"][0]["paused"]) == (200, False)


def test_answers_forbid_sniffing_caching_and_framing(stage: Any) -> None:
    stage.scheduler.answers |= {SystemPause: Done(), HandlerDrain: Drained(instances=())}

    headers = stage.ask("POST", "/api/pause").headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Server" not in headers
