"""A database with a row of every kind, and texts of every kind in them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import batched

from msgspec import Raw

from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import Failure, Pause, RetryPolicy, ScheduleRequest
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.model import (
    AppendLog,
    Attempt,
    Change,
    Execution,
    IdempotencyKey,
    InsertAttempt,
    InsertExecution,
    InsertNotification,
    InsertSchedule,
    KeepSpell,
    KnownHandler,
    LogEntry,
    Notification,
    RememberHandler,
    RememberKey,
    Schedule,
    SetPause,
    Spell,
    shard_of,
)
from schedulezero.scheduler.store import Store

NOW = 1_790_000_000_123_456
NASTY = "NUL \0, emoji 🦀, quotes ' \" \\, % _ , line\nbreak, \u2028, space at the end "
LARGE = '{ "data" : "' + "é" * (512 * 1024 - 10) + '" }'
_STATUSES = (Status.SUCCESS, Status.ERROR, Status.PENDING, Status.SKIPPED, Status.CANCELLED)
_BATCH = 2_000


def fill(url: str, executions: int) -> None:
    """Write `executions` of them, and some of everything else, as a scheduler does."""
    store = Store.open(url, owner="filling")
    try:
        for some in batched(changes(executions), _BATCH):
            assert store.writer.commit([some]) == [None]
    finally:
        store.close()


def changes(executions: int) -> Iterator[Change]:
    """Yield what :func:`fill` writes."""
    yield from _some_of_everything()
    ids = IdSource(random.Random(7))
    for number in range(executions):
        yield InsertExecution(execution=_execution(ids.next(NOW + number), number))


def _execution(id_: str, number: int) -> Execution:
    status = _STATUSES[number % len(_STATUSES)]
    has_run = status in (Status.SUCCESS, Status.ERROR)
    return Execution(
        id=id_,
        shard=shard_of(id_),
        handler_id=("reports", "größe", "🦀")[number % 3],
        method_name="do_work",
        params=LARGE if number == 7 else f'{{ "n" : {number} }}',
        status=status,
        priority=number % 10,
        created_at=NOW + number,
        ready_at=NOW + number,
        retry=RetryPolicy(),
        schedule_id=None if number % 2 else "nightly",
        generation=None if number % 2 else "g1",
        fire_time=None if number % 2 else NOW + number,
        timeout_seconds=0.1 + number / 7,
        tags=("a", "b.c"),
        started_at=NOW + number + 1 if has_run else None,
        completed_at=None if status is Status.PENDING else NOW + number + 1 + number * 1_000,
        result='{"x" : 1.50}' if status is Status.SUCCESS else None,
        error=Failure(type="E", message=NASTY, traceback=NASTY) if status is Status.ERROR else None,
    )


def _some_of_everything() -> Iterator[Change]:
    request = ScheduleRequest(
        handler_id="reports",
        method_name="do_work",
        job_params=Raw(b'{ "x" : 1.0 , "e": "\xf0\x9f\xa6\x80" }'),
        trigger_config=IntervalTrigger(seconds=10),
        name=NASTY,
        description=NASTY,
        schedule_id="nightly",
    )
    schedule = Schedule(
        id="nightly",
        shard=shard_of("nightly"),
        generation="g1",
        version=3,
        request=request,
        state="active",
        decided_through=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    parent = _execution("parent", 1)
    failure = Failure(type="E", message=NASTY)
    attempt = Attempt(
        execution_id=parent.id,
        attempt=1,
        claim=5 << 32 | 9,
        instance_id=None,
        started_at=None,
        completed_at=9,
        status="lost",
        error=failure,
    )
    line = LogEntry(execution_id=parent.id, seq=1, attempt=1, at=2, level="info", event=NASTY, fields='{"a" : 1}')
    owed = Notification(
        id="n1", shard=1, execution_id=parent.id, receiver="r", url="http://r/?🦀", created_at=1, due_at=2, attempt=3
    )
    pause = Pause(reason=NASTY, paused_by="local", paused_at=datetime(2026, 9, 1, 12, 0, 0, 1, tzinfo=UTC))
    yield InsertSchedule(schedule=schedule)
    yield InsertExecution(execution=parent)
    yield InsertAttempt(attempt=attempt)
    yield AppendLog(entry=line)
    yield InsertNotification(notification=owed)
    yield RememberKey(key=IdempotencyKey(caller="c", key=NASTY, digest="d", execution_ids=(parent.id,), created_at=3))
    yield RememberHandler(handler=KnownHandler(handler_id="🦀", first_seen=1, methods=()))
    yield SetPause(handler_id="h", pause=pause)
    yield KeepSpell(spell=Spell(kind="scheduler_up", subject="", began=5, ended=None, note=NASTY))
