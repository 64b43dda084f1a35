"""Lists: filters, order, pages and cursors."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedulezero.protocol.commands import ExecutionFilter, ScheduleList
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.states import Status
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.model import Execution, replace
from schedulezero.scheduler.store import Store
from schedulezero.scheduler.store.pages import write_cursor


def _ids(store: Store, **fields: Any) -> list[str]:
    return [row.id for row in store.reader.execution_page(ExecutionFilter(**fields)).rows]


def _stored(store: Store, new: Any, *fields: dict[str, Any]) -> list[Execution]:
    executions = [new.execution(**given) for given in fields]
    store.writer.commit([[new.insert(execution)] for execution in executions])
    return executions


def test_newest_first_also_where_instants_are_equal_or_the_clock_went_back(store: Store, new: Any) -> None:
    times = [new.now, new.now, new.now + 5, new.now - 5]
    a, b, c, d = _stored(store, new, *({"created_at": time} for time in times))
    assert _ids(store) == [c.id, b.id, a.id, d.id]


def test_the_pages_of_a_list_are_the_list(store: Store, new: Any) -> None:
    executions = _stored(store, new, *({"created_at": new.now + number // 3} for number in range(20)))
    seen: list[Execution] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = store.reader.execution_page(ExecutionFilter(), limit=7, cursor=cursor, include_total=True)
        seen += page.rows
        cursor, pages = page.next_cursor, pages + 1
        assert page.total == 20
    assert seen == executions[::-1]
    assert pages == 3


def test_what_is_added_meanwhile_moves_no_later_page(store: Store, new: Any) -> None:
    executions = _stored(store, new, *({"created_at": new.now + number} for number in range(4)))
    first = store.reader.execution_page(ExecutionFilter(), limit=2)
    _stored(store, new, {"created_at": new.now + 100})
    second = store.reader.execution_page(ExecutionFilter(), limit=2, cursor=first.next_cursor)
    assert second.rows == executions[1::-1]
    assert second.next_cursor is None
    assert second.total is None


def test_a_page_ends_before_it_would_be_too_large(store: Store, new: Any) -> None:
    large = '"' + "é" * 500_000 + '"'
    executions = _stored(store, new, *({"params": large, "result": large} for _ in range(5)))
    first = store.reader.execution_page(ExecutionFilter(), limit=5)
    second = store.reader.execution_page(ExecutionFilter(), limit=5, cursor=first.next_cursor)
    third = store.reader.execution_page(ExecutionFilter(), limit=5, cursor=second.next_cursor)
    assert first.rows + second.rows + third.rows == executions[::-1]
    assert [len(page.rows) for page in (first, second, third)] == [2, 2, 1]
    assert third.next_cursor is None


@pytest.mark.parametrize(
    "cursor", ["", "garbage", "!!!", "ünï", "W10", "WzEsMl0", "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsIngiXQ"]
)
def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    for read in (
        lambda: store.reader.execution_page(ExecutionFilter(), cursor=cursor),
        lambda: store.reader.schedule_page(ScheduleList(cursor=cursor)),
    ):
        with pytest.raises(ScheduleZeroError) as caught:
            read()
        assert caught.value.code is Code.INVALID_VALUE
        assert [detail.path for detail in caught.value.problem.details] == ["cursor"]


def test_executions_by_what_they_are(store: Store, new: Any) -> None:
    plain, other, scheduled = _stored(
        store,
        new,
        {"method_name": "Load_It", "tags": ("a", "ab.c"), "status": Status.ERROR},
        {"handler_id": "mail", "tags": ("ab",), "status": Status.TIMEOUT},
        {"schedule_id": "Nightly", "tags": ("A",), "status": Status.SUCCESS},
    )
    assert _ids(store, handler_id="mail") == [other.id]
    assert _ids(store, handler_id="MAIL") == []
    assert _ids(store, method_name="Load_It") == [plain.id]
    assert _ids(store, schedule_id="Nightly") == [scheduled.id]
    assert _ids(store, status=(Status.TIMEOUT, Status.ERROR)) == [other.id, plain.id]
    assert _ids(store, status=(Status.SUCCESS, Status.ERROR)) == [scheduled.id, plain.id]
    assert _ids(store, status=(Status.PENDING,)) == []
    assert _ids(store, handler_id="reports", status=(Status.ERROR,)) == [plain.id]


@pytest.mark.parametrize(
    ("tag", "found"), [("a", [0]), ("ab", [1]), ("A", [2]), ("ab.c", [0]), ("a,ab.c", []), ("\0", []), ("_", [])]
)
def test_a_tag_is_found_letter_for_letter(store: Store, new: Any, tag: str, found: list[int]) -> None:
    executions = _stored(store, new, {"tags": ("a", "ab.c")}, {"tags": ("ab",)}, {"tags": ("A",)}, {})
    assert _ids(store, tag=tag) == [executions[index].id for index in found]


def test_text_is_searched_in_ids_and_names_without_case(store: Store, new: Any) -> None:
    a, b = _stored(store, new, {"method_name": "Load_It"}, {"schedule_id": "Load1It", "handler_id": "50%"})
    assert _ids(store, q="load") == [b.id, a.id]
    assert _ids(store, q="d_i") == [a.id]
    assert _ids(store, q="0%") == [b.id]
    assert _ids(store, q=a.id[:-1].upper()) == [a.id]
    assert _ids(store, q="'") == []
    assert _ids(store, q="\0") == []


def test_since_is_included_and_until_is_not(store: Store, new: Any) -> None:
    rows = _stored(store, new, *({"created_at": new.now + number} for number in range(4)))
    since, until = to_datetime(new.now + 1), to_datetime(new.now + 3)
    assert _ids(store, since=since, until=until) == [rows[2].id, rows[1].id]
    assert _ids(store, since=since.astimezone(tz=None)) == [rows[3].id, rows[2].id, rows[1].id]


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ScheduleZeroError, match="needs a time zone") as caught:
        _ids(store, until=datetime(2026, 1, 1))
    assert caught.value.problem.details[0].path == "until"


def test_executions_to_be_changed_in_bulk(store: Store, new: Any) -> None:
    statuses = [Status.PENDING, Status.RUNNING, Status.RETRYING, Status.SUCCESS, Status.ERROR]
    rows = _stored(store, new, *({"status": status} for status in statuses))
    unfinished = {Status.PENDING, Status.RUNNING, Status.RETRYING}
    assert store.reader.matching(ExecutionFilter(), statuses=unfinished, limit=10).rows == [rows[2], rows[1], rows[0]]
    chosen = ExecutionFilter(status=(Status.PENDING, Status.ERROR))
    assert store.reader.matching(chosen, statuses=unfinished, limit=10).rows == [rows[0]]
    failed = {Status.ERROR, Status.TIMEOUT}
    assert store.reader.matching(ExecutionFilter(), statuses=failed, limit=10).rows == [rows[4]]
    assert store.reader.matching(ExecutionFilter(), statuses=set(Status), limit=2).rows == [rows[4], rows[3]]


def test_schedules_by_id_in_pages(store: Store, new: Any) -> None:
    ids = ["B", "a", "a1", "é"]
    store.writer.commit([[new.insert(new.schedule(id_))] for id_ in reversed(ids)])
    first = store.reader.schedule_page(ScheduleList(limit=3, include_total=True))
    second = store.reader.schedule_page(ScheduleList(limit=3, cursor=first.next_cursor))
    assert [row.id for row in first.rows + second.rows] == ids
    assert first.total == 4
    assert second.next_cursor is None


def test_schedules_by_what_they_are(store: Store, new: Any) -> None:
    plain = new.schedule("plain")
    request = replace(plain.request, handler_id="mail", name="Send 50%", tags=("x", "y"))
    other = new.schedule("other", request=request, state="paused")

    store.writer.commit([[new.insert(plain)], [new.insert(other)]])

    def found(**fields: Any) -> list[str]:
        return [row.id for row in store.reader.schedule_page(ScheduleList(**fields)).rows]

    assert found(handler_id="mail") == found(tag="y") == found(paused=True) == found(q="SEND 50%") == ["other"]
    assert found(paused=False) == found(q="lai") == ["plain"]
    assert found(tag="z") == []


def test_the_last_status_of_a_schedule_is_that_of_its_newest_execution(store: Store, new: Any) -> None:
    store.writer.commit([[new.insert(new.schedule(id_))] for id_ in ("a", "b", "c")])
    _stored(
        store,
        new,
        {"schedule_id": "a", "status": Status.ERROR, "created_at": new.now + 1},
        {"schedule_id": "a", "status": Status.SUCCESS},
        {"schedule_id": "b", "status": Status.RUNNING},
    )
    assert store.reader.last_status(["a", "c", "none"]) == {"a": Status.ERROR}


def test_times_are_read_in_utc(store: Store, new: Any) -> None:
    (row,) = _stored(store, new, {"created_at": new.now})
    assert to_datetime(row.created_at).utcoffset() == timedelta(0)
    assert _ids(store, until=datetime(2026, 1, 1, tzinfo=UTC)) == []


def test_what_was_run_again_is_left_out_where_that_is_asked_for(store: Store, new: Any) -> None:
    once, again = _stored(store, new, {"status": Status.ERROR}, {"status": Status.ERROR})
    _stored(store, new, {"retry_of": once.id})
    failed = {Status.ERROR, Status.TIMEOUT}
    assert store.reader.matching(ExecutionFilter(), statuses=failed, limit=9, replayed=False).rows == [again]
    assert store.reader.matching(ExecutionFilter(), statuses=failed, limit=9).rows == [again, once]


def test_any_text_may_be_asked_for(store: Store) -> None:
    """NUL, which no row holds, and what cannot be encoded as a text of the database, are found nowhere."""
    reader, odd = store.reader, "a\0b"
    assert (reader.execution(odd), reader.schedule(odd), reader.attempts(odd), reader.logs(odd)) == (None, None, [], [])
    assert reader.last_status([odd]) == {}
    assert reader.idempotency_key(odd, odd) is None
    assert (reader.pending(odd, odd, limit=1), reader.line(odd, limit=1)) == ([], [])
    assert reader.execution_page(ExecutionFilter(), cursor=write_cursor((5, odd))).rows == []
    assert reader.schedule_page(ScheduleList(cursor=write_cursor(odd))).rows == []
    with store.history.read() as past:
        assert past.known_handler(odd) is None
        assert past.spells("schedule_pause", odd, 0, 9) == []
        assert past.around(odd, odd, 5) == (None, None)
