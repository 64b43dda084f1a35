"""Which ends of executions are owed to webhooks, to which, and that each is owed once."""

from datetime import timedelta
from typing import Any

import pytest

from schedulezero.protocol.commands import ExecutionCancel, ExecutionRetry, SchedulePatch, ScheduleRun, ScheduleUpdate
from schedulezero.protocol.handling import Outcome
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import Notify, RetryOptions
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.notifications import receiver_of

ALL = ("success", "error", "timeout", "cancelled", "skipped")
HOOK = "https://hooks.example/a"
ONCE = RetryOptions(max_attempts=1)
EVERY_SECOND = {"type": "interval", "seconds": 1}


def hook(*on: str, url: str = HOOK) -> Notify:
    return Notify(url=url, on=on) if on else Notify(url=url)  # type: ignore[arg-type]


def told(bottle: Any) -> list[tuple[str, str]]:
    """The status and URL of each that is owed."""
    owed = bottle.notifications.values()
    return [(str(bottle.executions[one.execution_id].status), one.url) for one in owed]


def end_in(bottle: Any, status: str, notify: Notify | None) -> str:
    """Run a job to its end in this status."""
    if status == "skipped":
        return str(bottle.run(notify=notify, handler="away", allow_offline=True, expires_after_seconds=0))
    id_ = str(bottle.run(notify=notify, retry=ONCE))
    [execute] = bottle.executes()
    if status == "cancelled":
        bottle.ask(ExecutionCancel(execution_id=id_))
    bottle.finish(execute, status)
    assert bottle.executions[id_].status == status
    return id_


@pytest.mark.parametrize("status", ALL)
def test_each_final_status_is_told_where_it_is_asked_for_and_nowhere_else(bottle: Any, status: str) -> None:
    bottle.connect()

    end_in(bottle, status, hook(*(one for one in ALL if one != status)))
    assert bottle.notifications == {}

    end_in(bottle, status, hook(status))
    assert told(bottle) == [(status, HOOK)]
    assert bottle.delivering == ["https://hooks.example"]


@pytest.mark.parametrize("status", ALL)
def test_unless_said_otherwise_errors_and_timeouts_are_told(bottle: Any, status: str) -> None:
    bottle.connect()

    end_in(bottle, status, hook())

    assert bool(bottle.notifications) == (status in ("error", "timeout"))


def test_a_run_that_asks_for_none_writes_what_it_did_before(bottle: Any) -> None:
    bottle.connect()
    bottle.writes = 0

    end_in(bottle, "success", None)

    assert bottle.writes == 2
    assert bottle.notifications == {}


def test_the_row_is_in_the_step_that_ends_the_execution(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(notify=hook("success"))
    [execute] = bottle.executes()
    now = to_datetime(bottle.now)
    outcome = Outcome(
        execution_id=id_, attempt=1, claim=execute.claim, status="success", started_at=now, completed_at=now
    )

    step = bottle.feed(inputs.Heard(boot_id=execute.boot_id, messages=[outcome]))

    assert [type(change).__name__ for change in step.changes] == ["UpdateExecution", "InsertNotification"]
    [owed] = bottle.notifications.values()
    assert (owed.execution_id, owed.shard, owed.attempt) == (id_, bottle.executions[id_].shard, 0)
    assert owed.created_at == owed.due_at == bottle.now


def test_it_is_due_by_the_schedulers_clock_whatever_the_instance_says(bottle: Any) -> None:
    bottle.connect()
    bottle.run(notify=hook("success"))
    [execute] = bottle.executes()

    bottle.finish(execute, seconds=timedelta(hours=3).total_seconds())

    [owed] = bottle.notifications.values()
    assert owed.due_at == bottle.now


def test_only_the_end_is_told_not_the_attempts_before(bottle: Any) -> None:
    bottle.connect()
    bottle.run(notify=hook(), retry=RetryOptions(max_attempts=2, base_seconds=0, jitter=0))
    [first] = bottle.executes()
    bottle.finish(first, "error")
    bottle.advance(1)
    assert bottle.notifications == {}

    [second] = bottle.executes()
    bottle.finish(second, "error")
    bottle.finish(second, "error")
    bottle.finish(first, "error")

    assert told(bottle) == [("error", HOOK)]


def test_an_execution_that_ends_after_a_restart_is_told(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.run(notify=hook(), retry=ONCE)
    [execute] = bottle.executes()
    bottle.restart()
    bottle.connect(holding=((id_, execute.attempt, execute.claim),))

    bottle.finish(execute, "error")

    assert told(bottle) == [("error", HOOK)]


def test_the_instances_webhook_is_told_of_every_execution(new_bottle: Any) -> None:
    bottle = new_bottle(webhook=hook("error", url="https://ops.example/all"))
    bottle.connect()

    end_in(bottle, "error", None)
    end_in(bottle, "success", None)
    end_in(bottle, "error", hook("error"))

    assert told(bottle) == [
        ("error", "https://ops.example/all"),
        ("error", HOOK),
        ("error", "https://ops.example/all"),
    ]
    assert len(bottle.notifications) == 3


def test_the_same_url_twice_is_told_once(new_bottle: Any) -> None:
    bottle = new_bottle(webhook=hook("error", "success"))
    bottle.connect()

    end_in(bottle, "error", hook("error"))
    end_in(bottle, "success", hook("error"))

    assert told(bottle) == [("error", HOOK), ("success", HOOK)]


def test_a_schedules_option_holds_for_its_fires_and_for_its_runs_by_hand(bottle: Any) -> None:
    bottle.connect()
    created = bottle.schedule(EVERY_SECOND, notify={"url": HOOK, "on": ["success"]})

    bottle.advance(1)
    bottle.finish(bottle.executes()[0])
    bottle.ask(ScheduleRun(schedule_id=created.schedule_id))
    bottle.finish(bottle.executes()[0])

    assert told(bottle) == [("success", HOOK)] * 2


def test_what_was_decided_before_a_change_is_told_as_it_was_asked_then(bottle: Any) -> None:
    bottle.connect()
    created = bottle.schedule(EVERY_SECOND, notify={"url": HOOK, "on": ["success"]})
    bottle.advance(1)
    [execute] = bottle.executes()

    bottle.ask(ScheduleUpdate(schedule_id=created.schedule_id, patch=SchedulePatch(notify=None)))
    bottle.finish(execute)
    bottle.advance(1)
    bottle.finish(bottle.executes()[0])

    assert told(bottle) == [("success", HOOK)]


def test_a_replay_is_told_as_the_original_was(bottle: Any) -> None:
    bottle.connect()
    id_ = end_in(bottle, "error", hook("success"))
    assert bottle.notifications == {}

    bottle.ask(ExecutionRetry(execution_id=id_), found=bottle.executions[id_])
    bottle.finish(bottle.executes()[0])

    assert told(bottle) == [("success", HOOK)]


def test_a_skip_that_covers_more_and_more_is_told_when_its_row_is_inserted(bottle: Any) -> None:
    bottle.connect()
    created = bottle.schedule(EVERY_SECOND, notify={"url": HOOK, "on": ["skipped"]})
    bottle.advance(1)

    for _ in range(5):
        bottle.advance(1)

    [skipped] = [one for one in bottle.rows(created.schedule_id) if one.status is Status.SKIPPED]
    assert skipped.covers_count == 5
    assert told(bottle) == [("skipped", HOOK)]


def test_a_range_of_missed_instants_is_told_once(bottle: Any) -> None:
    bottle.connect()
    created = bottle.schedule(EVERY_SECOND, notify={"url": HOOK, "on": ["skipped"]}, catch_up="skip", overlap="allow")
    bottle.now += 3_600_000_000

    bottle.advance(0)

    [skipped] = [one for one in bottle.rows(created.schedule_id) if one.status is Status.SKIPPED]
    assert skipped.covers_count > 3000
    assert told(bottle) == [("skipped", HOOK)]


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://Hooks.Example/T0/secret?x=1", "https://hooks.example"),
        ("http://h:8080", "http://h:8080"),
        ("http://[::1]:80?x", "http://[::1]:80"),
        ("http://[:::]/not-an-address", "http://[:::]"),
        ("https://h#part", "https://h"),
    ],
)
def test_a_receiver_is_scheme_host_and_port(url: str, receiver: str) -> None:
    assert receiver_of(url) == receiver
