"""However many executions are stored, and however few match: a page costs the same. Measured on SQLite."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, insert

from schedulezero.protocol.commands import ExecutionFilter
from schedulezero.protocol.states import FINAL, Status
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.store import Store, pages
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.rows import EXECUTIONS
from schedulezero.scheduler.store.tables import executions
from schedulezero.scheduler.store.tallies import CountedRow, Tally
from schedulezero.scheduler.store.tally_writes import TallyWriter

FEW, MANY = 2_000, 6_000
LOOKED_AT = 200
COUNTED = 600
LIMIT = 10
MORE_AT_MOST = 1.5
"""How much more a page may cost with three times the rows: an index is a little deeper then."""

OF_WHAT_WAITS = "INDEX line"
"""Of those that go one after another and wait for their turn; what has ended is not in it."""

MATCHING: dict[str, Any] = {
    "handler_id": "reports",
    "method_name": "do_work",
    "schedule_id": "nightly",
    "tag": "daily",
    "q": "rep",
    "since": to_datetime(0),
    "until": to_datetime(2**52),
}
NOT_MATCHING: dict[str, Any] = {"method_name": "nothing", "tag": "nothing", "q": "nothing"}
STATUSES: list[tuple[Status, ...]] = [
    (),
    (Status.SUCCESS,),
    (Status.ERROR,),
    (Status.ERROR, Status.TIMEOUT),
    (Status.CANCELLED, Status.ERROR, Status.SKIPPED, Status.TIMEOUT),
    (Status.PENDING,),
    (Status.PENDING, Status.RETRYING, Status.RUNNING),
    (Status.ERROR, Status.PENDING),
    tuple(Status),
]


TOGETHER = [*combinations(MATCHING, 0), *combinations(MATCHING, 1), *combinations(MATCHING, 2), tuple(MATCHING)]
"""Each filter by itself, each with each other, and all of them."""
FILTERS = [
    ExecutionFilter(**{name: MATCHING[name] for name in names}, **more, status=statuses)
    for statuses in STATUSES
    for names in TOGETHER
    for more in [{}, *({name: value} for name, value in NOT_MATCHING.items() if name not in names)]
]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Of SQLite, whatever else the suite runs on: it can tell what it has done."""
    return f"sqlite:///{tmp_path / 'bounds.db'}"


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_LOOKED_AT", LOOKED_AT)
    monkeypatch.setattr(pages, "MOST_COUNTED", COUNTED)


def fill(engines: Engines, new: Any, numbers: range, statuses: Sequence[Status] = tuple(Status)) -> None:
    """Store executions, one more recent than the other, of these statuses in turn, and count them in the figures."""
    write = EXECUTIONS.writer(EXECUTIONS.names)
    sample = new.execution(schedule_id="nightly", generation="g1", tags=("daily",))
    row = dict(zip(EXECUTIONS.names, write(sample), strict=True))
    some = [
        {**row, "id": f"{number:06}", "created_at": new.now + number, "status": str(statuses[number % len(statuses)])}
        for number in numbers
    ]
    tally = Tally()
    for one in some:
        tally.add(CountedRow(*(one[name] for name in CountedRow._fields)), 1)
    with engines.writer.begin() as connection:
        connection.execute(insert(executions), some)
        TallyWriter(engines.writer.dialect).write(connection.connection.cursor(), tally)


@contextmanager
def steps(engines: Engines) -> Iterator[list[int]]:
    """Count the steps of SQLite's machine, in tens."""
    taken: list[int] = []

    def count() -> int:
        taken.append(10)
        return 0

    def watch(connection: Any) -> None:
        connection.connection.dbapi_connection.set_progress_handler(count, 10)

    event.listen(engines.reader, "begin", watch)
    try:
        yield taken
    finally:
        event.remove(engines.reader, "begin", watch)


def cost(store: Store, engines: Engines, filter_: ExecutionFilter, **asked: Any) -> int:
    with steps(engines) as taken:
        store.reader.execution_page(filter_, limit=LIMIT, **asked)
    return sum(taken)


@contextmanager
def plans(engines: Engines) -> Iterator[list[str]]:
    """Note how SQLite means to find what is asked for."""
    seen: list[str] = []

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            explain = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            seen.extend(row[3] for row in explain)

    event.listen(engines.reader, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engines.reader, "before_cursor_execute", note)


def the_whole_list(store: Store, filter_: ExecutionFilter) -> tuple[list[str], int]:
    """Return what all pages have, and how many pages there are."""
    found: list[str] = []
    cursor, number = None, 0
    while number == 0 or cursor is not None:
        page = store.reader.execution_page(filter_, limit=LIMIT, cursor=cursor)
        found += [row.id for row in page.rows]
        cursor, number = page.next_cursor, number + 1
    return found, number


# -- what a page costs ------------------------------------------------------------------------------------------------


def test_a_page_of_any_filter_costs_no_more_with_more_executions(store: Store, engines: Engines, new: Any) -> None:
    fill(engines, new, range(FEW))
    before = [cost(store, engines, filter_) for filter_ in FILTERS]
    fill(engines, new, range(FEW, MANY))
    after = [cost(store, engines, filter_) for filter_ in FILTERS]

    assert all(before)
    dearer = zip(FILTERS, before, after, strict=True)
    assert [(filter_, few, many) for filter_, few, many in dearer if many > MORE_AT_MOST * few] == []


@pytest.mark.parametrize("filter_", [ExecutionFilter(method_name="do_work"), ExecutionFilter(q="nothing")])
def test_a_total_costs_no_more_with_more_executions_where_each_has_to_be_looked_at(
    store: Store, engines: Engines, new: Any, filter_: ExecutionFilter
) -> None:
    fill(engines, new, range(FEW))
    before = cost(store, engines, filter_, include_total=True)
    fill(engines, new, range(FEW, MANY))

    assert 0 < cost(store, engines, filter_, include_total=True) <= MORE_AT_MOST * before


# -- what it holds ----------------------------------------------------------------------------------------------------


def test_the_pages_of_any_filter_together_are_all_that_matches(
    store: Store, engines: Engines, new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engines, new, range(FEW // 8))
    monkeypatch.setattr(pages, "MOST_LOOKED_AT", 10 * FEW)
    some = FILTERS[::11]
    expected = [the_whole_list(store, filter_)[0] for filter_ in some]
    monkeypatch.setattr(pages, "MOST_LOOKED_AT", 30)

    assert [the_whole_list(store, filter_)[0] for filter_ in some] == expected
    assert any(expected)


def test_a_page_that_finds_nothing_as_far_as_it_looks_has_a_next_one(store: Store, engines: Engines, new: Any) -> None:
    fill(engines, new, range(FEW))
    page = store.reader.execution_page(ExecutionFilter(method_name="nothing"), limit=LIMIT)
    assert page.rows == []
    assert page.next_cursor is not None

    found, number = the_whole_list(store, ExecutionFilter(method_name="nothing"))
    assert found == []
    assert number == FEW // LOOKED_AT


def test_failures_are_found_at_once_however_rare_they_are(store: Store, engines: Engines, new: Any) -> None:
    fill(engines, new, range(FEW), statuses=[Status.SUCCESS])
    failed = [new.execution(created_at=new.now - number, status=Status.ERROR) for number in range(2)]
    store.writer.commit([[new.insert(row)] for row in failed])

    for statuses in ((Status.ERROR,), (Status.ERROR, Status.TIMEOUT)):
        page = store.reader.execution_page(ExecutionFilter(status=statuses), limit=LIMIT)
        assert [row.id for row in page.rows] == [row.id for row in failed]
        assert page.next_cursor is None


def test_a_total_is_exact_or_left_out(store: Store, engines: Engines, new: Any) -> None:
    def total(**fields: Any) -> int | None:
        return store.reader.execution_page(ExecutionFilter(**fields), limit=1, include_total=True).total

    fill(engines, new, range(COUNTED))
    assert total(method_name="do_work") == total(handler_id="reports", tag="daily") == COUNTED
    assert total(status=(Status.ERROR, Status.TIMEOUT)) == 2 * COUNTED // len(Status)
    fill(engines, new, range(COUNTED, 2 * COUNTED))
    assert total(method_name="do_work") is None
    assert total(method_name="do_work", since=to_datetime(new.now + COUNTED)) == COUNTED
    assert total() == total(handler_id="reports") == total(schedule_id="nightly") == 2 * COUNTED
    assert total(since=to_datetime(new.now)) == total(handler_id="reports", schedule_id="nightly") == 2 * COUNTED


def test_a_total_over_everything_is_told_by_the_figures(store: Store, engines: Engines, new: Any) -> None:
    """So that none of the rows is counted, but those that run."""

    def total(**fields: Any) -> int | None:
        return store.reader.execution_page(ExecutionFilter(**fields), limit=1, include_total=True).total

    of_each = 2 * COUNTED // len(Status)
    fill(engines, new, range(2 * COUNTED))
    with engines.writer.begin() as connection:
        connection.execute(delete(executions).where(executions.c.status == Status.SUCCESS))

    assert total() == total(handler_id="reports") == total(schedule_id="nightly") == 2 * COUNTED
    assert total(status=(Status.SUCCESS,)) == total(handler_id="reports", status=(Status.SUCCESS,)) == of_each
    assert total(status=(Status.TIMEOUT, Status.ERROR)) == 2 * of_each
    assert total(handler_id="another") == total(schedule_id="another") == total(handler_id="\0") == 0
    assert total(status=(Status.RUNNING,)) == total(status=(Status.ERROR,)) == of_each


# -- other reads ------------------------------------------------------------------------------------------------------


def test_nothing_else_that_is_read_goes_through_all_executions(store: Store, engines: Engines, new: Any) -> None:
    fill(engines, new, range(FEW))
    reader = store.reader
    with plans(engines) as seen:
        reader.load(epoch=1, window=10, line=10, agenda=9)
        reader.pending("reports", "do_work", limit=10)
        reader.line("nightly", limit=10)
        reader.matching(ExecutionFilter(), statuses=FINAL - {Status.SUCCESS}, limit=10, replayed=False)
        reader.execution("000001")
        reader.last_status(["nightly"])
        reader.statistics()
        reader.statistics(to_datetime(new.now))

    assert any("executions" in line for line in seen)
    assert [line for line in seen if line.startswith("SCAN executions") and not line.endswith(OF_WHAT_WAITS)] == []
