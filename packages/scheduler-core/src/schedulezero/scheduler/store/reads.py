"""The reader: what is committed, as of one instant for each call."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Engine, Select, func, select

from schedulezero.protocol.answers import ExecutionStats
from schedulezero.protocol.commands import ExecutionFilter, ScheduleList
from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import Pause
from schedulezero.scheduler.core.inputs import Loaded, Upcoming
from schedulezero.scheduler.core.model import Attempt, Execution, IdempotencyKey, LogEntry, PastPauses, Place, Schedule
from schedulezero.scheduler.store import pages, rows, statistics, tables, upcoming
from schedulezero.scheduler.store.history import spells_that_last
from schedulezero.scheduler.store.pages import Page
from schedulezero.scheduler.store.transactions import said_plainly

_UNFINISHED = frozenset(Status) - FINAL
_HELD = frozenset({Status.RUNNING, Status.RETRYING})
_executions = tables.executions.c


class Reader:
    """Reads from any thread, beside the writer and never waiting for it.

    Every method raises StoreUnavailable where the database cannot be read now.

    Args:
        engine: the reading engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- for the machine -----------------------------------------------------------------------------------------

    def load(self, *, epoch: int, window: int, line: int, agenda: int) -> Loaded:
        """Read all that the machine starts from.

        Args:
            epoch: the epoch of the ownership, handed on.
            window: how many pending executions of each queue to read, besides the serial ones.
            line: how many serial ones of each schedule to read.
            agenda: how many schedules to read, of those that are active.
        """
        with self._snapshot() as connection:
            pending = _pending_counts(connection)
            held = _select_executions().where(*pages.status_in(_HELD))
            executions = _read_executions(connection, held)
            left: dict[str, int] = {}
            for schedule_id, count in _line_lengths(connection):
                first = _read_executions(connection, _line(schedule_id).limit(line))
                executions += first
                if count > len(first):
                    left[schedule_id] = count - len(first)
            for queue, count in _left_by_queue(connection, left, line):
                pending[queue] -= count
            for handler_id, method_name in pending:
                executions += _read_executions(connection, _queue(handler_id, method_name).limit(window))
            return Loaded(
                epoch=epoch,
                upcoming=upcoming.upcoming(connection, None, agenda),
                states=upcoming.states(connection),
                unspelled=upcoming.unspelled(connection),
                executions=executions,
                pending=pending,
                unfinished=_unfinished_counts(connection),
                handlers=rows.HANDLERS.read_all(connection.execute(select(*rows.HANDLERS.columns)).all()),
                pauses=_pauses(connection),
                past_pauses=_past_pauses(connection),
                left=left,
                spells=spells_that_last(connection),
            )

    def upcoming(self, after: Place | None, *, limit: int) -> Upcoming:
        """Read the next `limit` active schedules behind a place, in the order in which they are due."""
        with self._snapshot() as connection:
            return upcoming.upcoming(connection, after, limit)

    def ids_beside(self, schedule_id: str) -> tuple[str, ...]:
        """Read some ids of schedules that begin like one that there is not, if any do."""
        if not pages.may_be_stored(schedule_id):
            return ()
        with self._snapshot() as connection:
            return tuple(upcoming.beside(connection, schedule_id))

    def pending(self, handler_id: str, method_name: str, *, limit: int) -> list[Execution]:
        """Read the first `limit` pending executions of a queue in the order in which they go out, but serial ones."""
        with self._snapshot() as connection:
            return _read_executions(connection, _queue(handler_id, method_name).limit(limit))

    def line(self, schedule_id: str, *, limit: int) -> list[Execution]:
        """Read the first `limit` pending executions of a schedule that go one after another, in their order."""
        with self._snapshot() as connection:
            return _read_executions(connection, _line(schedule_id).limit(limit))

    def matching(
        self,
        filter_: ExecutionFilter,
        *,
        statuses: Collection[Status],
        limit: int,
        cursor: str | None = None,
        replayed: bool = True,
    ) -> Page[Execution]:
        """Read one page of the executions that match and are in one of `statuses`, newest first; see `execution_page`.

        Args:
            replayed: whether those are meant, too, that were run again already.
        """
        chosen = frozenset(statuses) & frozenset(filter_.status or statuses)
        if not chosen:
            return Page([], None, None)
        narrowed = replace(filter_, status=tuple(sorted(chosen)))
        with self._snapshot() as connection:
            return pages.execution_page(connection, narrowed, limit, cursor, False, replayed=replayed)

    def idempotency_key(self, caller: str, key: str) -> IdempotencyKey | None:
        """Read what a caller's key has led to."""
        columns = tables.idempotency_keys.c
        query = select(columns.digest, columns.execution_ids, columns.created_at)
        row = self._first(query.where(columns.id == rows.idempotency_id(caller, key)))
        if row is None:
            return None
        digest, ids, created_at = row
        execution_ids = rows.EXECUTION_IDS.read(ids)
        return IdempotencyKey(caller=caller, key=key, digest=digest, execution_ids=execution_ids, created_at=created_at)

    # -- for people ----------------------------------------------------------------------------------------------

    def execution(self, execution_id: str) -> Execution | None:
        """Read one execution, whatever text its id is asked for by."""
        if not pages.may_be_stored(execution_id):
            return None
        row = self._first(_select_executions().where(_executions.id == execution_id))
        return None if row is None else rows.EXECUTIONS.read(row)

    def attempts(self, execution_id: str) -> list[Attempt]:
        """Read the attempts of an execution that did not succeed, in their order."""
        columns = tables.attempts.c
        query = select(*rows.ATTEMPTS.columns).where(columns.execution_id == execution_id)
        with self._snapshot() as connection:
            ordered = query.order_by(columns.attempt, columns.claim)
            return rows.ATTEMPTS.read_all(connection.execute(ordered).all())

    def logs(self, execution_id: str, *, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        """Read up to `limit` lines of an execution whose `seq` is greater than `after`, in their order."""
        columns = tables.execution_logs.c
        query = select(*rows.LOGS.columns).where(columns.execution_id == execution_id, columns.seq > after)
        with self._snapshot() as connection:
            return rows.LOGS.read_all(connection.execute(query.order_by(columns.seq).limit(limit)).all())

    def execution_page(
        self, filter_: ExecutionFilter, *, limit: int = 100, cursor: str | None = None, include_total: bool = False
    ) -> Page[Execution]:
        """Read one page of the executions that match, newest first.

        A page may hold fewer than `limit`, or none, and have a next one all the same: a page looks at 10,000
        executions at most, where no index knows which match. `total` is None, too, where that would take a look at
        more than 100,000.

        Raises:
            ScheduleZeroError: `invalid_value` for a cursor that is not ours, or a time without a zone.
        """
        with self._snapshot() as connection:
            return pages.execution_page(connection, filter_, limit, cursor, include_total)

    def schedule(self, schedule_id: str) -> Schedule | None:
        """Read one schedule, whatever text its id is asked for by."""
        if not pages.may_be_stored(schedule_id):
            return None
        columns = tables.schedules.c
        row = self._first(select(*rows.SCHEDULES.columns).where(columns.id == schedule_id))
        return None if row is None else rows.SCHEDULES.read(row)

    def schedule_page(self, query: ScheduleList) -> Page[Schedule]:
        """Read one page of the schedules that match, by id.

        Raises:
            ScheduleZeroError: `invalid_value` for a cursor that is not ours.
        """
        with self._snapshot() as connection:
            return pages.schedule_page(connection, query)

    def last_status(self, schedule_ids: Collection[str]) -> dict[str, Status]:
        """Return the status of the newest execution of each of these schedules that has one."""
        columns = tables.schedules.c
        newest = (
            select(_executions.status)
            .where(_executions.schedule_id == columns.id)
            .order_by(_executions.created_at.desc(), _executions.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        with self._snapshot() as connection:
            found = connection.execute(select(columns.id, newest).where(columns.id.in_(sorted(schedule_ids))))
            return {id_: Status(status) for id_, status in found if status is not None}

    def statistics(self, since: datetime | None = None) -> ExecutionStats:
        """Return the figures of the executions created at or after `since`, of all without it.

        Raises:
            ScheduleZeroError: `invalid_value` for a time without a zone.
        """
        with self._snapshot() as connection:
            return statistics.statistics(connection, since)

    # -- how -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        with said_plainly(self._engine.dialect), self._engine.begin() as connection:
            yield connection

    def _first(self, query: Select[Any]) -> Sequence[Any] | None:
        with self._snapshot() as connection:
            return connection.execute(query).first()


def _select_executions() -> Select[Any]:
    return select(*rows.EXECUTIONS.columns)


def _read_executions(connection: Connection, query: Select[Any]) -> list[Execution]:
    return rows.EXECUTIONS.read_all(connection.execute(query).all())


def _queue(handler_id: str, method_name: str) -> Select[Any]:
    mine = (_executions.handler_id == handler_id, _executions.method_name == method_name)
    order = (_executions.priority.desc(), _executions.ready_at, _executions.id)
    return _pending().where(*mine, _executions.serial == 0).order_by(*order)


def _line(schedule_id: str) -> Select[Any]:
    waiting = _select_executions().where(tables.WAITS_ITS_TURN, _executions.schedule_id == schedule_id)
    return waiting.order_by(_executions.created_at, _executions.id)


def _line_lengths(connection: Connection) -> list[tuple[str, int]]:
    lengths = select(_executions.schedule_id, func.count()).where(tables.WAITS_ITS_TURN)
    return [(row[0], row[1]) for row in connection.execute(lengths.group_by(_executions.schedule_id))]


def _left_by_queue(
    connection: Connection, schedule_ids: Collection[str], line: int
) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield of what queue those are, and how many, that come after the first `line` of these schedules' lines."""
    for schedule_id in schedule_ids:
        left = _line(schedule_id).with_only_columns(_executions.handler_id, _executions.method_name)
        counted = left.limit(2**62).offset(line).subquery()
        queue = (counted.c.handler_id, counted.c.method_name)
        for handler_id, method_name, count in connection.execute(select(*queue, func.count()).group_by(*queue)):
            yield (handler_id, method_name), count


def _pending() -> Select[Any]:
    return _select_executions().where(*pages.status_in(frozenset({Status.PENDING})))


def _pending_counts(connection: Connection) -> dict[tuple[str, str], int]:
    queue = (_executions.handler_id, _executions.method_name)
    pending = pages.status_in(frozenset({Status.PENDING}))
    counts = connection.execute(select(*queue, func.count()).where(*pending).group_by(*queue))
    return {(handler_id, method_name): count for handler_id, method_name, count in counts}


def _unfinished_counts(connection: Connection) -> dict[str, int]:
    scheduled = (*pages.status_in(_UNFINISHED), _executions.schedule_id.is_not(None))
    counts = select(_executions.schedule_id, func.count().label("unfinished")).where(*scheduled)
    counted = connection.execute(counts.group_by(_executions.schedule_id))
    return {row.schedule_id: row.unfinished for row in counted}


def _pauses(connection: Connection) -> dict[str | None, Pause]:
    columns = tables.pauses.c
    paused = connection.execute(select(columns.handler_id, columns.pause).where(columns.pause.is_not(None)))
    return {handler_id or None: rows.PAUSE.read(pause) for handler_id, pause in paused}


def _past_pauses(connection: Connection) -> PastPauses:
    columns = tables.pauses.c
    row = connection.execute(select(columns.past_count, columns.past_ended).where(columns.handler_id == "")).first()
    return PastPauses() if row is None else PastPauses(count=row.past_count, ended=row.past_ended)
