"""One entry for each kind of change: the statement that writes it, and the row that it touches."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Dialect, Executable, Insert, Table, and_, bindparam, delete, insert, update
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql import ClauseElement

from schedulezero.scheduler.core.model import (
    AdvanceSchedule,
    AppendLog,
    DeleteSchedule,
    InsertAttempt,
    InsertExecution,
    InsertNotification,
    InsertSchedule,
    KeepSpell,
    PastPauses,
    RememberHandler,
    RememberKey,
    ReviseSchedule,
    Schedule,
    SetPause,
    UpdateExecution,
)
from schedulezero.scheduler.store import rows, tables
from schedulezero.scheduler.store.dialects import MYSQL, upsert
from schedulezero.scheduler.store.exchanges import as_one_insert, as_one_update, one_by_one
from schedulezero.scheduler.store.recordsets import insert_of_recordset, update_of_recordset

_WITH_REQUEST = ("handler_id", "method_name", "name", "tags", "times_since")
"""What is written of a schedule only with its request; the table has these columns behind all but the last."""
_LAST = "pauses_seen"
_GIVEN_ONCE = ("id", "shard", "created_at")
_ASKED_FOR = (*_GIVEN_ONCE, "generation", "request")
_DECIDED_ONCE = (
    *("id", "shard", "handler_id", "method_name", "params", "priority", "created_at", "retry", "schedule_id"),
    *("generation", "fire_time", "timeout_seconds", "expires_at", "tags", "retry_of", "serial", "notify"),
)
"""What no transition of an execution moves."""
_FEW = 8
"""So many rows a server writes faster one by one than as a list, which it has to make a table of first."""


class Many(Protocol):
    """A statement that is said for many rows at once."""

    def execute(self, cursor: DBAPICursor, rows: Sequence[Sequence[Any]]) -> int:
        """Return how many rows of the table were met in all."""


class Prepared:
    """A statement as text of the driver's dialect, with its parameters in the order `names`.

    Args:
        dialect: of the database.
        statement: for one row.
        names: of its parameters.
        many: how many rows are said at once, if not one after the other.

    Raises:
        TypeError: the statement has its parameters in another order.
    """

    def __init__(self, dialect: Dialect, statement: Executable, names: Sequence[str], many: Many | None = None) -> None:
        assert isinstance(statement, ClauseElement)
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
        if compiled.positiontup != list(names):
            raise TypeError(f"parameters are {compiled.positiontup}, not {names}")
        self.sql = str(compiled)
        self._few: Many | None = None
        if dialect.name in MYSQL:
            is_insert = isinstance(statement, Insert)
            self._few = as_one_insert(self.sql, len(names)) if is_insert else one_by_one(self.sql)
        self._many = many or self._few

    def execute_all(self, cursor: DBAPICursor, rows: Sequence[Sequence[Any]]) -> int:
        """Execute it for each row of parameters, and return how many rows of the table it met in all."""
        said = self._few if len(rows) <= _FEW else self._many
        if said is not None:
            return said.execute(cursor, rows)
        cursor.executemany(self.sql, rows)
        return cursor.rowcount


class Kind(NamedTuple):
    """How changes of one type are written.

    `touches` names the row: changes of one row are written in their order, others may be written together.
    `expects` is whether each change must meet one row.
    """

    statement: Prepared
    parameters: Callable[[Any], Sequence[Any]]
    touches: Callable[[Any], Hashable]
    expects: bool = True


def kinds(dialect: Dialect) -> dict[type, Kind]:
    """Return how each type of change is written."""
    return {
        InsertSchedule: _insert_schedule(dialect),
        ReviseSchedule: _write_schedule(dialect, _GIVEN_ONCE, with_request=True),
        AdvanceSchedule: _write_schedule(dialect, _ASKED_FOR, with_request=False),
        DeleteSchedule: _delete_schedule(dialect),
        InsertExecution: _insert_execution(dialect),
        UpdateExecution: _update_execution(dialect),
        InsertAttempt: _insert_attempt(dialect),
        InsertNotification: _insert_notification(dialect),
        AppendLog: _append_log(dialect),
        RememberKey: _remember_key(dialect),
        RememberHandler: _remember_handler(dialect),
        SetPause: _set_pause(dialect),
        KeepSpell: _keep_spell(dialect),
    }


def _prepare_insert(dialect: Dialect, table: Table) -> Prepared:
    many = insert_of_recordset(dialect, table) if dialect.name == "postgresql" else None
    return Prepared(dialect, insert(table), table.columns.keys(), many)


def _prepare_update(dialect: Dialect, table: Table, written: Sequence[str], same: Mapping[str, str]) -> Prepared:
    """Prepare what writes columns of a row.

    Args:
        dialect: of the database.
        table: with the row.
        written: the columns, whose parameters bear their names and come first.
        same: which parameter each of these columns has to equal; the first is the primary key.
    """
    conditions = [table.c[column] == bindparam(parameter) for column, parameter in same.items()]
    many: Many | None = None
    if dialect.name == "postgresql":
        many = update_of_recordset(dialect, table, written, same)
    elif dialect.name in MYSQL:
        many = as_one_update(dialect, table, written, same)
    return Prepared(dialect, update(table).where(and_(*conditions)), (*written, *same.values()), many)


def _insert_schedule(dialect: Dialect) -> Kind:
    write = rows.SCHEDULES.writer(rows.SCHEDULES.all_but("times_since", _LAST))
    return Kind(
        _prepare_insert(dialect, tables.schedules),
        lambda change: (*write(change.schedule), *_with_request(change.schedule), change.schedule.pauses_seen),
        lambda change: ("schedule", change.schedule.id),
    )


def _write_schedule(dialect: Dialect, kept: tuple[str, ...], *, with_request: bool) -> Kind:
    names = rows.SCHEDULES.all_but(*kept, "times_since", _LAST)
    write = rows.SCHEDULES.writer(names)
    written = (*names, *_WITH_REQUEST, _LAST) if with_request else (*names, _LAST)
    return Kind(
        _prepare_update(dialect, tables.schedules, written, {"id": "the_id", "version": "version_before"}),
        lambda change: (
            *write(change.schedule),
            *(_with_request(change.schedule) if with_request else ()),
            change.schedule.pauses_seen,
            change.schedule.id,
            change.version_before,
        ),
        lambda change: ("schedule", change.schedule.id),
    )


def _with_request(schedule: Schedule) -> tuple[Any, ...]:
    return (*rows.searchable(schedule), schedule.times_since)


def _delete_schedule(dialect: Dialect) -> Kind:
    columns = tables.schedules.c
    same = and_(columns.id == bindparam("the_id"), columns.version == bindparam("version_before"))
    return Kind(
        Prepared(dialect, delete(tables.schedules).where(same), ("the_id", "version_before")),
        lambda change: (change.schedule_id, change.version_before),
        lambda change: ("schedule", change.schedule_id),
    )


def _insert_execution(dialect: Dialect) -> Kind:
    write = rows.EXECUTIONS.writer(rows.EXECUTIONS.names)
    return Kind(
        _prepare_insert(dialect, tables.executions),
        lambda change: write(change.execution),
        lambda change: change.execution.id,
    )


def _update_execution(dialect: Dialect) -> Kind:
    names = rows.EXECUTIONS.all_but(*_DECIDED_ONCE)
    write = rows.EXECUTIONS.writer(names)
    same = {"id": "the_id", "status": "status_before", "claim": "claim_before"}
    return Kind(
        _prepare_update(dialect, tables.executions, names, same),
        lambda change: (
            *write(change.execution),
            change.execution.id,
            str(change.status_before),
            change.claim_before,
        ),
        lambda change: change.execution.id,
    )


def _insert_attempt(dialect: Dialect) -> Kind:
    write = rows.ATTEMPTS.writer(rows.ATTEMPTS.names)
    return Kind(
        _prepare_insert(dialect, tables.attempts),
        lambda change: write(change.attempt),
        lambda change: ("attempt", change.attempt.execution_id),
    )


def _insert_notification(dialect: Dialect) -> Kind:
    write = rows.NOTIFICATIONS.writer(rows.NOTIFICATIONS.names)
    return Kind(
        _prepare_insert(dialect, tables.notifications),
        lambda change: write(change.notification),
        lambda change: ("notification", change.notification.id),
    )


def _append_log(dialect: Dialect) -> Kind:
    write = rows.LOGS.writer(rows.LOGS.names)
    return Kind(
        _prepare_insert(dialect, tables.execution_logs),
        lambda change: write(change.entry),
        lambda change: ("log", change.entry.execution_id),
    )


def _remember_key(dialect: Dialect) -> Kind:
    def parameters(change: RememberKey) -> Sequence[Any]:
        key = change.key
        id_ = rows.idempotency_id(key.caller, key.key)
        return id_, key.digest, rows.EXECUTION_IDS.write(key.execution_ids), key.created_at

    return Kind(
        _prepare_insert(dialect, tables.idempotency_keys),
        parameters,
        lambda change: ("key", change.key.caller, change.key.key),
    )


def _remember_handler(dialect: Dialect) -> Kind:
    write = rows.HANDLERS.writer(rows.HANDLERS.names)
    return Kind(
        Prepared(dialect, upsert(dialect.name, tables.handlers), rows.HANDLERS.names),
        lambda change: write(change.handler),
        lambda change: ("handler", change.handler.handler_id),
        expects=False,
    )


def _set_pause(dialect: Dialect) -> Kind:
    return Kind(
        Prepared(dialect, upsert(dialect.name, tables.pauses), tables.pauses.columns.keys()),
        _pause_parameters,
        lambda change: ("pause", change.handler_id),
        expects=False,
    )


def _pause_parameters(change: SetPause) -> Sequence[Any]:
    past = change.past or PastPauses()
    pause = None if change.pause is None else rows.PAUSE.write(change.pause)
    return change.handler_id or "", pause, past.count, past.ended


def _keep_spell(dialect: Dialect) -> Kind:
    write = rows.SPELLS.writer(rows.SPELLS.names)
    return Kind(
        Prepared(dialect, upsert(dialect.name, tables.spells), rows.SPELLS.names),
        lambda change: write(change.spell),
        lambda change: ("spell", change.spell.kind, change.spell.subject, change.spell.began),
        expects=False,
    )
