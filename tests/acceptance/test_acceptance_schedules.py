"""Schedules: made, found, changed, paused, run, removed; and what they have due is accounted for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedulezero.testkit.api import Api, job
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.ledger import every, instant, ledger_faults
from schedulezero.testkit.waiting import eventually

HOURLY = {"type": "interval", "hours": 1}
EVERY_SECOND = {"type": "interval", "seconds": 1}


@pytest.fixture
def api(system: Deployment) -> Api:
    return system.api


def test_a_schedule_is_created_and_its_record_tells_all_of_it(api: Api) -> None:
    options = {"name": "Nightly", "owner": "me", "tags": ["a", "b"], "priority": 2, "overlap": "queue_one"}
    answer = api.post("/api/schedule", json=job("work", "noop", {"n": 1}, trigger_config=HOURLY, **options))

    assert answer.status_code == 201
    assert answer.json()["status"] == "success"
    record = api.read(f"/api/schedules/{answer.json()['schedule_id']}")
    assert record["args"] == ["work", "noop", {"n": 1}]
    assert record["trigger"] == "interval[1:00:00]"
    assert record["next_fire_time"] == answer.json()["next_fire_time"]
    assert {name: record[name] for name in options} == options
    assert (record["paused"], record["runs"], record["last_fire_time"]) == (False, 0, None)


def test_an_id_is_taken_once_unless_the_second_says_what_to_do(api: Api) -> None:
    def ask(status: int, **options: Any) -> Any:
        body = job("work", "noop", trigger_config=HOURLY, schedule_id="mine", **options)
        return api.do("/api/schedule", body, status=status)

    ask(201, priority=1)
    assert ask(409, priority=2)["error"]["code"] == "schedule_exists"
    assert ask(200, priority=3, if_exists="keep")["schedule_id"] == "mine"
    assert api.read("/api/schedules/mine")["priority"] == 1

    ask(201, priority=4, if_exists="replace")
    assert api.read("/api/schedules/mine")["priority"] == 4


def test_schedules_are_found_by_handler_tag_state_and_words(api: Api) -> None:
    one = api.schedule("work", "noop", HOURLY, tags=["found"], name="the zebra crossing")
    two = api.schedule("work", "echo", HOURLY, tags=["found"], paused=True)

    def found(**filters: Any) -> set[str]:
        return {one["id"] for one in api.read("/api/schedules", **filters)["schedules"]}

    assert found(tag="found") == {one, two}
    assert found(tag="found", paused="true") == {two}
    assert found(q="zebra") == {one}
    assert found(handler_id="work", tag="found") == {one, two}
    assert found(handler_id="other", tag="found") == set()
    assert api.read("/api/schedules", tag="found", limit=1, include_total=True)["total"] == 2


def test_a_patch_changes_what_it_names_alone_and_fires_later_than_now(api: Api) -> None:
    id_ = api.schedule("work", "noop", HOURLY, {"n": 1}, priority=3, description="before")
    patch = {"trigger_config": {"type": "interval", "minutes": 5}, "description": None}

    changed = api.patch(f"/api/schedules/{id_}", json=patch)

    assert changed.status_code == 200
    record = changed.json()
    assert (record["trigger"], record["description"]) == ("interval[0:05:00]", None)
    assert (record["priority"], record["job_params"]) == (3, {"n": 1})
    assert instant(record["next_fire_time"]) > datetime.now(UTC)


def test_a_patch_of_an_older_version_is_refused(api: Api) -> None:
    path = f"/api/schedules/{api.schedule('work', 'noop', HOURLY)}"
    seen = api.get(path).headers["ETag"]
    current = api.patch(path, json={"priority": 8}, headers={"If-Match": seen})
    assert current.status_code == 200

    stale = api.patch(path, json={"priority": 1}, headers={"If-Match": seen})

    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "conflict")
    assert api.read(path)["priority"] == 8
    assert current.headers["ETag"] == api.get(path).headers["ETag"] != seen


def test_a_deleted_schedule_is_gone_and_what_it_has_run_stays(api: Api) -> None:
    id_ = api.schedule("work", "noop", HOURLY)
    ran = api.do(f"/api/schedules/{id_}/run", {"wait_seconds": 10})["execution_id"]

    assert api.delete(f"/api/schedules/{id_}").status_code == 200

    assert api.get(f"/api/schedules/{id_}").status_code == 404
    assert api.delete(f"/api/schedules/{id_}").status_code == 404
    assert api.execution(ran)["schedule_id"] == id_


def test_a_schedule_is_run_by_hand_with_its_parameters_or_with_others(api: Api) -> None:
    path = f"/api/schedules/{api.schedule('work', 'noop', HOURLY, {'n': 1})}/run"

    assert api.do(path, {"wait_seconds": 10})["result"] == 1
    assert api.do(path, {"wait_seconds": 10, "job_params": {"n": 2}})["result"] == 2
    accepted = api.post(path)
    assert accepted.status_code == 202
    record = api.ended(accepted.json()["execution_id"])
    assert (record["scheduled_for"], record["result"]) == (None, 1)


def test_a_schedule_that_is_out_of_runs_is_finished(api: Api) -> None:
    id_ = api.schedule("work", "noop", EVERY_SECOND, max_runs=2)

    eventually(lambda: api.read(f"/api/schedules/{id_}")["state"] == "finished", what="the end")

    record = api.read(f"/api/schedules/{id_}")
    assert (record["runs"], record["next_fire_time"]) == (2, None)
    assert len(api.executions(schedule_id=id_)) == 2


def test_a_one_shot_fires_once_at_its_time(api: Api) -> None:
    run_date = (datetime.now(UTC) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    id_ = api.schedule("work", "noop", {"type": "date", "run_date": run_date})

    (record,) = eventually(lambda: api.executions(schedule_id=id_, status="success"), what="its run")

    assert instant(record["scheduled_for"]) == instant(run_date)
    assert 0 <= record["lateness_ms"] < 1000
    assert api.read(f"/api/schedules/{id_}")["state"] == "finished"


@pytest.mark.parametrize(
    ("trigger", "first"),
    [
        ({"type": "date", "run_date": "2040-10-27T15:30:00"}, "2040-10-27T15:30:00Z"),
        ({"type": "date", "run_date": "2040-10-27T15:30:00", "timezone": "Europe/Berlin"}, "2040-10-27T13:30:00Z"),
        ({"type": "interval", "hours": 1, "minutes": 30}, None),
        ({"type": "cron", "hour": "*/2", "minute": "0"}, None),
    ],
    ids=["a date", "a date in a zone", "an interval", "a cron"],
)
def test_the_triggers_of_the_seed_are_scheduled(api: Api, trigger: Any, first: str | None) -> None:
    id_ = api.schedule("work", "noop", trigger)

    record = api.read(f"/api/schedules/{id_}")

    assert record["state"] == "active"
    assert record["next_fire_time"] == (first or record["next_fire_time"])


def test_instants_under_a_pause_are_one_row_that_covers_them(api: Api) -> None:
    id_ = api.schedule("work", "noop", EVERY_SECOND)
    eventually(lambda: api.executions(schedule_id=id_), what="the first run")
    paused = api.do(f"/api/schedules/{id_}/pause", {"reason": "stocktaking"})
    assert (paused["paused"], paused["pause"]["reason"]) == (True, "stocktaking")

    paused_at = instant(paused["pause"]["paused_at"])
    eventually(lambda: datetime.now(UTC) - paused_at > timedelta(seconds=2.2), what="some instants")
    resumed = api.do(f"/api/schedules/{id_}/resume", {"reason": "counted"})
    assert resumed["paused"] is False
    eventually(lambda: instant(api.executions(schedule_id=id_)[0]["scheduled_for"]) > instant(resumed["updated_at"]))
    api.do(f"/api/schedules/{id_}/pause")

    records, record = api.executions(schedule_id=id_), api.read(f"/api/schedules/{id_}")
    (row,) = (record for record in records if record["status"] == "skipped")
    assert (row["reason"], row["covers"]["count"]) == ("paused", 2)
    first, last = instant(record["trigger_config"]["start_time"]), instant(record["last_fire_time"])
    assert ledger_faults(records, every(1, first=first, through=last)) == []


def test_what_overlaps_is_skipped_and_accounted_for(api: Api) -> None:
    id_ = api.schedule("work", "sleep", EVERY_SECOND, {"seconds": 2.5})

    def run_twice() -> list[dict[str, Any]] | None:
        records = api.executions(schedule_id=id_)
        return records if len([one for one in records if one["reason"] is None]) == 2 else None

    eventually(run_twice, within=15, what="the second run")
    api.do(f"/api/schedules/{id_}/pause")

    records, record = api.executions(schedule_id=id_), api.read(f"/api/schedules/{id_}")
    skipped = [one for one in records if one["status"] == "skipped"]
    assert [(one["reason"], one["covers"]["count"]) for one in skipped] == [("overlap", 2)]
    first, last = instant(record["trigger_config"]["start_time"]), instant(record["last_fire_time"])
    assert ledger_faults(records, every(1, first=first, through=last)) == []


def test_preview_shows_fire_times_and_what_clock_changes_do_to_them(api: Api) -> None:
    trigger = {"type": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}

    answer = api.do("/api/triggers/preview", {"trigger_config": trigger, "count": 3, "after": "2027-03-26T12:00:00Z"})

    assert answer["fire_times"] == ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]
    (warning,) = answer["warnings"]
    assert warning.startswith("2027-03-28: 02:30 does not exist in Europe/Berlin, fires at 03:00")


def test_nothing_of_this_has_left_a_traceback(system: Deployment) -> None:
    assert system.tracebacks == []
