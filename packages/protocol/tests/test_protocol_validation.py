"""Bytes in, a value or a Problem out: each fault has a code, the path in the sender's words, and a remedy."""

import json
from typing import Any

import pytest

from schedulezero.protocol.commands import ExecutionList, RunNow, SchedulerCommand
from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.protocol.handling import Outcome
from schedulezero.protocol.states import Status
from schedulezero.protocol.validation import convert, decode

DEEP = b"[" * 200_000 + b"]" * 200_000


def refusal(data: bytes | dict[str, Any], type_: Any = SchedulerCommand) -> Problem:
    """What is said of data that cannot be accepted."""
    with pytest.raises(ScheduleZeroError) as refused:
        decode(data if isinstance(data, bytes) else json.dumps(data).encode(), type_)
    return refused.value.problem


def run(**fields: Any) -> dict[str, Any]:
    return {"type": "run.now", "run": {"handler_id": "reports", "method_name": "do_work", **fields}}


def schedule(trigger: Any, **fields: Any) -> dict[str, Any]:
    job = {"handler_id": "reports", "method_name": "do_work", "trigger_config": trigger, **fields}
    return {"type": "schedule.create", "schedule": job}


FAULTS = [
    # not the right form at all
    ([], Code.INVALID_TYPE, "$", "expected object, got array"),
    ({}, Code.INVALID_VALUE, "type", "is required"),
    ({"type": 5}, Code.INVALID_TYPE, "type", "expected string"),
    # types, in JSON's words
    (run(priority="high"), Code.INVALID_TYPE, "run.priority", "expected integer, got string"),
    (run(allow_offline=1), Code.INVALID_TYPE, "run.allow_offline", "expected boolean, got integer"),
    (run(retry=[]), Code.INVALID_TYPE, "run.retry", "expected object or null, got array"),
    # values
    (run(priority=10), Code.INVALID_VALUE, "run.priority", "expected int <= 9"),
    (run(timeout_seconds=0), Code.INVALID_VALUE, "run.timeout_seconds", "expected float > 0.0"),
    (run(retry={"jitter": 2}), Code.INVALID_VALUE, "run.retry.jitter", "expected float <= 1.0"),
    (run(name="x" * 201), Code.INVALID_VALUE, "run.name", "expected str of length <= 200"),
    (run(tags=["ok", "not ok"]), Code.INVALID_VALUE, "run.tags[1]", "must be 1 to 200 letters, digits and _.:@+-"),
    (run(handler_id="a\n"), Code.INVALID_VALUE, "run.handler_id", "must be 1 to 200 letters, digits and _.:@+-"),
    ({"type": "run.now", "run": {"handler_id": "h"}}, Code.INVALID_VALUE, "run.method_name", "is required"),
    ({"type": "run.batch", "runs": []}, Code.INVALID_VALUE, "runs", "expected array of length >= 1"),
    (
        {"type": "run.batch", "runs": [run()["run"], run(priority=-1)["run"]]},
        Code.INVALID_VALUE,
        "runs[1].priority",
        "expected int >= 0",
    ),
    (
        {"type": "execution.list", "filter": {"since": "yesterday"}},
        Code.INVALID_VALUE,
        "filter.since",
        "invalid RFC3339 encoded datetime",
    ),
    # choices
    (
        schedule({"type": "cron"}, overlap="never"),
        Code.INVALID_VALUE,
        "schedule.overlap",
        "'never' is not one of allow, cancel_running, queue_all, queue_one, skip",
    ),
    (
        {"type": "execution.list", "filter": {"status": ["runing"]}},
        Code.INVALID_VALUE,
        "filter.status[0]",
        "'runing' is not one of cancelled, error, pending, retrying, running, skipped, success, timeout",
    ),
    # unknown fields, and the nearest known one
    (run(priorty=3), Code.UNKNOWN_FIELD, "run.priorty", "unknown field; did you mean priority?"),
    (
        run(retry={"zzz": 1}),
        Code.UNKNOWN_FIELD,
        "run.retry.zzz",
        "unknown field; known are base_seconds, factor, jitter, max_attempts, max_seconds, on_lost",
    ),
    # unions: which trigger is meant decides what is known
    (
        schedule({"type": "crn"}),
        Code.INVALID_VALUE,
        "schedule.trigger_config.type",
        "'crn' is not one of and, calendarinterval, cron, date, interval, or",
    ),
    (
        schedule({"type": "date", "run_date": "2030-01-01", "hour": 3}),
        Code.UNKNOWN_FIELD,
        "schedule.trigger_config.hour",
        "unknown field; known are run_date, timezone",
    ),
    (
        schedule({"type": "interval", "hour": 3}),
        Code.UNKNOWN_FIELD,
        "schedule.trigger_config.hour",
        "unknown field; did you mean hours?",
    ),
    (
        schedule({"type": "cron", "hour": [3]}),
        Code.INVALID_TYPE,
        "schedule.trigger_config.hour",
        "expected integer or string or null, got array",
    ),
    (
        schedule({"type": "or", "triggers": [{"type": "cron", "hour": 1}, {"type": "cron", "minut": 1}]}),
        Code.UNKNOWN_FIELD,
        "schedule.trigger_config.triggers[1].minut",
        "unknown field; did you mean minute?",
    ),
]


@pytest.mark.parametrize(("value", "code", "path", "message"), FAULTS, ids=[f"{c}:{p}" for _, c, p, _ in FAULTS])
def test_a_fault_is_told_with_code_path_and_remedy(value: Any, code: Code, path: str, message: str) -> None:
    problem = refusal(value if isinstance(value, dict) else b"[]")

    assert problem.code is code
    assert [(detail.path, detail.message) for detail in problem.details] == [(path, message)]
    assert problem.message == f"{path}: {message}"


def test_an_unknown_command_is_told_with_all_that_there_are() -> None:
    problem = refusal({"type": "run.later"})

    assert problem.code is Code.INVALID_VALUE
    assert problem.details[0].path == "type"
    assert "run.batch, run.now, schedule.create" in problem.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"type":"ping",}',
        b'{"type":"schedule.get","schedule_id":"\xff"}',
        b'{"type":"schedule.get","schedule_id":"\\ud800"}',
        b'{"type":"ping"} {}',
    ],
    ids=["empty", "cut short", "words", "trailing comma", "not UTF-8", "half a character", "two values"],
)
def test_what_is_not_json_is_malformed(data: bytes) -> None:
    problem = refusal(data)

    assert problem.code is Code.MALFORMED_JSON
    assert problem.message.startswith("the body is not JSON: ")


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"schedule.run","schedule_id":"s","job_params":{"a":' + DEEP + b"}}",
        b'{"type":"run.now","run":{"handler_id":"h","method_name":"m","job_params":{"a":' + DEEP + b"}}}",
    ],
    ids=["decoded", "kept as it is"],
)
def test_json_that_is_nested_too_deeply_is_refused_and_harmless(data: bytes) -> None:
    problem = refusal(data)

    assert (problem.code, problem.message) == (Code.MALFORMED_JSON, "the JSON is nested too deeply")


def test_a_fault_before_deeply_nested_json_is_still_told() -> None:
    problem = refusal(b'{"type":"run.now","run":{"priorty":1,"handler_id":"h","job_params":' + DEEP + b"}}")

    assert (problem.code, problem.details[0].path) == (Code.UNKNOWN_FIELD, "run.priorty")


def test_a_fault_of_the_whole_value_has_the_path_of_the_root() -> None:
    problem = refusal(b'"sleeping"', Status)

    assert problem.details[0].path == "$"


def test_an_instance_must_say_the_zone_of_its_times() -> None:
    outcome = {"type": "outcome", "execution_id": "e", "attempt": 1, "claim": 1, "status": "success"}
    times = {"started_at": "2030-01-01T00:00:00", "completed_at": "2030-01-01T00:00:01Z"}

    problem = refusal(outcome | times, Outcome)

    assert (problem.code, problem.details[0].path) == (Code.INVALID_VALUE, "started_at")
    assert "timezone" in problem.message


def test_user_data_stays_the_text_that_was_written() -> None:
    text = b'{"n": 1.0,  "big": 123456789012345678901234567890}'

    command = decode(
        b'{"type":"run.now","run":{"handler_id":"h","method_name":"m","job_params":' + text + b"}}", RunNow
    )

    assert bytes(command.run.job_params) == text


def test_convert_reads_numbers_and_switches_from_text() -> None:
    command = convert({"limit": "7", "include_total": "true"}, ExecutionList)

    assert (command.limit, command.include_total) == (7, True)


def test_convert_tells_faults_as_decode_does() -> None:
    with pytest.raises(ScheduleZeroError) as refused:
        convert({"filter": {"handler": "h"}}, ExecutionList)

    assert refused.value.code is Code.UNKNOWN_FIELD
    assert refused.value.problem.details[0].message == "unknown field; did you mean handler_id?"
