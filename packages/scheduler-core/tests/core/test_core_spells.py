"""Spells: what held is written in the step that begins or ends it, and survives whatever ends the scheduler."""

from typing import Any

import pytest

from schedulezero.protocol.commands import (
    HandlerPause,
    HandlerResume,
    ScheduleDelete,
    SchedulePatch,
    SchedulePause,
    ScheduleResume,
    ScheduleUpdate,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.states import Reason, Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import Pause
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import SECOND, KeepSpell, Spell
from schedulezero.scheduler.core.spells import MARK_EVERY

EVERY_SECOND = {"type": "interval", "seconds": 1}


def times(bottle: Any, kind: str, subject: str, start: int) -> list[tuple[float, float | None]]:
    """Return from when to when, in seconds since `start`."""
    return [
        ((spell.began - start) / SECOND, None if spell.ended is None else (spell.ended - start) / SECOND)
        for spell in bottle.spells_of(kind, subject)
    ]


def tick_for(bottle: Any, seconds: int) -> None:
    """Let time pass as the shell does, which ticks at least once a second."""
    for _ in range(seconds):
        bottle.advance(1)


def ledger(bottle: Any, schedule_id: str) -> list[tuple[str, str | None, int]]:
    return [(str(row.status), row.reason, row.covers_count or 1) for row in bottle.rows(schedule_id)]


def break_trigger(bottle: Any, monkeypatch: pytest.MonkeyPatch, schedule_id: str) -> pytest.MonkeyPatch:
    def fail(_self: Any, _after: int) -> int:
        raise ValueError("no such hour")

    fires = bottle.machine.memory.agenda.fires(bottle.schedules[schedule_id])
    monkeypatch.setattr(type(fires._trigger), "next", fail)
    return monkeypatch


# -- pauses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pause", "resume", "kind", "subject"),
    [
        (SystemPause(reason="why"), SystemResume(), "system_pause", ""),
        (HandlerPause(handler_id="h", reason="why"), HandlerResume(handler_id="h"), "handler_pause", "h"),
        (SchedulePause(schedule_id="s", reason="why"), ScheduleResume(schedule_id="s"), "schedule_pause", "s"),
    ],
)
def test_a_pause_is_a_spell_from_its_command_to_the_one_that_ends_it(
    bottle: Any, pause: Any, resume: Any, kind: Any, subject: str
) -> None:
    bottle.connect()
    bottle.schedule({"type": "interval", "hours": 1}, schedule_id="s")
    began = bottle.now
    bottle.ask(pause)
    assert bottle.spells_of(kind, subject) == [
        Spell(kind=kind, subject=subject, began=began, actor="local", note="why")
    ]

    bottle.advance(5)
    bottle.ask(pause)
    bottle.restart()
    bottle.ask(resume)
    bottle.ask(resume)

    assert times(bottle, kind, subject, began) == [(0, 5)]


def test_a_spell_is_written_in_the_step_that_pauses(bottle: Any) -> None:
    step = bottle.feed(inputs.Asked(command=SystemPause(), caller="ann", ticket=1))

    assert [type(change).__name__ for change in step.changes] == ["SetPause", "KeepSpell"]


def test_a_schedule_that_is_created_paused_deleted_or_replaced_has_its_spell_too(bottle: Any) -> None:
    start = bottle.now
    bottle.schedule(EVERY_SECOND, schedule_id="a", paused=True, allow_offline=True)
    bottle.schedule(EVERY_SECOND, schedule_id="b", paused=True, allow_offline=True)
    bottle.advance(2)

    bottle.ask(ScheduleDelete(schedule_id="a"))
    bottle.schedule(EVERY_SECOND, schedule_id="b", paused=True, allow_offline=True, if_exists="replace")

    assert times(bottle, "schedule_pause", "a", start) == [(0, 2)]
    assert times(bottle, "schedule_pause", "b", start) == [(0, 2), (2, None)]


def test_what_lasted_before_there_were_spells_becomes_one_from_its_own_beginning(bottle: Any) -> None:
    bottle.schedule(EVERY_SECOND, schedule_id="s", paused=True, allow_offline=True)
    began = bottle.now
    bottle.pauses[None] = Pause(reason=None, paused_by="ann", paused_at=to_datetime(began - 3 * SECOND))
    bottle.spells.clear()
    bottle.advance(9)

    bottle.restart()

    assert times(bottle, "schedule_pause", "s", began) == [(0, None)]
    assert times(bottle, "system_pause", "", began) == [(-3, None)]


# -- what a pause or a quarantine has covered -------------------------------------------------------------------------


def test_a_paused_week_of_a_one_second_schedule_is_one_row(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND).schedule_id
    bottle.ask(SchedulePause(schedule_id=id_))

    bottle.advance(7 * 86_400)
    bottle.ask(ScheduleResume(schedule_id=id_))

    assert ledger(bottle, id_) == [("skipped", "paused", 604_800)]


def test_a_week_with_everything_paused_is_one_row(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND).schedule_id
    bottle.ask(SystemPause())

    bottle.advance(7 * 86_400)
    bottle.ask(SystemResume())

    assert ledger(bottle, id_) == [("skipped", "paused", 604_800)]


@pytest.mark.parametrize("paused_meanwhile", [False, True])
def test_what_a_quarantine_has_covered_is_one_row_that_says_so(
    bottle: Any, monkeypatch: pytest.MonkeyPatch, paused_meanwhile: bool
) -> None:
    bottle.connect()
    start, id_ = bottle.now, bottle.schedule(EVERY_SECOND).schedule_id
    broken = break_trigger(bottle, monkeypatch, id_)
    bottle.advance(1)
    assert bottle.schedules[id_].state == "quarantined"
    if paused_meanwhile:
        bottle.ask(SchedulePause(schedule_id=id_))
    bottle.advance(10)
    broken.undo()

    bottle.ask(ScheduleResume(schedule_id=id_))

    assert ledger(bottle, id_) == [("skipped", "quarantined", 11)]
    assert times(bottle, "quarantine", id_, start) == [(1, 11)]
    assert bottle.spells_of("quarantine", id_)[0].note == "ValueError: no such hour"


def test_a_schedule_that_still_fails_when_it_is_resumed_stays_in_quarantine(
    bottle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bottle.connect()
    start, id_ = bottle.now, bottle.schedule(EVERY_SECOND).schedule_id
    broken = break_trigger(bottle, monkeypatch, id_)
    bottle.advance(5)

    answer = bottle.ask(ScheduleResume(schedule_id=id_))
    broken.undo()

    assert (answer.state, answer.error) == ("quarantined", "ValueError: no such hour")
    assert times(bottle, "quarantine", id_, start) == [(1, None)]


def test_what_a_pause_covers_is_accounted_for_before_the_times_change(bottle: Any) -> None:
    bottle.connect()
    start, id_ = bottle.now, bottle.schedule(EVERY_SECOND).schedule_id
    bottle.ask(SchedulePause(schedule_id=id_))
    bottle.advance(5)

    patch = SchedulePatch(trigger_config=IntervalTrigger(seconds=2))
    bottle.ask(ScheduleUpdate(schedule_id=id_, patch=patch))
    bottle.advance(4)
    bottle.ask(ScheduleResume(schedule_id=id_))

    (row,) = bottle.rows(id_)
    assert (row.reason, row.covers_count, row.covers_to) == (Reason.PAUSED, 7, start + 9 * SECOND)
    assert bottle.schedules[id_].times_since == start + 5 * SECOND


@pytest.mark.parametrize("end", ["delete", "replace"])
def test_what_a_pause_covers_is_accounted_for_when_the_schedule_ends_under_it(bottle: Any, end: str) -> None:
    bottle.connect()
    bottle.schedule(EVERY_SECOND, schedule_id="s")
    bottle.ask(SchedulePause(schedule_id="s"))
    bottle.advance(5)

    if end == "delete":
        bottle.ask(ScheduleDelete(schedule_id="s"))
    else:
        bottle.schedule(EVERY_SECOND, schedule_id="s", if_exists="replace")

    assert ledger(bottle, "s") == [("skipped", "paused", 5)]


def test_a_change_of_something_else_leaves_the_times_what_they_are(bottle: Any) -> None:
    bottle.connect()
    id_ = bottle.schedule(EVERY_SECOND).schedule_id

    bottle.ask(ScheduleUpdate(schedule_id=id_, patch=SchedulePatch(priority=9)))

    assert bottle.schedules[id_].times_since is None


# -- handlers ---------------------------------------------------------------------------------------------------------


def test_a_handler_is_offline_from_its_last_instance_to_the_next(bottle: Any) -> None:
    bottle.connect("a")
    bottle.feed(inputs.InstanceTold(state=bottle.state("b")))
    bottle.link("b")
    start = bottle.now

    bottle.advance(1)
    bottle.feed(inputs.LinkLost(boot_id="a"))
    bottle.advance(1)
    bottle.feed(inputs.LinkLost(boot_id="b"))
    bottle.advance(3)
    bottle.connect("c")

    assert times(bottle, "handler_offline", "h", start) == [(0, 0), (2, 5)]


def test_a_handler_that_was_online_before_a_crash_and_does_not_come_back_is_offline_since_the_last_mark(
    bottle: Any,
) -> None:
    bottle.connect()
    start = bottle.now
    tick_for(bottle, 25)

    bottle.now += 60 * SECOND
    bottle.restart()
    bottle.restart()

    assert times(bottle, "handler_offline", "h", start) == [(0, 0), (20, None)]
    bottle.connect("new")
    assert times(bottle, "handler_offline", "h", start) == [(0, 0), (20, 85)]


# -- the scheduler itself ---------------------------------------------------------------------------------------------


def test_the_end_of_the_time_up_is_moved_on_every_ten_seconds(bottle: Any) -> None:
    start = bottle.now
    for expected in (0, 0, 10, 10, 20):
        assert times(bottle, "scheduler_up", "", start) == [(0, expected)]
        tick_for(bottle, 6)


def test_an_idle_scheduler_writes_nothing_between_its_marks(bottle: Any) -> None:
    bottle.now += MARK_EVERY - 1

    assert bottle.feed(inputs.Tick()).changes == []


def test_down_is_what_lies_between_two_times_up(bottle: Any) -> None:
    start = bottle.now
    tick_for(bottle, 13)

    bottle.now += 30 * SECOND
    bottle.restart()

    assert times(bottle, "scheduler_up", "", start) == [(0, 10), (43, 43)]


def test_a_clean_stop_ends_the_time_up_at_that_very_moment(bottle: Any) -> None:
    start = bottle.now
    bottle.advance(13)

    bottle.feed(inputs.Stopping())

    assert times(bottle, "scheduler_up", "", start) == [(0, 13)]


@pytest.mark.parametrize(("after", "ups"), [(5, [(0, 15)]), (60, [(0, 10), (70, 70)])])
def test_a_process_that_reads_its_state_anew_was_up_unless_that_took_long(
    bottle: Any, after: int, ups: list[tuple[float, float]]
) -> None:
    start = bottle.now
    bottle.connect()
    bottle.advance(10)

    bottle.now += after * SECOND
    bottle.restart(resumed=True)

    assert times(bottle, "scheduler_up", "", start) == ups
    assert times(bottle, "handler_offline", "h", start)[-1] == (10 + after, None)


def test_a_clock_that_was_put_back_ends_no_spell_before_it_began(bottle: Any) -> None:
    bottle.connect()
    began = bottle.now
    bottle.ask(SystemPause())

    bottle.now -= 60 * SECOND
    step = bottle.feed(inputs.Asked(command=SystemResume(), caller="local", ticket=99))

    (kept,) = (change.spell for change in step.changes if isinstance(change, KeepSpell))
    assert (kept.began, kept.ended) == (began, began)
    assert Status.SKIPPED not in {row.status for row in bottle.executions.values()}
