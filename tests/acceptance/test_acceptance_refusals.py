"""Bad input: each request is refused by a 4xx with a code and the field at fault, and nothing of it is stored."""

from dataclasses import dataclass
from typing import Any

import pytest

from schedulezero.testkit.api import Api, job
from schedulezero.testkit.deployment import Deployment

JSON = {"Content-Type": "application/json"}
MEBIBYTE = 1024 * 1024
TRIGGER = {"type": "interval", "hours": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request, and what it is refused with; `path` None: the code alone says it."""

    status: int
    code: str
    path: str | None
    body: Any = None
    raw: bytes | None = None
    verb: str = "POST"
    to: str = "/api/run_now"

    def ask(self, api: Api) -> Any:
        if self.raw is not None:
            return api.request(self.verb, self.to, content=self.raw, headers=JSON)
        return (
            api.request(self.verb, self.to, json=self.body)
            if self.body is not None
            else api.request(self.verb, self.to)
        )


def run(**fields: Any) -> dict[str, Any]:
    """A run that would be accepted but for `fields`."""
    return job("work", "noop", {"n": 1}, tags=["refused"]) | fields


def schedule(**fields: Any) -> dict[str, Any]:
    """A schedule that would be accepted but for `fields`."""
    return run(**{"trigger_config": TRIGGER} | fields)


def bad_schedule(code: str, path: str, **fields: Any) -> Refusal:
    return Refusal(status=422, code=code, path=path, body=schedule(**fields), to="/api/schedule")


def bad_trigger(path: str, code: str = "invalid_value", **trigger: Any) -> Refusal:
    return bad_schedule(code, f"trigger_config.{path}".rstrip("."), trigger_config=trigger)


def bad_query(path: str, to: str, code: str = "invalid_value") -> Refusal:
    return Refusal(status=422, code=code, path=path, verb="GET", to=to)


REFUSALS = {
    # bodies that are none
    "no body": Refusal(status=400, code="malformed_json", path=None, raw=b""),
    "not JSON": Refusal(status=400, code="malformed_json", path=None, raw=b"{nonsense"),
    "not UTF-8": Refusal(status=400, code="malformed_json", path=None, raw=b'{"handler_id": "\xff"}'),
    "JSON nested too deeply": Refusal(status=400, code="malformed_json", path=None, raw=b'{"job_params":' * 100_000),
    "not an object": Refusal(status=422, code="invalid_type", path="$", body=[1]),
    "a body of 9 MB": Refusal(status=413, code="payload_too_large", path=None, raw=b" " * 9_000_000),
    "a batch of 9 MB": Refusal(
        status=413, code="payload_too_large", path=None, raw=b" " * 9_000_000, to="/api/run_now/batch"
    ),
    "parameters of more than 1 MiB": Refusal(
        status=413, code="payload_too_large", path="job_params", body=run(job_params={"n": "x" * MEBIBYTE})
    ),
    # runs
    "a handler id that is a number": Refusal(
        status=422, code="invalid_type", path="handler_id", body=run(handler_id=5)
    ),
    "a field left out": Refusal(status=422, code="invalid_value", path="handler_id", body={"method_name": "noop"}),
    "parameters that are a list": Refusal(status=422, code="invalid_type", path="job_params", body=run(job_params=[1])),
    "a priority of ten": Refusal(status=422, code="invalid_value", path="priority", body=run(priority=10)),
    "a priority in quotes": Refusal(status=422, code="invalid_type", path="priority", body=run(priority="high")),
    "an unknown field": Refusal(status=422, code="unknown_field", path="priorty", body=run(priorty=5)),
    "an unknown field of the retry": Refusal(
        status=422, code="unknown_field", path="retry.attempts", body=run(retry={"attempts": 5})
    ),
    "an unknown handler": Refusal(
        status=404, code="handler_not_found", path="handler_id", body=run(handler_id="nobody")
    ),
    "an unknown method": Refusal(status=404, code="method_not_found", path="method_name", body=run(method_name="nop")),
    "a parameter that does not fit": Refusal(
        status=422, code="invalid_value", path="job_params.n", body=run(job_params={"n": "three"})
    ),
    "a parameter that the method has not": Refusal(
        status=422, code="invalid_value", path="job_params", body=run(job_params={"m": 3})
    ),
    "a wait of an hour": Refusal(status=422, code="invalid_value", path="wait_seconds", body=run(wait_seconds=3600)),
    "a batch of nothing": Refusal(
        status=422, code="invalid_value", path="runs", body={"runs": []}, to="/api/run_now/batch"
    ),
    "a batch of too many": Refusal(
        status=422, code="invalid_value", path="runs", body={"runs": [run()] * 1001}, to="/api/run_now/batch"
    ),
    "a batch with a wait": Refusal(
        status=422,
        code="unknown_field",
        path="runs[0].wait_seconds",
        body={"runs": [run(wait_seconds=1)]},
        to="/api/run_now/batch",
    ),
    # schedules and triggers
    "a schedule without trigger": Refusal(
        status=422, code="invalid_value", path="trigger_config", body=run(), to="/api/schedule"
    ),
    "a schedule of an unknown handler": Refusal(
        status=404, code="handler_not_found", path="handler_id", body=schedule(handler_id="nobody"), to="/api/schedule"
    ),
    "a schedule of an unknown method": Refusal(
        status=404, code="method_not_found", path="method_name", body=schedule(method_name="nop"), to="/api/schedule"
    ),
    "parameters of a schedule that do not fit": bad_schedule(
        "invalid_value", "job_params.n", job_params={"n": "three"}
    ),
    "an unknown overlap": bad_schedule("invalid_value", "overlap", overlap="maybe"),
    "an id with a space": bad_schedule("invalid_value", "schedule_id", schedule_id="a b"),
    "an end before the start": bad_schedule(
        "invalid_value", "end_at", start_at="2030-01-02T00:00:00Z", end_at="2030-01-01T00:00:00Z"
    ),
    "an unknown kind of trigger": bad_trigger("type", type="sometimes"),
    "a trigger without kind": bad_trigger("type", hours=1),
    "an unknown key of a trigger": bad_trigger("hour", "unknown_field", type="interval", hour=1),
    "an interval of nothing": bad_trigger("", type="interval"),
    "an interval below zero": bad_trigger("hours", type="interval", hours=-1),
    "a date that is past": bad_trigger("run_date", type="date", run_date="2020-01-01T00:00:00Z"),
    "a date without a zone that is past": bad_trigger("run_date", type="date", run_date="2020-01-01T00:00:00"),
    "a date that is none": bad_trigger("run_date", type="date", run_date="tomorrow"),
    "30 February in fields": bad_trigger("day", type="cron", month=2, day=30),
    "30 February in an expression": bad_trigger("expression", type="cron", expression="0 0 30 2 *"),
    "an hour that is none": bad_trigger("hour", type="cron", hour=24),
    "a cron expression of seven fields": bad_trigger("expression", type="cron", expression="* * * * * * *"),
    "an unknown zone": bad_trigger("timezone", type="cron", hour=1, timezone="Europe/Atlantis"),
    "a fault deep in a trigger": bad_trigger(
        "triggers[1].hour", type="or", triggers=[TRIGGER, {"type": "cron", "hour": 25}]
    ),
    "a preview of nothing": Refusal(
        status=422,
        code="invalid_value",
        path="count",
        body={"trigger_config": TRIGGER, "count": 0},
        to="/api/triggers/preview",
    ),
    # queries
    "a limit below zero": bad_query("limit", "/api/executions?limit=-1"),
    "a limit of schedules below zero": bad_query("limit", "/api/schedules?limit=-1"),
    "a limit that is too large": bad_query("limit", "/api/executions?limit=1001"),
    "a limit that is no number": bad_query("limit", "/api/executions?limit=many", "invalid_type"),
    "an unknown status": bad_query("status", "/api/executions?status=success,sleeping"),
    "a cursor that we never gave": bad_query("cursor", "/api/executions?cursor=here"),
    "a time that is none": bad_query("since", "/api/executions?since=yesterday"),
    "an unknown filter": bad_query("colour", "/api/executions?colour=red", "unknown_field"),
    "lines before the first": bad_query("after", "/api/executions/x/logs?after=-1"),
    # bulk work
    "an unknown bulk action": Refusal(
        status=422,
        code="invalid_value",
        path="action",
        body={"action": "forget", "filter": {}},
        to="/api/executions/bulk",
    ),
    "a clear without its instant": Refusal(
        status=422, code="invalid_value", path="before", body={}, to="/api/executions/clear"
    ),
    # verbs and paths
    "a wrong verb": Refusal(status=405, code="method_not_allowed", path=None, verb="DELETE", to="/api/run_now"),
    "an unknown path": Refusal(status=404, code="not_found", path=None, verb="GET", to="/api/shedules"),
}

UNKNOWN_IDS = [
    ("GET", "/api/schedules/none", "schedule_not_found"),
    ("PATCH", "/api/schedules/none", "schedule_not_found"),
    ("DELETE", "/api/schedules/none", "schedule_not_found"),
    ("POST", "/api/schedules/none/pause", "schedule_not_found"),
    ("POST", "/api/schedules/none/resume", "schedule_not_found"),
    ("POST", "/api/schedules/none/run", "schedule_not_found"),
    ("GET", "/api/executions/none", "execution_not_found"),
    ("POST", "/api/executions/none/cancel", "execution_not_found"),
    ("POST", "/api/executions/none/retry", "execution_not_found"),
    ("GET", "/api/executions/none/logs", "execution_not_found"),
    ("GET", "/api/handlers/none", "handler_not_found"),
    ("POST", "/api/handlers/none/ping", "handler_not_found"),
    ("POST", "/api/handlers/none/drain", "handler_not_found"),
    ("POST", "/api/handlers/none/pause", "handler_not_found"),
    ("POST", "/api/handlers/none/resume", "handler_not_found"),
]


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=list(REFUSALS))
def test_bad_input_is_refused_with_its_code_and_path_and_stores_nothing(system: Deployment, refusal: Refusal) -> None:
    answer = refusal.ask(system.api)

    assert answer.status_code == refusal.status, answer.text
    error = answer.json()["error"]
    assert error["code"] == refusal.code
    assert error["message"]
    if refusal.path is not None:
        assert error["details"][0]["path"] == refusal.path
    assert stored(system.api) == (0, 0)


@pytest.mark.parametrize(("verb", "path", "code"), UNKNOWN_IDS)
def test_an_unknown_id_is_not_found_by_any_verb(system: Deployment, verb: str, path: str, code: str) -> None:
    answer = system.api.request(verb, path, json={"priority": 1} if verb == "PATCH" else None)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["details"]


def test_a_body_that_is_not_said_to_be_json_is_refused(system: Deployment) -> None:
    answer = system.api.post("/api/run_now", content=b"handler_id=work", headers={"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_a_page_of_another_site_cannot_write(system: Deployment) -> None:
    answer = system.api.post("/api/run_now", json=run(), headers={"Origin": "http://evil.example"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_origin")
    assert stored(system.api) == (0, 0)


def test_a_host_name_that_is_not_ours_is_refused(system: Deployment) -> None:
    answer = system.api.get("/api/handlers", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "unknown_host")


def test_after_all_that_it_works_and_no_log_has_a_traceback(system: Deployment) -> None:
    assert system.api.run("work", "noop", {"n": 4}, wait_seconds=10)["result"] == 4
    assert system.tracebacks == []


def stored(api: Api) -> tuple[int, int]:
    """How many executions and schedules there are."""
    return len(api.executions(tag="refused")), api.read("/api/schedules", include_total=True)["total"]
