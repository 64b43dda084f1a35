"""What a "why?" is answered from: rows found by an instant, and the spells through it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert

from schedulezero.protocol.states import Reason, Status
from schedulezero.scheduler.core.model import (
    Attempt,
    InsertAttempt,
    KeepSpell,
    KnownHandler,
    RememberHandler,
    Spell,
    UpdateExecution,
    replace,
)
from schedulezero.scheduler.store import Fenced, Store
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.history import spells_that_last
from schedulezero.scheduler.store.leases import Ownership
from schedulezero.scheduler.store.rows import EXECUTIONS, SPELLS
from schedulezero.scheduler.store.statements import kinds
from schedulezero.scheduler.store.tables import executions, spells

MANY = 100_000
LARGE = {"executions", "spells"}


def keep(store: Store, *kept: Spell) -> None:
    store.writer.commit([[KeepSpell(spell=spell)] for spell in kept])


def pause(began: int, ended: int | None, subject: str = "nightly", **told: Any) -> Spell:
    return Spell(kind="schedule_pause", subject=subject, began=began, ended=ended, **told)


def stored(store: Store, new: Any, *fields: dict[str, Any]) -> list[Any]:
    rows = [new.execution(**{"schedule_id": "nightly", "generation": "g1", **given}) for given in fields]
    store.writer.commit([[new.insert(row)] for row in rows])
    return rows


# -- spells -----------------------------------------------------------------------------------------------------------


def test_a_spell_is_kept_whole_and_written_over_when_it_ends(store: Store) -> None:
    lasting = pause(5, None, actor="ann \x00", note='a "reason"\n🦀')
    keep(store, lasting)
    with store.history.read() as past:
        assert past.spells("schedule_pause", "nightly", 0, 10) == [lasting]

    keep(store, replace(lasting, ended=9))

    with store.history.read() as past:
        assert past.spells("schedule_pause", "nightly", 0, 10) == [replace(lasting, ended=9)]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (0, 9, []),
        (10, 10, [10]),
        (15, 15, [10]),
        (25, 29, [10]),
        (25, 30, [10, 30]),
        (35, 99, [30, 50]),
        (99, 99, [50]),
    ],
)
def test_the_last_spell_before_and_those_after_are_found_in_order(
    store: Store, since: int, until: int, found: list[int]
) -> None:
    keep(store, pause(50, None), pause(10, 20), pause(30, 40))
    keep(store, pause(0, 99, subject="other"), Spell(kind="quarantine", subject="nightly", began=0, ended=99))

    with store.history.read() as past:
        assert [spell.began for spell in past.spells("schedule_pause", "nightly", since, until)] == found


def test_the_machine_starts_from_the_spells_that_last_and_from_the_newest_time_up(store: Store) -> None:
    ups = [Spell(kind="scheduler_up", subject="", began=began, ended=began + 5) for began in (10, 20)]
    keep(store, *ups, pause(1, 2), pause(3, None), pause(4, None, subject="other"))

    loaded = store.reader.load(epoch=1, window=1, line=1, agenda=9)

    assert set(loaded.spells) == {ups[1], pause(3, None), pause(4, None, subject="other")}


def test_old_spells_are_removed_in_small_batches_and_those_that_last_stay(store: Store) -> None:
    keep(store, *(pause(began, began + 1) for began in range(0, 100, 10)), pause(1000, None))

    removed = [store.history.forget_spells(72, 3) for _ in range(4)]

    assert removed == [3, 3, 2, 0]
    with store.history.read() as past:
        assert [one.began for one in past.spells("schedule_pause", "nightly", 0, 2000)] == [80, 90, 1000]


def test_spells_that_ended_at_once_are_removed_in_batches_too(store: Store) -> None:
    keep(store, *(pause(1, 50, subject=f"s{number}") for number in range(10)), pause(2, 51))

    removed = [store.history.forget_spells(72, 4) for _ in range(4)]

    assert removed == [4, 4, 3, 0]


def test_one_that_was_replaced_removes_no_spell(store: Store, engines: Engines) -> None:
    keep(store, pause(1, 2))
    Ownership(engines.writer, owner="second", alone=True).acquire()

    with pytest.raises(Fenced):
        store.history.forget_spells(9, 1)


# -- rows -------------------------------------------------------------------------------------------------------------


def test_the_rows_around_an_instant_are_those_of_its_generation(store: Store, new: Any) -> None:
    first, second, _ = stored(store, new, {"fire_time": 10}, {"fire_time": 20}, {"fire_time": None})
    stored(store, new, {"fire_time": 15, "generation": "g2"})

    with store.history.read() as past:
        assert past.around("nightly", "g1", 9) == (None, first)
        assert past.around("nightly", "g1", 10) == (first, second)
        assert past.around("nightly", "g1", 99) == (second, None)
        assert past.around("other", "g1", 10) == (None, None)


def test_the_generations_of_a_schedule_are_told_newest_first(store: Store, new: Any) -> None:
    stored(store, new, *({"fire_time": 9, "generation": f"g{number}"} for number in (2, 1, 3)))
    stored(store, new, {"fire_time": None, "generation": "g4"})

    with store.history.read() as past:
        assert list(past.generations("nightly")) == ["g3", "g2", "g1"]
        assert list(past.generations("other")) == list(past.generations("nul\0")) == []


def test_what_had_not_ended_is_found_running_before_waiting_and_skipped_ones_never(store: Store, new: Any) -> None:
    ended, waiting, running, skip = stored(
        store,
        new,
        {"created_at": 1, "status": Status.SUCCESS, "completed_at": 5},
        {"created_at": 2},
        {"created_at": 3, "status": Status.RUNNING},
        {"created_at": 4, "status": Status.SKIPPED, "reason": Reason.OVERLAP, "completed_at": 9},
    )

    def unended(since: int, until: int, but: str = "", *, earlier: bool = False) -> Any:
        with store.history.read() as past:
            found = past.unended("nightly", since, until, but=but, earlier=earlier)
        return found.id if found is not None else None

    assert unended(4, 1) == ended.id
    assert unended(5, 1) is None
    assert unended(5, 9) == running.id
    assert unended(5, 2) == waiting.id
    assert unended(5, 9, running.id) == waiting.id
    assert unended(5, 9, running.id, earlier=True) == waiting.id
    assert unended(5, 9, waiting.id, earlier=True) is None
    assert unended(5, 9, skip.id, earlier=True) == running.id


def test_schedule_attempts_and_handler_are_read_as_of_the_same_moment(store: Store, new: Any) -> None:
    schedule = new.schedule(times_since=7)
    attempt = Attempt(
        execution_id="e",
        attempt=1,
        claim=2,
        instance_id=None,
        started_at=None,
        completed_at=3,
        status="lost",
        error=None,
    )
    known = KnownHandler(handler_id="reports", first_seen=1, methods=())
    with store.history.read() as past:
        assert (past.schedule("nightly"), past.attempts("e"), past.known_handler("reports")) == (None, [], None)

        store.writer.commit([[new.insert(schedule), InsertAttempt(attempt=attempt), RememberHandler(handler=known)]])

        assert past.schedule("nightly") is None
    with store.history.read() as past:
        assert (past.schedule("nightly"), past.schedule("nul\0")) == (schedule, None)
        assert (past.attempts("e"), past.known_handler("reports")) == ([attempt], known)


# -- by index ---------------------------------------------------------------------------------------------------------


@contextmanager
def statements(engines: Engines) -> Iterator[list[tuple[str, Any]]]:
    """Note what is asked of the database."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(engines.reader, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engines.reader, "before_cursor_execute", note)


def test_with_a_hundred_thousand_rows_everything_is_found_by_index(store: Store, engines: Engines, new: Any) -> None:
    fill(engines, new)
    with statements(engines) as asked, store.history.read() as past:
        middle = new.now + MANY // 2
        past.schedule("nightly")
        list(past.generations("nightly"))
        past.around("nightly", "g1", middle)
        past.attempts("e")
        past.unended("nightly", middle, middle, but="e", earlier=True)
        past.known_handler("reports")
        past.spells("schedule_pause", "nightly", middle, middle)
    with statements(engines) as at_start, engines.reader.connect() as connection:
        spells_that_last(connection)

    assert len(asked) >= 7
    assert {table for one in (*asked, *at_start) for table in read_whole(engines, *one)} == set()
    few, many = (updates(engines, new, number) for number in (1, 50))
    assert {table for one in (*few, *many) for table in read_whole(engines, *one)} == set()


class Noting:
    """A cursor that notes what it is told."""

    rowcount = 0

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def execute(self, statement: str, parameters: Any = None, **_: Any) -> None:
        self.told.append((statement, parameters))

    def executemany(self, statement: str, rows: list[Any]) -> None:
        self.told += [(statement, tuple(row)) for row in rows]

    def nextset(self) -> None:
        """There is one result only."""


def updates(engines: Engines, new: Any, number: int) -> list[tuple[str, Any]]:
    """Return what the database is told where so many executions end at once."""
    kind, cursor = kinds(engines.writer.dialect)[UpdateExecution], Noting()
    running = [new.started(new.execution(id=f"{number:06}")) for number in range(number)]
    kind.statement.execute_all(cursor, [kind.parameters(new.update(one, new.ended(one))) for one in running])
    return cursor.told


def fill(engines: Engines, new: Any) -> None:
    write = EXECUTIONS.writer(EXECUTIONS.names)
    sample = dict(zip(EXECUTIONS.names, write(new.execution(schedule_id="nightly", generation="g1")), strict=True))
    done = {"status": "success", "completed_at": new.now}
    some = [
        {**sample, **done, "id": f"{number:06}", "fire_time": new.now + number, "created_at": new.now + number}
        for number in range(MANY)
    ]
    kept = dict(zip(SPELLS.names, SPELLS.writer(SPELLS.names)(pause(0, 1)), strict=True))
    with engines.writer.begin() as connection:
        connection.execute(insert(executions), some)
        connection.execute(insert(spells), [{**kept, "began": number, "ended": number} for number in range(MANY)])
        if engines.file is None:
            for table in ("executions", "spells"):
                is_mysql = connection.dialect.name == "mysql"
                connection.exec_driver_sql(f"ANALYZE {'TABLE ' if is_mysql else ''}{table}")


def read_whole(engines: Engines, statement: str, parameters: Any) -> set[str]:
    """Return which of the large tables a statement would go through from end to end."""
    dialect = engines.reader.dialect.name
    explain = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
    with engines.reader.connect() as connection:
        steps = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    if dialect == "mysql":
        return {step.table for step in steps if step.type == "ALL"} & LARGE
    lines = [" ".join(map(str, step)) for step in steps]
    return {table for table in LARGE for line in lines if f"SCAN {table}" in line or f"Seq Scan on {table}" in line}
