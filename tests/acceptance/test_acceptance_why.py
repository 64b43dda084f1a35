"""Why it ran, did not, or will: asked over HTTP of real processes, answered in words and as evidence."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedulezero.testkit.api import Api
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.ledger import every, instant
from schedulezero.testkit.waiting import eventually, until

EVERY_SECOND = {"type": "interval", "seconds": 1}
DAILY = {"type": "cron", "hour": 10, "timezone": "Europe/Berlin"}
SECOND = timedelta(seconds=1)
DOWN_SECONDS = 4.0


@pytest.fixture
def api(system: Deployment) -> Api:
    return system.api


def why(api: Api, schedule_id: str, at: Any) -> dict[str, Any]:
    return dict(api.read(f"/api/schedules/{schedule_id}/explain", at=at))


def first_of(api: Api, schedule_id: str, status: str) -> dict[str, Any]:
    """Return the first execution of a schedule that has this status, once there is one."""
    found = eventually(
        lambda: api.executions(schedule_id=schedule_id, status=status), what=f"{status} of {schedule_id}"
    )
    return found[-1]


def due_after(api: Api, schedule_id: str, moment: datetime) -> datetime:
    """Return the first instant of a schedule that fires every second, after `moment`."""
    first = instant(api.read(f"/api/schedules/{schedule_id}")["trigger_config"]["start_time"])
    return next(at for at in every(1, first=first, through=moment + 2 * SECOND) if at > moment)


def passed(moment: datetime) -> None:
    until((moment + SECOND / 2).timestamp())


# -- what has been ----------------------------------------------------------------------------------------------------


def test_a_run_is_explained_by_where_and_when_it_ended(api: Api) -> None:
    id_ = api.schedule("work", "noop", EVERY_SECOND)
    record = first_of(api, id_, "success")

    told = why(api, id_, record["scheduled_for"])

    assert (told["decision"], told["reason"], told["execution_id"]) == ("success", None, record["execution_id"])
    assert re.fullmatch(r"It ran on work-[12] and succeeded at .* UTC, in attempt 1\. .*", told["text"])
    assert told["at"] == record["scheduled_for"]
    assert (told["evidence"]["attempts"], told["evidence"]["waited_for"]) == (1, [])


def test_an_instant_under_a_pause_is_skipped_before_its_row_exists_and_after(api: Api) -> None:
    id_ = api.schedule("work", "noop", EVERY_SECOND)
    pause = api.do(f"/api/schedules/{id_}/pause", {"reason": "stocktaking"})["pause"]
    at = due_after(api, id_, instant(pause["paused_at"]))
    passed(at)

    before = why(api, id_, at.isoformat())
    api.do(f"/api/schedules/{id_}/resume")
    row = first_of(api, id_, "skipped")
    after = why(api, id_, at.isoformat())

    assert [(one["decision"], one["reason"]) for one in (before, after)] == [("skipped", "paused")] * 2
    assert (before["execution_id"], after["execution_id"]) == (None, row["execution_id"])
    for told in (before, after):
        known = {name: told["evidence"][name] for name in ("paused_at", "paused_by", "note")}
        assert known == {"paused_at": pause["paused_at"], "paused_by": "local", "note": "stocktaking"}
        assert "by local (stocktaking)" in told["text"]
    assert f"Resume with POST /api/schedules/{id_}/resume" in before["text"]


def test_what_overlapped_is_named(api: Api) -> None:
    id_ = api.schedule("work", "sleep", EVERY_SECOND, {"seconds": 2.5})
    skipped, running = first_of(api, id_, "skipped"), first_of(api, id_, "running,success")

    told = why(api, id_, skipped["scheduled_for"])

    assert (told["decision"], told["reason"]) == ("skipped", "overlap")
    assert told["evidence"]["running_execution_id"] == running["execution_id"]
    assert told["evidence"]["started_at"] == running["started_at"]
    assert f"execution {running['execution_id']} of the schedule" in told["text"]


def test_without_a_handler_it_is_said_since_when_there_is_none(system: Deployment, api: Api) -> None:
    other = system.handler("other-1", "other").start()
    system.await_instances("other-1", handler_id="other")
    other.close()
    eventually(lambda: api.instances("other")["other-1"] == "Disconnected", what="its leaving")
    id_ = api.schedule("other", "noop", EVERY_SECOND, expires_after_seconds=0)
    waiting = api.schedule("other", "noop", EVERY_SECOND)

    row, pending = first_of(api, id_, "skipped"), first_of(api, waiting, "pending")
    skipped, waits = why(api, id_, row["scheduled_for"]), why(api, waiting, pending["scheduled_for"])

    assert (skipped["decision"], waits["decision"]) == ("skipped", "pending")
    for told in (skipped, waits):
        ((offline),) = told["evidence"]["offline"]
        assert told["reason"] == "no_handler"
        assert instant(offline["from"]) < instant(row["scheduled_for"])
        assert offline["to"] is None
        assert "no instance of handler other has been online since" in told["text"]


def test_a_handler_that_never_was_is_said_to_be_none(api: Api) -> None:
    id_ = api.schedule("nobody", "noop", EVERY_SECOND, expires_after_seconds=0, allow_offline=True)

    told = why(api, id_, first_of(api, id_, "skipped")["scheduled_for"])

    assert (told["decision"], told["reason"]) == ("skipped", "no_handler")
    assert "no instance of handler nobody has ever registered" in told["text"]


def test_what_expired_is_explained_by_what_it_waited_for(api: Api) -> None:
    id_ = api.schedule("nobody", "noop", EVERY_SECOND, expires_after_seconds=1.5, allow_offline=True, overlap="allow")
    row = first_of(api, id_, "skipped")

    told = why(api, id_, row["scheduled_for"])

    assert (told["decision"], told["reason"], told["execution_id"]) == ("skipped", "expired", row["execution_id"])
    assert instant(told["evidence"]["expires_at"]) - instant(row["created_at"]) == 1.5 * SECOND
    assert told["evidence"]["waited_for"]
    assert "nothing had begun it by" in told["text"]


def test_a_pause_of_everything_is_told_from_that_of_a_schedule(api: Api) -> None:
    id_ = api.schedule("work", "noop", EVERY_SECOND)
    api.do("/api/pause", {"reason": "moving house"})
    try:
        at = due_after(api, id_, datetime.now(UTC))
        passed(at)
        during = why(api, id_, at.isoformat())
    finally:
        api.do("/api/resume")
    first_of(api, id_, "skipped")
    after = why(api, id_, at.isoformat())

    for told in (during, after):
        assert (told["decision"], told["reason"]) == ("skipped", "paused")
        assert (told["evidence"]["scope"], told["evidence"]["note"]) == ("everything", "moving house")
    assert "everything has been paused since" in during["text"]
    assert "everything was paused from" in after["text"]
    assert (during["evidence"]["resumed_at"], after["evidence"]["resumed_at"] is None) == (None, False)


def test_a_run_that_waited_for_its_handler_is_explained_by_the_pause(api: Api) -> None:
    id_ = api.schedule("work", "noop", {**EVERY_SECOND, "seconds": 2})
    api.do("/api/handlers/work/pause", {"reason": "oil"})
    try:
        pending = first_of(api, id_, "pending")
        waits = why(api, id_, pending["scheduled_for"])
        passed(instant(pending["scheduled_for"]) + SECOND)
    finally:
        api.do("/api/handlers/work/resume")
    assert api.ended(pending["execution_id"])["status"] == "success"
    late = why(api, id_, pending["scheduled_for"])

    assert (waits["decision"], waits["reason"], waits["evidence"]["note"]) == ("pending", "handler_paused", "oil")
    assert [one["cause"] for one in late["evidence"]["waited_for"]] == ["handler_paused"]
    assert "handler work was paused from" in late["text"]


def test_a_row_that_was_cleared_is_said_to_have_been_there(api: Api) -> None:
    id_ = api.schedule("work", "noop", EVERY_SECOND, max_runs=1)
    record = first_of(api, id_, "success")
    api.do("/api/executions/clear", {"before": datetime.now(UTC).isoformat()})

    told = why(api, id_, record["scheduled_for"])

    assert (told["decision"], told["reason"], told["execution_id"]) == ("unknown", "removed", None)
    assert "its execution is stored no longer" in told["text"]


# -- what is not, and what is to come ---------------------------------------------------------------------------------


def test_an_instant_that_is_not_due_names_the_field_and_its_neighbours(api: Api) -> None:
    id_ = api.schedule("work", "noop", DAILY)

    told = why(api, id_, "2040-06-01T11:00")

    assert (told["decision"], told["reason"], told["at"]) == ("not_due", "not_due", "2040-06-01T09:00:00Z")
    assert told["evidence"] == {
        "field": "hour",
        "value": 11,
        "wanted": "10",
        "previous": "2040-06-01T08:00:00Z",
        "next": "2040-06-02T08:00:00Z",
    }
    assert "hour is 11 at 2040-06-01 11:00:00 Europe/Berlin, and it fires only at 10" in told["text"]


def test_an_instant_to_come_is_explained_by_what_stands_against_it(api: Api) -> None:
    id_ = api.schedule("work", "noop", DAILY)
    clear = why(api, id_, "2040-06-01T10:00")
    api.do(f"/api/schedules/{id_}/pause", {"reason": "stocktaking"})
    paused = why(api, id_, "2040-06-01T10:00")

    assert (clear["decision"], clear["reason"], clear["evidence"]["against"]) == ("upcoming", None, [])
    assert "It is to run at 2040-06-01 10:00:00 Europe/Berlin" in clear["text"]
    assert (paused["decision"], paused["reason"], paused["evidence"]["note"]) == ("upcoming", "paused", "stocktaking")
    assert "if that lasts, it will be skipped" in paused["text"]


def test_a_deleted_schedule_is_explained_by_what_is_on_record(api: Api) -> None:
    id_ = api.schedule("work", "noop", EVERY_SECOND)
    record = first_of(api, id_, "success")
    api.delete(f"/api/schedules/{id_}")

    told = why(api, id_, record["scheduled_for"])

    assert (told["decision"], told["execution_id"]) == ("success", record["execution_id"])


@pytest.mark.parametrize("at", ["someday", "2026-13-01", "0001-01-01T00:00", "10000-01-01", "\x00", "9" * 65])
def test_what_is_no_time_is_refused_at_its_field(api: Api, at: str) -> None:
    id_ = api.schedule("work", "noop", DAILY)

    answer = api.get(f"/api/schedules/{id_}/explain", params={"at": at})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_value")
    assert [detail["path"] for detail in answer.json()["error"]["details"]] == ["at"]


def test_a_schedule_that_never_was_is_404(api: Api) -> None:
    answer = api.get("/api/schedules/none/explain", params={"at": "2026-11-23T06:00:00Z"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "schedule_not_found")


def test_a_page_says_the_same(api: Api) -> None:
    id_ = api.schedule("work", "noop", DAILY)

    page = api.get(f"/schedules/{id_}", params={"why": "2040-06-01T11:00"}).text

    assert "hour is 11 at 2040-06-01 11:00:00 Europe/Berlin, and it fires only at 10" in page


def test_nothing_of_this_has_left_a_traceback(system: Deployment) -> None:
    assert system.tracebacks == []


# -- a scheduler that was down ----------------------------------------------------------------------------------------


def test_the_instants_while_the_scheduler_was_killed_are_explained_by_when_it_was_down(deployment: Deployment) -> None:
    deployment.start()
    deployment.handler("work-1").start()
    deployment.await_instances("work-1")
    api = deployment.api
    missed = api.schedule("work", "noop", EVERY_SECOND, catch_up="skip", misfire_grace_seconds=0.5)
    latest = api.schedule("work", "noop", EVERY_SECOND, catch_up="latest", misfire_grace_seconds=0.5)
    late = api.schedule("work", "noop", EVERY_SECOND, overlap="allow", misfire_grace_seconds=600)
    for id_ in (missed, latest, late):
        first_of(api, id_, "success")

    deployment.scheduler.kill()
    killed_at = datetime.now(UTC)
    until(time.time() + DOWN_SECONDS)
    deployment.scheduler.start()
    deployment.await_ready()
    first_of(api, missed, "skipped")
    told = {id_: explained_when_decided(api, id_, killed_at + SECOND) for id_ in (missed, latest, late)}

    assert (told[missed]["decision"], told[missed]["reason"]) == ("skipped", "misfire")
    assert [told[id_]["decision"] for id_ in (latest, late)] == ["success", "success"]
    assert "stands for all" in told[latest]["text"]
    assert "It began" in told[late]["text"]
    for one in told.values():
        (down,) = one["evidence"].get("scheduler_down") or one["evidence"]["waited_for"]
        assert instant(down["from"]) < killed_at < instant(one["at"]) < instant(down["to"])
        assert "the scheduler was down from" in one["text"]
    assert deployment.tracebacks == []


def explained_when_decided(api: Api, schedule_id: str, moment: datetime) -> dict[str, Any]:
    at = due_after(api, schedule_id, moment).isoformat()

    def look() -> dict[str, Any] | None:
        told = why(api, schedule_id, at)
        return told if told["decision"] in ("success", "skipped") else None

    return eventually(look, what=f"the decision about {at}")
