"""What is written is read again as it was."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw

from schedulezero.protocol.commands import ScheduleList
from schedulezero.protocol.states import Reason, Status
from schedulezero.protocol.triggers import AndTrigger, CronTrigger, DateTrigger
from schedulezero.protocol.values import Failure, MethodSpec, Pause, RetryOptions, RetryPolicy, ScheduleRequest
from schedulezero.scheduler.core.model import (
    AdvanceSchedule,
    AppendLog,
    Attempt,
    DeleteSchedule,
    IdempotencyKey,
    InsertAttempt,
    KnownHandler,
    LogEntry,
    RememberHandler,
    RememberKey,
    ReviseSchedule,
    SetPause,
    replace,
)
from schedulezero.scheduler.store import Conflict, Store

NASTY = "NUL \0, emoji 🦀, quotes ' \" \\, % _ , line\nbreak, \u2028"
MANY = 40
ENDS: list[dict[str, Any]] = [
    {"result": "null"},
    {"result": f'{{"backslash": "\\\\", "percent": "%s", "long": "{"é" * 2_000}"}}'},
    {"result": None, "completed_at": None, "covers_from": -(2**62), "covers_to": 2**62, "covers_count": 0},
    {"status": Status.ERROR, "error": Failure(type="E", message=NASTY, traceback=NASTY), "instance_id": "🦀 %' \\ "},
    {"status": Status.SKIPPED, "reason": Reason.EXPIRED, "cancel_requested": True, "count_exact": False},
]
"""Which fields are empty differs, and how strange the others are."""
PAUSE = Pause(reason=NASTY, paused_by="local", paused_at=datetime(2026, 9, 1, 12, 0, 0, 1, tzinfo=UTC))


def test_an_execution_with_every_field(store: Store, new: Any) -> None:
    execution = new.execution(
        params='{ "b":1.50 ,"a": "\\u0000 🦀" }',
        status=Status.SKIPPED,
        priority=9,
        created_at=new.now + 1,
        ready_at=new.now + 2,
        retry=RetryPolicy(max_attempts=7, base_seconds=0.1, jitter=0.0, on_lost=False),
        schedule_id="nächtlich",
        generation="g1",
        fire_time=new.now + 3,
        timeout_seconds=0.1,
        expires_at=new.now + 4,
        tags=("a", "b.c"),
        retry_of="earlier",
        serial=True,
        reason=Reason.MISFIRE,
        attempt=3,
        claim=5 << 32 | 9,
        cancel_requested=True,
        instance_id="i",
        boot_id="b",
        started_at=new.now + 5,
        completed_at=new.now + 6,
        result="null",
        error=Failure(type="ValueError", message=NASTY, traceback=NASTY),
        covers_from=new.now + 7,
        covers_to=new.now + 8,
        covers_count=10_000,
        count_exact=False,
    )
    store.writer.commit([[new.insert(execution)]])
    assert store.reader.execution(execution.id) == execution


def test_an_update_writes_whatever_a_transition_moves(store: Store, new: Any) -> None:
    pending = new.execution(serial=True)
    store.writer.commit([[new.insert(pending)]])
    after = new.ended(
        new.started(pending),
        Status.ERROR,
        ready_at=new.now + 9,
        cancel_requested=True,
        reason=Reason.EXPIRED,
        result='{"partial": 1.0}',
        error=Failure(type="E", message=NASTY),
        covers_from=1,
        covers_to=2,
        covers_count=3,
        count_exact=False,
    )
    store.writer.commit([[new.update(pending, after)]])
    assert store.reader.execution(pending.id) == after


def test_many_rows_are_updated_at_once_each_as_it_is_to_be_and_each_twice(store: Store, new: Any) -> None:
    pending = [new.execution(serial=True) for _ in range(MANY)]
    running = [new.started(one, started_at=new.now + number) for number, one in enumerate(pending)]
    ended = [new.ended(one, **ENDS[number % len(ENDS)]) for number, one in enumerate(running)]
    store.writer.commit([[new.insert(one)] for one in pending])

    updates = [*map(new.update, pending, running), *map(new.update, running, ended)]
    assert store.writer.commit([[update] for update in updates]) == [None] * len(updates)

    assert [store.reader.execution(one.id) for one in pending] == ended


@pytest.mark.parametrize("field", ["params", "result"])
def test_a_megabyte_of_json_as_it_was_written(store: Store, new: Any, field: str) -> None:
    text = '{ "data" : "' + "é" * (512 * 1024 - 10) + '" }'
    execution = new.execution(**{field: text})
    store.writer.commit([[new.insert(execution)]])
    assert getattr(store.reader.execution(execution.id), field) == text


def test_a_schedule_with_every_field(store: Store, new: Any) -> None:
    request = ScheduleRequest(
        handler_id="reports",
        method_name="do_work",
        job_params=Raw(b'{ "x" : 1.0 , "e": "\xf0\x9f\xa6\x80" }'),
        name=NASTY,
        description=NASTY,
        tags=("a", "b"),
        retry=RetryOptions(max_attempts=2),
        trigger_config=AndTrigger(triggers=[CronTrigger(expression="* * * * *"), DateTrigger(run_date="2027-01-01")]),
        start_at=datetime(2026, 9, 1, 0, 0, 0, 7, tzinfo=UTC),
    )
    schedule = new.schedule(
        request=request,
        state="quarantined",
        next_fire=new.now + 1,
        due_at=new.now + 2,
        last_fire=new.now - 1,
        runs=3,
        pause=PAUSE,
        error=NASTY,
    )
    store.writer.commit([[new.insert(schedule)]])
    (read,) = store.reader.schedule_page(ScheduleList()).rows
    assert read == schedule
    assert bytes(read.request.job_params) == bytes(request.job_params)


def test_a_schedule_is_advanced_revised_and_deleted(store: Store, new: Any) -> None:
    first = new.schedule()
    advanced = replace(first, version=2, decided_through=new.now + 5, next_fire=7, due_at=8, last_fire=6, runs=1)
    request = replace(first.request, handler_id="other", tags=("changed",))
    revised = replace(advanced, version=3, generation="g2", request=request, state="paused", pause=PAUSE)
    store.writer.commit([[new.insert(first)], [AdvanceSchedule(schedule=advanced, version_before=1)]])
    assert store.reader.schedule_page(ScheduleList()).rows == [advanced]
    store.writer.commit([[ReviseSchedule(schedule=revised, version_before=2)]])
    assert store.reader.schedule_page(ScheduleList(handler_id="other", tag="changed")).rows == [revised]
    store.writer.commit([[DeleteSchedule(schedule_id=first.id, shard=first.shard, version_before=3)]])
    assert store.reader.schedule_page(ScheduleList()).rows == []


def test_attempts_in_their_order(store: Store) -> None:
    attempts = [
        Attempt(
            execution_id="e",
            attempt=number,
            claim=claim,
            instance_id=None,
            started_at=None,
            completed_at=9,
            status="lost",
            error=Failure(type="Lost", message=NASTY),
        )
        for number, claim in ((1, 11), (2, 12), (2, 13))
    ]
    store.writer.commit([[InsertAttempt(attempt=attempt)] for attempt in reversed(attempts)])
    assert store.reader.attempts("e") == attempts
    assert store.reader.attempts("none") == []


def test_logs_in_their_order_and_after_a_line(store: Store) -> None:
    lines = [
        LogEntry(execution_id="e", seq=seq, attempt=1, at=seq, level="info", event=NASTY, fields='{"a" : 1}')
        for seq in range(1, 6)
    ]
    store.writer.commit([[AppendLog(entry=line) for line in lines]])
    assert store.reader.logs("e") == lines
    assert store.reader.logs("e", after=2, limit=2) == lines[2:4]


def test_idempotency_keys_of_any_text_for_each_caller(store: Store) -> None:
    keys = [
        IdempotencyKey(caller=caller, key=key, digest="d", execution_ids=("1", "2"), created_at=3)
        for caller, key in (("ann", NASTY), ("bob", NASTY), ("ann", NASTY + " "), ("an", "n" + NASTY))
    ]
    store.writer.commit([[RememberKey(key=key)] for key in keys])
    assert [store.reader.idempotency_key(key.caller, key.key) for key in keys] == keys
    assert store.reader.idempotency_key("cid", NASTY) is None


def test_a_key_that_is_kept_is_not_given_twice(store: Store) -> None:
    key = IdempotencyKey(caller="ann", key="k", digest="d", execution_ids=("1",), created_at=3)
    store.writer.commit([[RememberKey(key=key)]])
    with pytest.raises(Conflict):
        store.writer.commit([[RememberKey(key=replace(key, execution_ids=("2",)))]])
    assert store.reader.idempotency_key("ann", "k") == key


def test_what_is_known_of_a_handler_is_replaced(store: Store) -> None:
    spec = MethodSpec(name="m", params_schema=Raw(b'{"type": "object"}'), doc=NASTY, timeout_seconds=1.5)
    first = KnownHandler(handler_id="h", first_seen=1, methods=())
    second = KnownHandler(handler_id="h", first_seen=1, methods=(spec,))
    store.writer.commit([[RememberHandler(handler=first)], [RememberHandler(handler=second)]])
    assert store.reader.load(epoch=1, window=1, line=9, agenda=9).handlers == [second]


def test_pauses_are_set_and_taken_back(store: Store) -> None:
    store.writer.commit(
        [[SetPause(handler_id=None, pause=PAUSE)], [SetPause(handler_id="h", pause=PAUSE)], [_resumed("other")]]
    )
    assert store.reader.load(epoch=1, window=1, line=9, agenda=9).pauses == {None: PAUSE, "h": PAUSE}
    store.writer.commit([[_resumed(None)]])
    assert store.reader.load(epoch=1, window=1, line=9, agenda=9).pauses == {"h": PAUSE}


def _resumed(handler_id: str | None) -> SetPause:
    return SetPause(handler_id=handler_id, pause=None)
