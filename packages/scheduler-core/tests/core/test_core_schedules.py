"""Due instants: each is decided once, and becomes a row that says what became of it."""

from typing import Any

import pytest

from schedulezero.protocol.commands import (
    ScheduleDelete,
    SchedulePatch,
    SchedulePause,
    ScheduleResume,
    ScheduleRun,
    ScheduleUpdate,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.errors import Code, Problem
from schedulezero.protocol.handling import Cancel
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import SECOND

EVERY_SECOND = {"type": "interval", "seconds": 1}


def offsets(bottle: Any, rows: list[Any], start: int) -> list[float]:
    return [(row.fire_time - start) / SECOND for row in rows]


def covered(rows: list[Any]) -> int:
    return sum(row.covers_count or 1 for row in rows)


def test_each_instant_becomes_one_row_and_the_schedule_moves_on_in_the_same_step(bottle: Any) -> None:
    bottle.connect()
    start = bottle.now
    id_ = bottle.schedule(EVERY_SECOND).schedule_id

    for _ in range(5):
        bottle.advance(1)
        for execute in bottle.executes():
            bottle.finish(execute)

    assert offsets(bottle, bottle.rows(id_), start) == [1, 2, 3, 4, 5]
    assert {row.status for row in bottle.rows(id_)} == {Status.SUCCESS}
    assert bottle.schedules[id_].decided_through == start + 5 * SECOND
    assert bottle.schedules[id_].runs == 5


def test_a_scheduled_run_that_succeeds_is_three_row_writes(bottle: Any) -> None:
    bottle.connect()
    bottle.schedule(EVERY_SECOND)
    bottle.writes = 0

    bottle.advance(1)
    [execute] = bottle.executes()
    bottle.finish(execute)

    assert bottle.writes == 3


def test_overlap_skip_extends_one_row_while_the_first_run_goes_on(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND).schedule_id

    bottle.advance(13)
    [execute] = bottle.executes()
    bottle.finish(execute)

    ran, skipped = bottle.rows(id_)
    assert ran.status is Status.SUCCESS
    assert (skipped.status, skipped.reason, skipped.covers_count) == (Status.SKIPPED, "overlap", 12)
    assert (skipped.covers_from, skipped.covers_to) == (ran.fire_time + SECOND, ran.fire_time + 12 * SECOND)


@pytest.mark.parametrize(("overlap", "at_once", "in_all"), [("allow", 3, 3), ("queue_all", 1, 3), ("queue_one", 1, 2)])
def test_overlap_policies_run_together_or_one_after_another(
    bottle: Any, overlap: str, at_once: int, in_all: int
) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap=overlap).schedule_id

    bottle.advance(3)
    executes = bottle.executes()
    assert len(executes) == at_once
    bottle.ask(SchedulePause(schedule_id=id_))
    while executes:
        bottle.finish(executes.pop())
        executes += bottle.executes()

    ran = [row for row in bottle.rows(id_) if row.status is Status.SUCCESS]
    assert len(ran) == in_all
    assert covered(bottle.rows(id_)) == 3


def test_overlap_cancel_running_starts_the_new_one_when_the_old_has_ended(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="cancel_running").schedule_id
    bottle.advance(1)
    [old] = bottle.executes()

    bottle.advance(1)
    assert not bottle.executes()
    bottle.finish(old, "cancelled")

    [new] = bottle.executes()
    assert [row.status for row in bottle.rows(id_)] == [Status.CANCELLED, Status.RUNNING]
    assert new.execution_id == bottle.rows(id_)[1].id


def test_what_is_cancelled_together_is_cancelled_in_the_order_in_which_it_was_decided(bottle: Any) -> None:
    bottle.connect()
    bottle.schedule(EVERY_SECOND, schedule_id="s", overlap="allow")
    bottle.advance(12)
    bottle.sent.clear()

    bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(overlap="cancel_running")))
    bottle.advance(1)

    cancelled = [message.execution_id for _, message in bottle.sent if isinstance(message, Cancel)]
    assert cancelled == [row.id for row in bottle.rows("s")][:12]


@pytest.mark.parametrize(
    ("catch_up", "rows"),
    [
        ("latest", [("success", 541), ("success", 1)]),
        ("skip", [("misfire", 541), ("success", 1)]),
        ("all", [("misfire", 531), *[("success", 1)] * 10, ("success", 1)]),
    ],
)
def test_what_was_missed_while_down_is_run_or_covered_as_catch_up_says(
    bottle: Any, catch_up: str, rows: list[Any]
) -> None:
    bottle.connect()
    options = {"catch_up": catch_up, "max_catch_up": 10, "misfire_grace_seconds": 60, "overlap": "allow"}
    id_ = bottle.schedule({"type": "interval", "seconds": 1}, **options).schedule_id

    bottle.now += 601_500_000
    bottle.restart()
    bottle.connect("b2")
    bottle.feed(inputs.Tick())
    executes = bottle.executes()
    while executes:
        bottle.finish(executes.pop(0))
        executes += bottle.executes()

    told = [(row.reason or row.status.value, row.covers_count or 1) for row in bottle.rows(id_)]
    missed = told[: len(rows) - 1]
    assert missed == rows[:-1]
    assert told[len(missed) :] == [("success", 1)] * 60
    assert covered(bottle.rows(id_)) == 601


def test_missed_runs_of_catch_up_all_go_one_after_another_oldest_first(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule({"type": "interval", "minutes": 5}, catch_up="all", overlap="allow").schedule_id

    bottle.now += 3600 * SECOND
    bottle.restart()
    bottle.connect("b2")
    bottle.feed(inputs.Tick())

    order = []
    executes = bottle.executes()
    on_time = executes.pop()
    while executes:
        [execute] = executes
        order.append(execute.scheduled_for)
        bottle.finish(execute)
        executes = bottle.executes()
        if on_time is not None:
            assert not executes
            bottle.finish(on_time)
            on_time, executes = None, bottle.executes()
    assert len(order) == 11
    assert order == sorted(order)
    assert covered(bottle.rows(id_)) == 12


def test_a_clock_stepped_backward_fires_nothing_again(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, overlap="allow").schedule_id
    bottle.advance(10)

    bottle.now -= 5 * SECOND
    bottle.feed(inputs.Tick())
    bottle.advance(7)

    assert covered(bottle.rows(id_)) == 12


def test_a_pause_is_accounted_for_by_one_row_when_it_ends(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND).schedule_id
    paused = bottle.ask(SchedulePause(schedule_id=id_, reason="holiday"))
    assert (paused.state, paused.pause.reason, paused.next_fire) == ("paused", "holiday", None)

    bottle.advance(7 * 86400)
    resumed = bottle.ask(ScheduleResume(schedule_id=id_))

    [row] = bottle.rows(id_)
    assert (row.status, row.reason, row.covers_count) == (Status.SKIPPED, "paused", 7 * 86400)
    assert resumed.state == "active"
    assert resumed.next_fire == bottle.now + SECOND


def test_a_pause_of_everything_fires_nothing_and_is_accounted_for(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND).schedule_id
    bottle.ask(SystemPause(reason="upgrade"))
    by_hand = bottle.run()
    bottle.advance(10)
    assert not bottle.executes()

    bottle.ask(SystemResume())

    assert [e.execution_id for e in bottle.executes()] == [by_hand]
    [row] = bottle.rows(id_)
    assert (row.reason, row.covers_count) == ("paused", 10)


def test_a_schedule_ends_after_max_runs(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND, max_runs=2, overlap="allow").schedule_id

    bottle.advance(5)

    assert len(bottle.rows(id_)) == 2
    assert (bottle.schedules[id_].state, bottle.schedules[id_].next_fire) == ("finished", None)


def test_start_and_end_bound_the_fire_times(bottle: Any) -> None:
    bottle.connect()
    start = bottle.now
    bounds = {"start_at": to_datetime(start + 3 * SECOND), "end_at": to_datetime(start + 5 * SECOND)}
    id_ = bottle.schedule(EVERY_SECOND, overlap="allow", **bounds).schedule_id

    bottle.advance(10)

    assert offsets(bottle, bottle.rows(id_), start) == [3, 4, 5]
    assert bottle.schedules[id_].state == "finished"


def test_jitter_moves_the_run_and_never_the_instant(bottle: Any) -> None:
    bottle.connect()
    start = bottle.now
    id_ = bottle.schedule({"type": "interval", "seconds": 10}, jitter_seconds=5, overlap="allow").schedule_id

    bottle.advance(100)

    rows = bottle.rows(id_)
    assert offsets(bottle, rows, start)[:9] == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    late = [row.created_at - row.fire_time for row in rows]
    assert all(0 <= jitter <= 5 * SECOND for jitter in late)
    assert len(set(late)) > 5


@pytest.mark.parametrize("end", ["another trigger", "an earlier end", "replaced", "deleted"])
def test_an_instant_whose_jitter_is_not_over_runs_at_once_when_its_trigger_comes_to_an_end(
    bottle: Any, end: str
) -> None:
    bottle.connect()
    start, every_100_s = bottle.now, {"type": "interval", "seconds": 100}
    for _ in range(100):
        bottle.schedule(every_100_s, schedule_id="s", jitter_seconds=100, if_exists="replace")
        if bottle.schedules["s"].due_at > start + 110 * SECOND:
            break
    bottle.advance(105)
    assert bottle.rows("s") == []

    if end == "another trigger":
        trigger = IntervalTrigger(seconds=7)
        bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(trigger_config=trigger)))
    elif end == "an earlier end":
        bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(end_at=to_datetime(start + SECOND))))
    elif end == "replaced":
        bottle.schedule({"type": "interval", "hours": 1}, schedule_id="s", if_exists="replace")
    else:
        bottle.ask(ScheduleDelete(schedule_id="s"))

    [row] = bottle.rows("s")
    assert (row.status, row.fire_time - start) == (Status.RUNNING, 100 * SECOND)


def test_what_is_too_much_to_be_decided_before_a_trigger_is_changed_is_one_range(bottle: Any) -> None:
    bottle.connect()
    bottle.schedule(EVERY_SECOND, schedule_id="s", overlap="allow", misfire_grace_seconds=86400)
    bottle.now += 5_000 * SECOND

    bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(trigger_config=IntervalTrigger(hours=1))))

    *ran, left = bottle.rows("s")
    assert {row.status for row in ran} <= {Status.RUNNING, Status.PENDING}
    assert (left.status, left.reason, left.covers_count) == (Status.SKIPPED, "misfire", 5_000 - len(ran))


def test_a_schedule_that_is_replaced_keeps_its_creation_and_has_its_times_since_then(bottle: Any) -> None:
    bottle.connect()
    start = bottle.now
    bottle.schedule(EVERY_SECOND, schedule_id="s")
    bottle.advance(10)

    bottle.schedule(EVERY_SECOND, schedule_id="s", if_exists="replace")

    row = bottle.machine.memory.agenda.get("s")
    assert (row.created_at, row.times_since) == (start, start + 10 * SECOND)


def test_a_raising_trigger_quarantines_its_own_schedule_alone(bottle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bottle.connect()
    bad = bottle.schedule({"type": "cron", "second": "*"}).schedule_id
    good = bottle.schedule(EVERY_SECOND).schedule_id
    fires = bottle.machine.memory.agenda.fires(bottle.machine.memory.agenda.get(bad))

    def explode(_after: int) -> None:
        raise ZeroDivisionError("no such time")

    monkeypatch.setattr(fires, "next", explode)
    bottle.advance(1)

    assert bottle.schedules[bad].state == "quarantined"
    assert "no such time" in bottle.schedules[bad].error
    assert len(bottle.rows(good)) == 1
    monkeypatch.undo()
    assert bottle.ask(ScheduleResume(schedule_id=bad)).state == "active"


def test_a_schedule_id_that_exists_is_refused_kept_or_replaced(bottle: Any) -> None:
    bottle.connect()
    bottle.schedule(EVERY_SECOND, schedule_id="s")
    generation = bottle.schedules["s"].generation

    refused = bottle.schedule(EVERY_SECOND, schedule_id="s")
    kept = bottle.schedule({"type": "interval", "hours": 1}, schedule_id="s", if_exists="keep")
    assert isinstance(refused, Problem)
    assert refused.code is Code.SCHEDULE_EXISTS
    assert kept.created is False
    assert bottle.schedules["s"].generation == generation

    bottle.schedule({"type": "interval", "hours": 1}, schedule_id="s", if_exists="replace")
    assert bottle.schedules["s"].generation != generation
    assert bottle.schedules["s"].version == 2


def test_a_patch_changes_only_what_it_names_and_a_new_trigger_fires_after_now(bottle: Any) -> None:
    bottle.connect()
    bottle.schedule(EVERY_SECOND, schedule_id="s", tags=["a"], priority=7)
    bottle.advance(3)

    stale = bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(priority=1), if_version=1))
    assert stale.code is Code.CONFLICT
    trigger = bottle.schedules["s"].request.trigger_config
    updated = bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(priority=1, trigger_config=trigger)))

    assert (updated.request.priority, updated.request.tags) == (1, ("a",))
    assert updated.next_fire == bottle.now + SECOND


@pytest.mark.parametrize(
    ("bounds", "patch", "before"),
    [
        pytest.param({"max_runs": 2}, {"max_runs": 4}, [1, 2], id="it is given more runs"),
        pytest.param({"max_runs": 2}, {"max_runs": None}, [1, 2], id="its runs are counted no more"),
        pytest.param({"end_at": 2}, {"end_at": None}, [1, 2], id="its end is put off"),
        pytest.param({"start_at": 3_600}, {"start_at": None}, [], id="its start is put earlier"),
    ],
)
def test_what_was_not_due_does_not_become_due_when_a_bound_is_lifted(
    bottle: Any, bounds: dict[str, Any], patch: dict[str, Any], before: list[float]
) -> None:
    bottle.connect()
    start = bottle.now
    moments = {
        name: value if name == "max_runs" else to_datetime(start + value * SECOND) for name, value in bounds.items()
    }
    bottle.schedule(EVERY_SECOND, schedule_id="s", overlap="allow", **moments)
    bottle.advance(10.5)
    assert offsets(bottle, bottle.rows("s"), start) == before

    lifted = bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(**patch)))
    bottle.advance(2)

    assert (lifted.state, lifted.next_fire) == ("active", start + 11 * SECOND)
    assert offsets(bottle, bottle.rows("s"), start) == [*before, 11, 12]


def test_a_schedule_that_has_had_its_runs_and_is_given_as_many_stays_as_it_is(bottle: Any) -> None:
    bottle.connect()
    bottle.schedule(EVERY_SECOND, schedule_id="s", max_runs=2, overlap="allow")
    bottle.advance(10)
    before = bottle.schedules["s"]

    patched = bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(max_runs=1, priority=1)))

    assert (patched.state, patched.next_fire) == ("finished", None)
    assert (patched.decided_through, patched.times_since) == (before.decided_through, before.times_since)


def test_what_a_pause_has_covered_is_accounted_for_also_when_the_same_trigger_is_given_again_meanwhile(
    bottle: Any,
) -> None:
    bottle.connect()
    every_second = {"type": "cron", "second": "*"}
    bottle.schedule(every_second, schedule_id="s", overlap="allow")
    bottle.ask(SchedulePause(schedule_id="s"))
    bottle.advance(5)

    trigger = bottle.schedules["s"].request.trigger_config
    bottle.ask(ScheduleUpdate(schedule_id="s", patch=SchedulePatch(trigger_config=trigger)))
    bottle.advance(5)
    bottle.ask(ScheduleResume(schedule_id="s"))

    [row] = bottle.rows("s")
    assert (row.reason, row.covers_count) == ("paused", 10)


def test_a_deleted_schedule_fires_no_more_and_its_rows_stay(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND).schedule_id
    bottle.advance(1)

    bottle.ask(ScheduleDelete(schedule_id=id_))
    bottle.advance(5)

    assert len(bottle.rows(id_)) == 1
    assert bottle.ask(ScheduleDelete(schedule_id=id_)).code is Code.SCHEDULE_NOT_FOUND


def test_a_schedule_is_run_by_hand_beside_its_instants(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule({"type": "interval", "hours": 1}, job_params={"a": 1}).schedule_id

    bottle.ask(ScheduleRun(schedule_id=id_, job_params={"a": 2}))

    [row] = bottle.rows(id_)
    assert (row.fire_time, row.params) == (None, '{"a":2}')


@pytest.mark.parametrize(
    ("trigger", "path"),
    [
        ({"type": "date", "run_date": "2020-01-01T00:00:00Z"}, "trigger_config.run_date"),
        ({"type": "date", "run_date": "2020-01-01T00:00:00"}, "trigger_config.run_date"),
        ({"type": "cron", "month": 2, "day": 30}, "trigger_config.day"),
        ({"type": "interval"}, "trigger_config"),
    ],
)
def test_a_trigger_that_never_comes_is_refused_with_its_field(bottle: Any, trigger: Any, path: str) -> None:
    bottle.connect()

    refused = bottle.schedule(trigger)

    assert isinstance(refused, Problem)
    assert refused.details[0].path.startswith(path)
    assert not bottle.schedules


def test_a_date_within_the_grace_still_runs(bottle: Any) -> None:
    bottle.connect()
    run_date = to_datetime(bottle.now - 30 * SECOND).isoformat()

    id_ = bottle.schedule({"type": "date", "run_date": run_date}).schedule_id
    bottle.advance(0)

    assert len(bottle.rows(id_)) == 1
    assert bottle.schedules[id_].state == "finished"
