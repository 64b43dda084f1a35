"""The schedules by when they are due, and how many there are of each state."""

from datetime import UTC, datetime
from typing import Any

from schedulezero.protocol.values import Pause
from schedulezero.scheduler.core.model import AdvanceSchedule, KeepSpell, PastPauses, SetPause, Spell, replace
from schedulezero.scheduler.store import Store

PAUSE = Pause(reason=None, paused_by="local", paused_at=datetime(2026, 9, 1, tzinfo=UTC))


def _stored(store: Store, new: Any, **due: int | None) -> None:
    """Store a schedule for each name, due that many microseconds from now; one that is due at no time is finished."""
    for id_, offset in due.items():
        due_at = None if offset is None else new.now + offset
        state = "finished" if offset is None else "active"
        store.writer.commit([[new.insert(new.schedule(id=id_, due_at=due_at, next_fire=due_at, state=state))]])


def test_they_come_in_the_order_in_which_they_are_due_and_of_one_instant_by_id(store: Store, new: Any) -> None:
    _stored(store, new, late=9, b=5, B=5, a=5, early=1, never=None)

    read = store.reader.upcoming(None, limit=10)

    assert [row.id for row in read.schedules] == ["early", "B", "a", "b", "late"]
    assert read.through is None


def test_a_part_says_how_far_it_goes_and_the_next_begins_there(store: Store, new: Any) -> None:
    _stored(store, new, late=9, b=5, c=5, a=5, early=1)

    first = store.reader.upcoming(None, limit=2)
    second = store.reader.upcoming(first.through, limit=2)
    third = store.reader.upcoming(second.through, limit=2)

    assert [[row.id for row in part.schedules] for part in (first, second, third)] == [
        ["early", "a"],
        ["b", "c"],
        ["late"],
    ]
    assert (first.through, third.through) == ((new.now + 5, "a"), None)


def test_the_first_part_is_loaded_and_all_are_counted(store: Store, new: Any) -> None:
    _stored(store, new, late=9, early=1, never=None, over=None)

    loaded = store.reader.load(epoch=1, window=1, line=1, agenda=1)

    assert [row.id for row in loaded.upcoming.schedules] == ["early"]
    assert loaded.upcoming.through == (new.now + 1, "early")
    assert loaded.states == {"active": 2, "finished": 2}


def test_one_that_moves_on_is_found_where_it_is_due_next(store: Store, new: Any) -> None:
    _stored(store, new, a=1, b=2)
    (first,) = store.reader.upcoming(None, limit=1).schedules

    moved = replace(first, version=first.version + 1, due_at=new.now + 3)
    store.writer.commit([[AdvanceSchedule(schedule=moved, version_before=first.version)]])

    assert [row.id for row in store.reader.upcoming(None, limit=9).schedules] == ["b", "a"]


def test_what_is_paused_and_has_no_spell_is_loaded(store: Store, new: Any) -> None:
    held = [new.schedule(id=id_, state="paused", due_at=None, next_fire=None, pause=PAUSE) for id_ in ("a", "b")]
    spell = Spell(kind="schedule_pause", subject="a", began=new.now)
    store.writer.commit([[new.insert(row) for row in held], [KeepSpell(spell=spell)]])

    assert store.reader.load(epoch=1, window=1, line=1, agenda=1).unspelled == [held[1]]


def test_the_pauses_of_everything_that_are_over_are_counted_while_another_one_lasts(store: Store) -> None:
    past = PastPauses(count=3, ended=1_790_000_000_000_001)

    store.writer.commit([[SetPause(handler_id=None, pause=PAUSE, past=past)], [SetPause(handler_id="h", pause=PAUSE)]])

    assert store.reader.load(epoch=1, window=1, line=1, agenda=1).past_pauses == past


def test_ids_beside_one_that_there_is_not(store: Store, new: Any) -> None:
    _stored(store, new, backup=1, backups=1, report=1)

    assert set(store.reader.ids_beside("bakcup")) == {"backup", "backups", "report"}
    assert store.reader.ids_beside("\0") == ()
