"""A model of the database: rows in memory, batches that apply whole or not at all, and one fenced owner.

It says what the real one promises and nothing more: a commit is durable when it returns; under another epoch than
the owner's it is refused; a row that is not as a change says refuses the whole batch; a value that cannot be stored
refuses its event alone. `test_simulation_real_store.py` holds the same simulation to the real store.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import Pause
from schedulezero.scheduler.core import inputs, model
from schedulezero.scheduler.core.agenda import place_of
from schedulezero.scheduler.core.lines import turn_of
from schedulezero.scheduler.core.queues import key_of
from schedulezero.scheduler.store import Conflict, DataRefused, Fenced

from .rules import Rule
from .watch import Watch

POISON = "poison"
"""A tag that this database refuses to store, as PostgreSQL refuses NUL in a text."""

Groups = Sequence[Sequence[model.Change]]


class Lease(NamedTuple):
    """Who owns all shards, under which epoch, until when (database time in microseconds)."""

    owner: str
    epoch: int
    expires_at: int


class Undo:
    """What a transaction has changed, so that it can be taken back; and what is told of it once it cannot any more."""

    def __init__(self) -> None:
        self._before: list[tuple[dict[Any, Any], Hashable, Any]] = []
        self._to_tell: list[Callable[[], None]] = []

    def put(self, table: dict[Any, Any], key: Hashable, value: Any) -> None:
        """Write `value` under `key`, or with None remove what is there."""
        self._before.append((table, key, table.get(key)))
        _put(table, key, value)

    def tell(self, of_it: Callable[..., None], *rows: Any) -> None:
        """Call `of_it` with these rows when they are durable."""
        self._to_tell.append(partial(of_it, *rows))

    def commit(self) -> None:
        for tell in self._to_tell:
            tell()

    def roll_back(self) -> None:
        for table, key, value in reversed(self._before):
            _put(table, key, value)


class Database:
    """The tables, and the lease of whoever may write them.

    Args:
        watch: told of every row that becomes durable.
        now: the database's own time, in microseconds.
    """

    def __init__(self, watch: Watch, now: Callable[[], int]) -> None:
        self.watch = watch
        self.now = now
        self.fenced = True
        """Whether epochs are compared. Only a test of the simulation itself turns that off."""
        self.schedules: dict[str, model.Schedule] = {}
        self.executions: dict[str, model.Execution] = {}
        self.attempts: dict[tuple[str, int, int], model.Attempt] = {}
        self.keys: dict[tuple[str, str], model.IdempotencyKey] = {}
        self.handlers: dict[str, model.KnownHandler] = {}
        self.pauses: dict[str | None, Pause] = {}
        self.past_pauses: dict[str | None, model.PastPauses] = {}
        self.logs: dict[tuple[str, int], model.LogEntry] = {}
        self.spells: dict[tuple[str, str, int], model.Spell] = {}
        self.notifications: dict[str, model.Notification] = {}
        self._fires: dict[tuple[str, str, int], str] = {}
        self._unfinished: dict[str, model.Execution] = {}
        self._lease: Lease | None = None
        self._top_epoch = 0

    # -- ownership -----------------------------------------------------------------------------------------------

    def acquire(self, owner: str, lease: int, *, alone: bool) -> int:
        """Take all shards for `lease` microseconds, and return the new epoch; 0 while they are somebody else's."""
        held = self._lease
        if held is not None and held.owner != owner and not alone and held.expires_at > self.now():
            return 0
        self._top_epoch += 1
        self.watch.acquired(self._top_epoch)
        self._lease = Lease(owner, self._top_epoch, self.now() + lease)
        return self._top_epoch

    def renew(self, owner: str, epoch: int, lease: int) -> None:
        """Put off the expiry. Raises Fenced."""
        self._check(owner, epoch)
        self._lease = Lease(owner, epoch, self.now() + lease)

    def release(self, owner: str, epoch: int) -> None:
        if self._owns(owner, epoch):
            self._lease = None

    def _owns(self, owner: str, epoch: int) -> bool:
        return self._lease is not None and (self._lease.owner, self._lease.epoch) == (owner, epoch)

    def _check(self, owner: str, epoch: int) -> None:
        if self.fenced and not self._owns(owner, epoch):
            raise Fenced.of_owner(owner, epoch)

    # -- writing -------------------------------------------------------------------------------------------------

    def commit(self, owner: str, epoch: int, groups: Groups) -> list[DataRefused | None]:
        """Store the changes of each event, all in one transaction.

        Raises:
            Fenced: somebody else is the owner, or the epoch was raised; nothing is stored.
            Conflict: a row is not as a change says, which is to be expected only where the change of a later event
                rests on that of a refused one; nothing is stored.
        """
        self._check(owner, epoch)
        undo = Undo()
        stored: list[model.Change] = []
        verdicts = [_verdict(group) for group in groups]
        try:
            for group, verdict in zip(groups, verdicts, strict=True):
                for change in group if verdict is None else ():
                    self._apply(undo, change)
                    stored.append(change)
        except Conflict as conflict:
            undo.roll_back()
            if not any(verdicts):
                self.watch.report(Rule.NO_CONFLICT, str(conflict))
            raise
        undo.commit()
        return verdicts

    def _apply(self, undo: Undo, change: model.Change) -> None:
        match change:
            case model.InsertExecution():
                self._insert_execution(undo, change.execution)
            case model.UpdateExecution():
                self._update_execution(undo, change)
            case model.InsertSchedule(schedule=row):
                self._expect(row.id not in self.schedules, change)
                self._put_schedule(undo, row)
            case model.ReviseSchedule(schedule=row):
                self._expect(self._version(row.id) == change.version_before, change)
                self._put_schedule(undo, row)
            case model.AdvanceSchedule(schedule=row):
                self._expect(self._version(row.id) == change.version_before, change)
                stored = self.schedules[row.id]
                # What was asked for is not written by a decision.
                self._put_schedule(undo, model.replace(row, request=stored.request, generation=stored.generation))
            case model.DeleteSchedule():
                self._expect(self._version(change.schedule_id) == change.version_before, change)
                undo.tell(self.watch.ledger.deleted, self.schedules[change.schedule_id])
                undo.put(self.schedules, change.schedule_id, None)
            case model.InsertAttempt(attempt=attempt):
                key = (attempt.execution_id, attempt.attempt, attempt.claim)
                self._insert(undo, self.attempts, key, attempt)
            case model.AppendLog(entry=entry):
                self._insert(undo, self.logs, (entry.execution_id, entry.seq), entry)
            case model.RememberKey(key=used):
                self._insert(undo, self.keys, (used.caller, used.key), used)
            case model.RememberHandler(handler=handler):
                undo.put(self.handlers, handler.handler_id, handler)
            case model.InsertNotification(notification=owed):
                self._insert(undo, self.notifications, owed.id, owed)
            case model.SetPause():
                undo.put(self.pauses, change.handler_id, change.pause)
                undo.put(self.past_pauses, change.handler_id, change.past)
            case model.KeepSpell(spell=spell):
                undo.put(self.spells, (spell.kind, spell.subject, spell.began), spell)
            case _:
                raise TypeError(f"the model of the database cannot store {type(change).__name__}: add a case to it")

    def _insert_execution(self, undo: Undo, row: model.Execution) -> None:
        if row.fire_time is not None:
            fire = (str(row.schedule_id), str(row.generation), row.fire_time)
            self._insert(undo, self._fires, fire, row.id)
        self._expect(row.id not in self.executions, row)
        self._put_execution(undo, row)
        undo.tell(self.watch.inserted, row)

    def _update_execution(self, undo: Undo, change: model.UpdateExecution) -> None:
        row = change.execution
        stored = self.executions.get(row.id)
        as_remembered = stored is not None and (stored.status, stored.claim) == (
            change.status_before,
            change.claim_before,
        )
        self._expect(as_remembered, change)
        assert stored is not None
        self._put_execution(undo, row)
        undo.tell(self.watch.updated, stored, row)

    def _put_execution(self, undo: Undo, row: model.Execution) -> None:
        undo.put(self.executions, row.id, row)
        undo.put(self._unfinished, row.id, None if row.status in FINAL else row)

    def _put_schedule(self, undo: Undo, row: model.Schedule) -> None:
        undo.tell(self.watch.ledger.written, self.schedules.get(row.id), row)
        undo.put(self.schedules, row.id, row)

    def _insert(self, undo: Undo, table: dict[Any, Any], key: Hashable, value: Any) -> None:
        self._expect(key not in table, value)
        undo.put(table, key, value)

    def _version(self, schedule_id: str) -> int | None:
        row = self.schedules.get(schedule_id)
        return row.version if row is not None else None

    def _expect(self, as_remembered: bool, what: object) -> None:
        if not as_remembered:
            raise Conflict.because(what)

    # -- reading -------------------------------------------------------------------------------------------------

    def load(self, epoch: int, *, window: int, line: int, agenda: int, resumed: bool = False) -> inputs.Loaded:
        """Read all that a machine starts from, as the real reader does."""
        rows = list(self._unfinished.values())
        held = [row for row in rows if row.status is not Status.PENDING]
        waiting = [row for row in rows if row.status is Status.PENDING]
        lines = Counter(str(row.schedule_id) for row in waiting if row.serial)
        in_line = {schedule_id: self.line(schedule_id, limit=line) for schedule_id in lines}
        left = {id_: count - len(in_line[id_]) for id_, count in lines.items() if count > len(in_line[id_])}
        counted = [row for row in waiting if not row.serial] + [row for rows in in_line.values() for row in rows]
        queues = Counter((row.handler_id, row.method_name) for row in counted)
        windows = [row for queue in queues for row in self.pending(*queue, limit=window)]
        return inputs.Loaded(
            epoch=epoch,
            upcoming=self.upcoming(None, agenda),
            states={"active": 0, **Counter(row.state for row in self.schedules.values())},
            executions=[*held, *(row for rows in in_line.values() for row in rows), *windows],
            pending=dict(queues),
            unfinished=dict(Counter(row.schedule_id for row in rows if row.schedule_id is not None)),
            handlers=list(self.handlers.values()),
            pauses=dict(self.pauses),
            past_pauses=self.past_pauses.get(None, model.PastPauses()),
            spells=self._lasting_spells(),
            left=left,
            resumed=resumed,
        )

    def upcoming(self, after: model.Place | None, limit: int) -> inputs.Upcoming:
        """Read the next active schedules by when they are due."""
        active = sorted((row for row in self.schedules.values() if row.due_at is not None), key=place_of)
        read = [row for row in active if after is None or place_of(row) > after][:limit]
        return inputs.Upcoming(schedules=read, through=place_of(read[-1]) if len(read) == limit else None)

    def read_ahead(self, wanted: model.ReadAhead) -> inputs.Upcoming:
        """Answer what a machine has asked to be read of its schedules, as the shell does."""
        if wanted.limit == 0:
            return inputs.Upcoming(schedules=[], through=wanted.after, asked=wanted.asked)
        return model.replace(self.upcoming(wanted.after, wanted.limit), asked=wanted.asked)

    def beside(self, schedule_id: str) -> tuple[str, ...]:
        """Return the ids of schedules that a lost one may have been meant for."""
        return tuple(sorted(id_ for id_ in self.schedules if id_ != schedule_id))

    def line(self, schedule_id: str, *, limit: int) -> list[model.Execution]:
        """Read the first of those that wait for their turn in a schedule."""
        mine = (
            row
            for row in self._unfinished.values()
            if row.status is Status.PENDING and row.serial and row.schedule_id == schedule_id
        )
        return sorted(mine, key=turn_of)[:limit]

    def _lasting_spells(self) -> tuple[model.Spell, ...]:
        """Return those that last, and the newest time in which a scheduler was up."""
        spells = list(self.spells.values())
        up = max((one for one in spells if one.kind == "scheduler_up"), key=lambda one: one.began, default=None)
        return tuple(one for one in spells if one.ended is None or one is up)

    def pending(self, handler_id: str, method_name: str, *, limit: int) -> list[model.Execution]:
        """Read the first of a queue in their order, but the serial ones."""
        mine = (
            row
            for row in self._unfinished.values()
            if row.status is Status.PENDING
            and not row.serial
            and (row.handler_id, row.method_name) == (handler_id, method_name)
        )
        return sorted(mine, key=key_of)[:limit]

    def unfinished(self) -> Iterable[model.Execution]:
        return self._unfinished.values()


def _put(table: dict[Any, Any], key: Hashable, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _verdict(group: Sequence[model.Change]) -> DataRefused | None:
    poisoned = any(isinstance(one, model.InsertExecution) and POISON in one.execution.tags for one in group)
    return DataRefused.because("a value that it cannot store") if poisoned else None
