"""Runs by hand: accepted once, waited for, tried again, cancelled, found again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from schedulezero.testkit.api import Api, job
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.ledger import instant
from schedulezero.testkit.waiting import eventually

LONG_SECONDS = 13
QUICK_RETRY = {"max_attempts": 3, "base_seconds": 0.05, "jitter": 0}


@pytest.fixture(scope="module", autouse=True)
def long_run(system: Deployment) -> str:
    """A run that takes long, which goes on while the other tests of this module run."""
    return str(system.api.run("work", "sleep", {"seconds": LONG_SECONDS})["execution_id"])


@pytest.fixture(scope="module")
def narrow(system: Deployment) -> Deployment:
    """The system with a handler `other` that does one thing at a time."""
    system.handler("other-1", "other", SCHEDULEZERO_HANDLER_CONCURRENCY="1").start()
    system.await_instances("other-1", handler_id="other")
    return system


@pytest.fixture
def api(system: Deployment) -> Api:
    return system.api


@pytest.fixture
def paused(system: Deployment) -> Iterator[Api]:
    """The handler `work` gets nothing to do until the test has ended."""
    system.api.do("/api/handlers/work/pause", {"reason": "a test looks at what waits"})
    yield system.api
    system.api.do("/api/handlers/work/resume")


# -- answers ----------------------------------------------------------------------------------------------------------


def test_a_run_is_accepted_and_its_record_tells_all_of_it(api: Api) -> None:
    answer = api.post("/api/run_now", json=job("work", "echo", {"a": [1, {"b": None}]}, tags=["t"], priority=7))

    assert answer.status_code == 202
    assert answer.json()["status"] == "accepted"
    record = api.ended(answer.json()["execution_id"])
    assert record["status"] == "success"
    assert record["result"] == record["job_params"] == {"a": [1, {"b": None}]}
    assert (record["tags"], record["priority"], record["attempt_number"]) == (["t"], 7, 1)
    assert (record["schedule_id"], record["scheduled_for"], record["covers"], record["error"]) == (None,) * 4
    assert instant(record["created_at"]) <= instant(record["started_at"]) <= instant(record["completed_at"])
    assert [attempt["status"] for attempt in record["attempts"]] == ["success"]


def test_a_run_that_ends_within_the_wait_is_answered_with_its_result(api: Api) -> None:
    answer = api.post("/api/run_now", json=job("work", "noop", {"n": 3}, wait_seconds=10))

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["result"]) == ("success", 3)


def test_a_run_that_fails_within_the_wait_is_answered_with_its_error(api: Api) -> None:
    answer = api.post("/api/run_now", json=job("work", "fail_for_good", {"why": "no paper"}, wait_seconds=10))

    assert answer.status_code == 200
    assert answer.json()["status"] == "error"
    assert answer.json()["error"]["message"] == "no paper"


def test_a_run_that_outlasts_the_wait_is_answered_as_accepted(api: Api) -> None:
    answer = api.post("/api/run_now", json=job("work", "sleep", {"seconds": 1}, wait_seconds=0.2))

    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert api.ended(answer.json()["execution_id"])["status"] == "success"


# -- once -------------------------------------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_execution_however_it_is_asked(system: Deployment) -> None:
    body = job("work", "noop", {"n": 1})

    def ask(_: int) -> str:
        with system.api.again() as api:
            return str(api.do("/api/run_now", body, key="once")["execution_id"])

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(ask, range(8)))
    ids.add(system.api.do("/api/run_now", body | {"idempotency_key": "once"})["execution_id"])

    assert len(ids) == 1
    (id_,) = ids
    system.api.ended(id_)
    assert system.api.do("/api/run_now", body | {"wait_seconds": 5}, key="once")["status"] == "success"
    assert [run.execution_id for run in system.diary].count(id_) == 1


def test_the_same_key_with_another_body_is_refused(api: Api) -> None:
    api.do("/api/run_now", job("work", "noop", {"n": 1}), key="two bodies")

    refused = api.do("/api/run_now", job("work", "noop", {"n": 2}), status=409, key="two bodies")

    assert refused["error"]["code"] == "idempotency_conflict"


def test_a_batch_is_accepted_in_order_and_again_by_its_key(api: Api) -> None:
    runs = {"runs": [job("work", "noop", {"n": number}) for number in range(50)]}

    answer = api.do("/api/run_now/batch", runs, status=202, key="batch")

    assert answer["status"] == "accepted"
    ids = answer["execution_ids"]
    assert [api.ended(id_)["result"] for id_ in ids] == list(range(50))
    assert api.do("/api/run_now/batch", runs, key="batch")["execution_ids"] == ids


def test_a_batch_with_one_bad_run_is_refused_as_a_whole(api: Api) -> None:
    runs = [job("work", "noop", {"n": 1}, tags=["spoilt"]), job("work", "noop", {"n": "x"}, tags=["spoilt"])]

    error = api.do("/api/run_now/batch", {"runs": runs}, status=422)["error"]

    assert error["details"][0]["path"] == "runs[1].job_params.n"
    assert api.executions(tag="spoilt") == []


def test_a_batch_of_seven_megabytes_is_accepted(api: Api) -> None:
    runs = {"runs": [job("work", "echo", {"text": "x" * 7000}, tags=["large"]) for _ in range(1000)]}

    ids = api.do("/api/run_now/batch", runs, status=202)["execution_ids"]

    assert len(set(ids)) == 1000

    def succeeded() -> bool:
        page = api.read("/api/executions", tag="large", status="success", limit=1, include_total=True)
        return bool(page["total"] == 1000)

    eventually(succeeded, within=20, what="the success of all")


def test_a_value_of_almost_a_mebibyte_travels_there_and_back(api: Api) -> None:
    params = {"text": "ü" * 500_000}

    answer = api.run("work", "echo", params, wait_seconds=20)

    assert (answer["status"], answer["result"]) == ("success", params)
    assert api.execution(answer["execution_id"])["job_params"] == params


# -- attempts ---------------------------------------------------------------------------------------------------------


def test_a_job_that_fails_twice_shows_three_attempts_with_their_errors(system: Deployment) -> None:
    id_ = system.api.run("work", "fail_times", {"times": 2}, retry=QUICK_RETRY)["execution_id"]

    record = system.api.ended(id_)
    assert (record["status"], record["result"], record["attempt_number"]) == ("success", 3, 3)
    attempts = record["attempts"]
    told = [(one["attempt_number"], one["status"], one["error"] and one["error"]["message"]) for one in attempts]
    assert told == [
        (1, "error", "attempt 1 of 2 that fail"),
        (2, "error", "attempt 2 of 2 that fail"),
        (3, "success", None),
    ]
    assert all(one["error"]["type"].endswith("Flaky") for one in record["attempts"][:2])
    assert [run.attempt for run in system.diary if run.execution_id == id_] == [1, 2, 3]


def test_a_job_that_fails_for_good_is_not_tried_again(api: Api) -> None:
    record = api.ended(api.run("work", "fail_for_good", retry=QUICK_RETRY)["execution_id"])

    assert (record["status"], record["attempt_number"]) == ("error", 1)


def test_a_job_that_takes_too_long_ends_as_timeout(api: Api) -> None:
    options = {"timeout_seconds": 0.2, "retry": {"max_attempts": 1}}

    record = api.ended(api.run("work", "sleep", {"seconds": 30}, **options)["execution_id"])

    assert record["status"] == "timeout"
    assert record["duration_ms"] < 5_000


# -- order ------------------------------------------------------------------------------------------------------------


def test_higher_priority_goes_first_and_equals_in_order(narrow: Deployment) -> None:
    api = narrow.api
    api.do("/api/handlers/other/pause")
    runs = [job("other", "noop", priority=priority) for priority in (1, 5, 9, 5)]
    first, second, third, fourth = api.do("/api/run_now/batch", {"runs": runs})["execution_ids"]
    assert {api.execution(id_)["status"] for id_ in (first, second, third, fourth)} == {"pending"}

    api.do("/api/handlers/other/resume")

    for id_ in (first, second, third, fourth):
        api.ended(id_)
    begun = [run.execution_id for run in narrow.diary if run.instance_id == "other-1"]
    assert begun == [third, second, fourth, first]


def test_a_paused_handler_is_shown_and_gets_its_work_when_resumed(system: Deployment) -> None:
    api = system.api
    api.do("/api/handlers/work/pause", {"reason": "inventory"})
    handler = api.read("/api/handlers/work")
    id_ = api.run("work", "noop")["execution_id"]
    assert (handler["paused"], handler["pause"]["reason"]) == (True, "inventory")
    assert api.execution(id_)["status"] == "pending"

    api.do("/api/handlers/work/resume")

    assert api.ended(id_)["status"] == "success"
    assert api.read("/api/handlers/work")["paused"] is False


def test_while_everything_is_paused_runs_wait(api: Api) -> None:
    api.do("/api/pause", {"reason": "moving house"})
    id_ = api.run("work", "noop")["execution_id"]
    assert api.read("/api/health")["paused"]["reason"] == "moving house"
    assert api.execution(id_)["status"] == "pending"

    api.do("/api/resume")

    assert api.ended(id_)["status"] == "success"


# -- cancel and retry -------------------------------------------------------------------------------------------------


def test_a_running_execution_is_stopped_by_cancel_and_no_other_attempt_follows(system: Deployment) -> None:
    api = system.api
    id_ = api.run("work", "sleep", {"seconds": 60}, retry=QUICK_RETRY)["execution_id"]
    eventually(lambda: id_ in {run.execution_id for run in system.diary}, what="the run")
    (attempt,) = api.execution(id_)["attempts"]
    assert (attempt["attempt_number"], attempt["status"], attempt["completed_at"]) == (1, "running", None)

    api.do(f"/api/executions/{id_}/cancel")

    record = api.ended(id_)
    assert (record["status"], record["attempt_number"]) == ("cancelled", 1)
    assert [one["status"] for one in record["attempts"]] == ["cancelled"]
    refused = api.do(f"/api/executions/{id_}/cancel", status=409)
    assert refused["error"]["code"] == "conflict"


def test_a_waiting_execution_is_cancelled_at_once(paused: Api) -> None:
    id_ = paused.run("work", "noop")["execution_id"]

    assert paused.do(f"/api/executions/{id_}/cancel")["status"] == "cancelled"


def test_retry_runs_an_ended_job_again_as_a_new_execution(api: Api) -> None:
    original = api.run("work", "echo", {"x": 1}, wait_seconds=10)["execution_id"]

    again = api.do(f"/api/executions/{original}/retry")["execution_id"]

    record = api.ended(again)
    assert again != original
    assert (record["retry_of"], record["result"], record["status"]) == (original, {"x": 1}, "success")


def test_what_has_not_ended_cannot_be_retried(paused: Api) -> None:
    id_ = paused.run("work", "noop")["execution_id"]

    assert paused.do(f"/api/executions/{id_}/retry", status=409)["error"]["code"] == "conflict"


def test_bulk_cancels_and_retries_what_a_filter_finds(api: Api) -> None:
    api.do("/api/handlers/work/pause")
    runs = [job("work", "noop", {"n": number}, tags=["bulk"]) for number in range(5)]
    api.do("/api/run_now/batch", {"runs": runs})

    cancelled = api.do("/api/executions/bulk", {"action": "cancel", "filter": {"tag": "bulk"}})

    assert cancelled == {"matched": 5, "done": 5}
    assert {record["status"] for record in api.executions(tag="bulk")} == {"cancelled"}
    api.do("/api/handlers/work/resume")
    retried = api.do("/api/executions/bulk", {"action": "retry", "filter": {"tag": "bulk", "status": ["cancelled"]}})
    assert retried == {"matched": 5, "done": 5}
    successes = eventually(lambda: found_if(5, api.executions(tag="bulk", status="success")))
    assert {record["result"] for record in successes} == set(range(5))


# -- finding ----------------------------------------------------------------------------------------------------------


def test_pages_follow_one_another_without_gap_or_double(api: Api) -> None:
    runs = [job("work", "noop", {"n": number}, tags=["pages"]) for number in range(25)]
    ids = api.do("/api/run_now/batch", {"runs": runs})["execution_ids"]

    pages: list[dict[str, Any]] = []
    cursor = None
    while not pages or cursor:
        query = {"tag": "pages", "limit": 10, "include_total": True} | ({"cursor": cursor} if cursor else {})
        pages.append(api.read("/api/executions", **query))
        cursor = pages[-1]["next_cursor"]

    assert [(page["count"], page["limit"], page["total"]) for page in pages] == [
        (10, 10, 25),
        (10, 10, 25),
        (5, 10, 25),
    ]
    assert [record["execution_id"] for page in pages for record in page["records"]] == ids[::-1]
    assert "total" not in api.read("/api/executions", tag="pages")


def test_executions_are_found_by_status_method_and_time(api: Api) -> None:
    failed = api.run("work", "fail_for_good", tags=["found"], wait_seconds=10)["execution_id"]
    fine = api.run("work", "noop", tags=["found"], wait_seconds=10)["execution_id"]

    def found(**filters: Any) -> list[str]:
        return [record["execution_id"] for record in api.executions(tag="found", **filters)]

    assert found() == found(status="success,error") == [fine, failed]
    assert found(status="error") == found(method_name="fail_for_good") == [failed]
    assert found(since=api.execution(fine)["created_at"]) == [fine]
    assert found(until=api.execution(failed)["created_at"]) in ([failed], [])
    assert found(q=fine) == [fine]
    assert api.read("/api/executions/errors", limit=1)["records"][0]["execution_id"] == failed


def test_logs_are_numbered_and_can_be_followed(api: Api) -> None:
    id_ = api.run("work", "chat", {"lines": 3}, wait_seconds=10)["execution_id"]

    page = api.read(f"/api/executions/{id_}/logs")

    assert [line["fields"]["number"] for line in page["lines"] if line["event"] == "line"] == [1, 2, 3]
    assert [line["event"] for line in page["lines"]].count("progress") == 3
    middle = page["lines"][3]["seq"]
    assert api.read(f"/api/executions/{id_}/logs", after=middle)["lines"] == page["lines"][4:]
    assert api.read(f"/api/executions/{id_}/logs", after=page["next_after"])["lines"] == []


def test_figures_count_an_outcome_as_soon_as_it_is_told(api: Api) -> None:
    before = api.read("/api/executions/stats")

    api.run("work", "noop", wait_seconds=10)
    api.run("work", "fail_for_good", wait_seconds=10)

    after = api.read("/api/executions/stats")
    assert after["total_executions"] == before["total_executions"] + 2
    assert after["success_count"] == before["success_count"] + 1
    assert after["error_count"] == before["error_count"] + 1
    assert after["by_handler"]["work"]["error_count"] == before["by_handler"]["work"]["error_count"] + 1
    assert 0 < after["success_rate"] < 1
    assert after["p50_duration_ms"] <= after["p95_duration_ms"] <= after["p99_duration_ms"]


# -- handlers that are away -------------------------------------------------------------------------------------------


def test_work_of_a_handler_that_has_gone_waits_for_its_return(system: Deployment) -> None:
    api = system.api
    instance = system.handler("gone-1", "other").start()
    system.await_instances("gone-1", handler_id="other")
    others = [program for program in system.programs if program.name.startswith("other-") and program.running]
    for program in [instance, *others]:
        assert program.end() == 0

    waiting = api.run("other", "noop")["execution_id"]
    not_waiting = api.run("other", "noop", expires_after_seconds=0)["execution_id"]

    record = api.ended(not_waiting)
    assert (record["status"], record["reason"]) == ("skipped", "no_handler")
    assert api.execution(waiting)["status"] == "pending"
    for program in [instance, *others]:
        program.start()
    assert api.ended(waiting)["status"] == "success"


# -- at last ----------------------------------------------------------------------------------------------------------


def test_the_long_job_has_run_once_and_to_its_end(system: Deployment, long_run: str) -> None:
    record = system.api.ended(long_run, within=LONG_SECONDS + 5)

    assert (record["status"], record["result"], record["attempt_number"]) == ("success", LONG_SECONDS, 1)
    assert record["duration_ms"] >= LONG_SECONDS * 1000
    assert [run.execution_id for run in system.diary].count(long_run) == 1


def test_clear_removes_what_ended_before_an_instant_and_nothing_else(api: Api) -> None:
    old = api.run("work", "noop", tags=["clear"], wait_seconds=10)["execution_id"]
    new = api.run("work", "noop", tags=["clear"], wait_seconds=10)["execution_id"]

    cleared = api.do("/api/executions/clear", {"before": api.execution(new)["completed_at"]})

    assert cleared["records_cleared"] >= 1
    assert [record["execution_id"] for record in api.executions(tag="clear")] == [new]
    assert api.get(f"/api/executions/{old}").status_code == 404


def test_nothing_of_this_has_left_a_traceback(system: Deployment) -> None:
    assert system.tracebacks == []


def found_if(count: int, records: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return records if len(records) == count else None
