"""Values of the core to rows and back.

A :class:`Layout` is computed once for each struct; what it does for each row is kept short, because it is done for
each execution twice.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import astuple, fields
from sqlalchemy import Column, Table

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.states import Reason, Status
from schedulezero.protocol.values import Failure, MethodSpec, Notify, Pause, RetryPolicy, ScheduleRequest
from schedulezero.scheduler.core.model import Attempt, Execution, KnownHandler, LogEntry, Notification, Schedule, Spell
from schedulezero.scheduler.store import tables

_encode = msgspec.json.Encoder().encode


class Form(NamedTuple):
    """How the values of a field that is not a plain number or text are written and read; None stays None."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def json_form(type_: Any) -> Form:
    """JSON text; for `str`, a JSON string, in which NUL is escaped."""
    return Form(write=to_json, read=msgspec.json.Decoder(type_).decode)


def to_json(value: object) -> str:
    return _encode(value).decode()


def write_tags(tags: Sequence[str]) -> str:
    """Write tags such that one is found as `,tag,`."""
    return f",{','.join(tags)}," if tags else ""


def read_tags(text: str) -> tuple[str, ...]:
    return tuple(text[1:-1].split(",")) if text else ()


TAGS = Form(write=write_tags, read=read_tags)
FLAG = Form(write=int, read=bool)
TEXT = json_form(str)
STATUS = Form(write=str, read=Status)


class Layout[T: Frozen]:
    """The columns of `table` that hold the fields of `type_`, in the order of the fields.

    Args:
        forms: for the fields that need one.

    Raises:
        TypeError: the table lacks a column for a field.
    """

    def __init__(self, type_: type[T], table: Table, forms: dict[str, Form]) -> None:
        self.names = tuple(field.name for field in fields(type_))
        if missing := set(self.names) - set(table.columns.keys()):
            raise TypeError(f"the table {table.name} has no column for {', '.join(sorted(missing))}")
        self.columns: list[Column[Any]] = [table.columns[name] for name in self.names]
        self._type = type_
        self._forms = forms
        self._readers = [(self.names.index(name), form.read) for name, form in forms.items()]

    def read(self, row: Sequence[Any]) -> T:
        """Build the value from a row of `columns`."""
        values = list(row)
        for index, read in self._readers:
            if values[index] is not None:
                values[index] = read(values[index])
        return self._type(**dict(zip(self.names, values, strict=True)))

    def writer(self, names: Sequence[str]) -> Callable[[T], list[Any]]:
        """Return a function from a value to what the columns `names` hold of it."""
        pick = itemgetter(*(self.names.index(name) for name in names))
        writers = [(names.index(name), form.write) for name, form in self._forms.items() if name in names]

        def write(value: T) -> list[Any]:
            values = list(pick(astuple(value)))
            for index, written in writers:
                if values[index] is not None:
                    values[index] = written(values[index])
            return values

        return write

    def all_but(self, *names: str) -> tuple[str, ...]:
        return tuple(name for name in self.names if name not in names)

    def read_all(self, rows: Sequence[Sequence[Any]]) -> list[T]:
        return list(map(self.read, rows))


SCHEDULES = Layout(
    Schedule,
    tables.schedules,
    {"request": json_form(ScheduleRequest), "pause": json_form(Pause), "error": TEXT},
)
EXECUTIONS = Layout(
    Execution,
    tables.executions,
    {
        "status": STATUS,
        "retry": json_form(RetryPolicy),
        "tags": TAGS,
        "serial": FLAG,
        "reason": Form(write=str, read=Reason),
        "cancel_requested": FLAG,
        "error": json_form(Failure),
        "count_exact": FLAG,
        "notify": json_form(Notify),
    },
)
NOTIFICATIONS = Layout(Notification, tables.notifications, {})
ATTEMPTS = Layout(Attempt, tables.attempts, {"error": json_form(Failure)})
LOGS = Layout(LogEntry, tables.execution_logs, {"level": TEXT, "event": TEXT})
HANDLERS = Layout(KnownHandler, tables.handlers, {"methods": json_form(tuple[MethodSpec, ...])})
SPELLS = Layout(Spell, tables.spells, {"actor": TEXT, "note": TEXT})
EXECUTION_IDS = json_form(tuple[str, ...])
PAUSE = json_form(Pause)


def searchable(schedule: Schedule) -> Iterator[Any]:
    """Yield what the columns `handler_id, method_name, name, tags` hold of a schedule's request."""
    request = schedule.request
    yield request.handler_id
    yield request.method_name
    yield request.name and request.name.replace("\0", " ")
    yield write_tags(request.tags)


def idempotency_id(caller: str, key: str) -> str:
    """Return what stands for a caller's key, whatever characters they are of."""
    return hashlib.sha256(_encode((caller, key))).hexdigest()
