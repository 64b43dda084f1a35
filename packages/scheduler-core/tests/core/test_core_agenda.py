"""Which schedules are held in memory, when more are read, and when one is forgotten."""

from collections import Counter
from typing import Any

import pytest

from schedulezero.protocol.commands import (
    ScheduleDelete,
    SchedulePatch,
    SchedulePause,
    ScheduleResume,
    ScheduleUpdate,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.errors import Code
from schedulezero.protocol.states import Reason, Status
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.agenda import Agenda
from schedulezero.scheduler.core.model import SECOND

_WINDOW = 4
_MANY = 30


@pytest.fixture
def bottle(new_bottle: Any) -> Any:
    """A machine that holds four to eight schedules, where there are thirty, one due each second from the tenth on."""
    bottle = new_bottle(agenda=_WINDOW)
    bottle.connect(capacity=1_000)
    for number in range(_MANY):
        first = bottle.now + (10 + number) * SECOND
        bottle.schedule(every(60, first), schedule_id=f"s{number:02}", overlap="allow")
    return bottle


def every(seconds: int, first: int) -> dict[str, Any]:
    return {"type": "interval", "seconds": seconds, "start_time": to_datetime(first).isoformat()}


def agenda(bottle: Any) -> Agenda:
    held: Agenda = bottle.machine.memory.agenda
    return held


def live(bottle: Any, seconds: int) -> None:
    """Let time pass a second at a time, and answer what is to be read."""
    for _ in range(seconds):
        bottle.advance(1)
        come_to_rest(bottle)


def come_to_rest(bottle: Any) -> None:
    """Decide everything that is due, a part of it after the other."""
    bottle.read_more()
    while bottle.machine.memory.pause is None and (bottle.machine.memory.next_wakeup() or 2**62) <= bottle.now:
        bottle.feed(inputs.Tick())
        bottle.read_more()


def test_the_first_are_held_and_the_others_left_to_the_database(bottle: Any) -> None:
    bottle.read_more()

    held = agenda(bottle).held()

    assert _WINDOW <= len(held) <= 2 * _WINDOW
    assert sorted(held) == [f"s{number:02}" for number in range(len(held))]


def test_after_a_restart_they_are_read_a_part_at_a_time(bottle: Any) -> None:
    bottle.restart()
    assert len(agenda(bottle).held()) < _WINDOW

    bottle.read_more()

    assert len(agenda(bottle).held()) == _WINDOW


def test_every_instant_of_everyone_is_decided_in_time_and_once(bottle: Any) -> None:
    start = bottle.now

    live(bottle, 200)

    for number in range(_MANY):
        rows = bottle.rows(f"s{number:02}")
        expected = range(start + (10 + number) * SECOND, start + 200 * SECOND + 1, 60 * SECOND)
        assert [row.fire_time for row in rows] == list(expected)
        assert all(row.created_at == row.fire_time for row in rows)
    assert len(agenda(bottle).held()) <= 2 * _WINDOW + 1


def test_very_many_of_one_instant_are_read_in_parts(new_bottle: Any) -> None:
    bottle = new_bottle(agenda=_WINDOW)
    bottle.connect(capacity=1_000)
    for number in range(_MANY):
        bottle.schedule(every(60, bottle.now + 10 * SECOND), schedule_id=f"s{number:02}")
    bottle.restart()
    bottle.read_more()

    live(bottle, 10)

    assert Counter(row.schedule_id for row in bottle.executions.values()) == Counter(bottle.schedules.keys())
    assert len({row.fire_time for row in bottle.executions.values()}) == 1


def test_one_that_changes_is_held_until_the_change_is_durable(bottle: Any) -> None:
    bottle.read_more()
    bottle.ask(SchedulePause(schedule_id="s20"))
    assert agenda(bottle).knows("s20")

    bottle.read_more()

    assert not agenda(bottle).knows("s20")
    assert bottle.ask(ScheduleResume(schedule_id="s20")).state == "active"


def test_what_has_changed_since_more_was_asked_for_is_not_forgotten_by_the_answer(bottle: Any) -> None:
    bottle.read_more()
    bottle.ask(SchedulePause(schedule_id="s20"))
    asked = agenda(bottle).ask(bottle.epoch)
    bottle.ask(ScheduleUpdate(schedule_id="s20", patch=SchedulePatch(name="another")))

    bottle.feed(inputs.Upcoming(schedules=[], through=asked.after, asked=asked.asked))

    held = agenda(bottle).get("s20")
    assert held is not None
    assert held.request.name == "another"


def test_a_row_that_was_read_before_a_change_does_not_undo_it(bottle: Any) -> None:
    bottle.read_more()
    before = bottle.schedules["s20"]
    bottle.ask(ScheduleUpdate(schedule_id="s20", patch=SchedulePatch(name="another")))

    bottle.ask(ScheduleUpdate(schedule_id="s20", patch=SchedulePatch(owner="me")), schedule=before)

    assert (bottle.schedules["s20"].request.name, bottle.schedules["s20"].request.owner) == ("another", "me")


def test_a_row_that_was_read_before_a_deletion_does_not_bring_it_back(bottle: Any) -> None:
    bottle.read_more()
    before = bottle.schedules["s20"]
    bottle.ask(ScheduleDelete(schedule_id="s20"))

    refused = bottle.ask(ScheduleDelete(schedule_id="s20"), schedule=before)

    assert refused.code is Code.SCHEDULE_NOT_FOUND


def test_an_answer_that_another_machine_has_asked_for_changes_nothing(bottle: Any) -> None:
    bottle.read_more()
    asked = agenda(bottle).ask(bottle.epoch)
    bottle.restart()
    held, horizon = agenda(bottle).held(), agenda(bottle).horizon

    bottle.feed(inputs.Upcoming(schedules=list(bottle.schedules.values()), through=None, asked=asked.asked))

    assert (agenda(bottle).held(), agenda(bottle).horizon) == (held, horizon)


def test_one_that_was_not_found_is_named_by_its_neighbours(bottle: Any) -> None:
    refused = bottle.ask(SchedulePause(schedule_id="s2O"), neighbours=("s20", "s21"))

    assert "did you mean s2" in refused.message


def test_states_are_counted_in_memory_and_outside(bottle: Any) -> None:
    bottle.ask(SchedulePause(schedule_id="s20"))
    bottle.ask(ScheduleDelete(schedule_id="s21"))
    bottle.schedule(every(60, bottle.now), schedule_id="s22", if_exists="replace")
    live(bottle, 30)

    states = +agenda(bottle).states

    assert states == {"active": _MANY - 2, "paused": 1}
    bottle.restart()
    assert +agenda(bottle).states == states


def test_what_a_pause_of_everything_covers_is_one_row_for_each_in_memory_or_not(
    bottle: Any,
) -> None:
    start = bottle.now
    bottle.ask(SystemPause(reason="upgrade"))
    live(bottle, 150)
    bottle.ask(SystemResume())
    come_to_rest(bottle)

    for number in range(_MANY):
        instants = range(start + (10 + number) * SECOND, start + 150 * SECOND + 1, 60 * SECOND)
        (row,) = bottle.rows(f"s{number:02}")
        assert (row.status, row.reason, row.covers_count or 1) == (Status.SKIPPED, Reason.PAUSED, len(instants))


def test_what_a_pause_of_everything_has_covered_is_known_over_a_restart(bottle: Any) -> None:
    bottle.ask(SystemPause(reason="upgrade"))
    live(bottle, 50)
    bottle.ask(SystemResume())
    bottle.restart()
    come_to_rest(bottle)

    reasons = {row.schedule_id: row.reason for row in bottle.executions.values() if row.status is Status.SKIPPED}

    assert reasons == {f"s{number:02}": Reason.PAUSED for number in range(_MANY)}


def test_a_schedule_that_came_after_a_pause_is_not_covered_by_it_though_the_clock_was_put_back(bottle: Any) -> None:
    bottle.advance(3600)
    bottle.read_more()
    bottle.ask(SystemPause(reason="upgrade"))
    bottle.ask(SystemResume())
    bottle.now -= 3600 * SECOND
    bottle.schedule(every(5, bottle.now + 5 * SECOND), schedule_id="new")

    live(bottle, 5)

    (row,) = bottle.rows("new")
    assert row.status is Status.RUNNING
