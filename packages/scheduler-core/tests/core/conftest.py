"""A machine in a bottle: virtual time, rows applied as a database would, effects kept for the test to read."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from schedulezero.protocol.commands import Command, RunNow, ScheduleCreate
from schedulezero.protocol.errors import Problem
from schedulezero.protocol.handling import Execute, Outcome, ToInstance, Welcome
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import (
    Failure,
    InstanceInfo,
    InstanceState,
    MethodSpec,
    RunRequest,
    ScheduleRequest,
)
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs, model
from schedulezero.scheduler.core.agenda import part_of, place_of
from schedulezero.scheduler.core.lines import turn_of
from schedulezero.scheduler.core.machine import Machine
from schedulezero.scheduler.core.memory import Limits
from schedulezero.scheduler.core.queues import key_of

START = 1_800_000_000_000_000


class Bottle:
    """A machine, the rows it has written, and what it has said."""

    def __init__(self, **limits: Any) -> None:
        self.now = START
        self.limits = Limits(**limits)
        self.executions: dict[str, model.Execution] = {}
        self.schedules: dict[str, model.Schedule] = {}
        self.attempts: list[model.Attempt] = []
        self.handlers: dict[str, model.KnownHandler] = {}
        self.pauses: dict[str | None, Any] = {}
        self.past_pauses = model.PastPauses()
        self.logs: list[model.LogEntry] = []
        self.notifications: dict[str, model.Notification] = {}
        self.spells: dict[tuple[str, str, int], model.Spell] = {}
        self.delivering: list[str] = []
        self.writes = 0
        self.sent: list[tuple[str, ToInstance]] = []
        self.answers: dict[Any, Any] = {}
        self.published: list[str] = []
        self.refills: list[model.Refill | model.ReadLine | model.ReadAhead] = []
        self.epoch = 0
        self._tickets = 0
        self._fires: set[tuple[str | None, str | None, int | None]] = set()
        self.restart()

    # -- life ----------------------------------------------------------------------------------------------------

    def restart(self, *, resumed: bool = False) -> None:
        """Forget memory and load what the rows say, as a scheduler does after a crash."""
        self.epoch += 1
        self.machine = Machine(self.limits, Random(self.epoch))
        rows = [e for e in self.executions.values() if e.status in ("pending", "running", "retrying")]
        lines = {row.schedule_id: self._line(row.schedule_id) for row in rows if row.serial}
        first = [row for line in lines.values() for row in line[: self.limits.line]]
        queued = [row for row in rows if row.status == "pending" and not row.serial]
        queues = {(row.handler_id, row.method_name): self._queue(row.handler_id, row.method_name) for row in queued}
        windows = [row for queue in queues.values() for row in queue[: self.limits.window]]
        self.refills.clear()
        loaded = inputs.Loaded(
            epoch=self.epoch,
            upcoming=self._upcoming(None, part_of(self.limits.agenda)),
            states=Counter(row.state for row in self.schedules.values()),
            executions=[*(row for row in rows if row.status != "pending"), *first, *windows],
            pending=Counter((row.handler_id, row.method_name) for row in [*queued, *first]),
            unfinished=Counter(row.schedule_id for row in rows if row.schedule_id is not None),
            left={id_: len(line) - self.limits.line for id_, line in lines.items() if len(line) > self.limits.line},
            handlers=list(self.handlers.values()),
            pauses=dict(self.pauses),
            past_pauses=self.past_pauses,
            spells=tuple(self._spells_that_last()),
            unspelled=list(self._unspelled()),
            resumed=resumed,
        )
        self.feed(loaded)

    def feed(self, event: inputs.Input) -> model.Step:
        step = self.machine.handle(event, self.now)
        for change in step.changes:
            self._apply(change)
        for effect in step.effects:
            self._perform(effect)
        return step

    def advance(self, seconds: float) -> None:
        """Let time pass, ticking at every instant at which the machine wants to be woken."""
        until = self.now + round(seconds * model.SECOND)
        while (at := self.machine.memory.next_wakeup()) is not None and at <= until:
            self.now = max(self.now, at)
            self.feed(inputs.Tick())
        self.now = until
        self.feed(inputs.Tick())

    def read_more(self) -> None:
        """Answer what the machine has asked to be read, as the shell does."""
        while self.refills:
            wanted = self.refills.pop(0)
            if isinstance(wanted, model.ReadAhead):
                read = self._upcoming(wanted.after, wanted.limit)
                self.feed(model.replace(read, asked=wanted.asked))
            elif isinstance(wanted, model.ReadLine):
                turns = self._line(wanted.schedule_id)[: 2 * self.limits.line]
                self.feed(inputs.LineRead(schedule_id=wanted.schedule_id, executions=turns))
            else:
                queue = self._queue(wanted.handler_id, wanted.method_name)[: 2 * self.limits.window]
                names = {"handler_id": wanted.handler_id, "method_name": wanted.method_name}
                self.feed(inputs.Refilled(executions=queue, **names))

    def _upcoming(self, after: model.Place | None, limit: int) -> inputs.Upcoming:
        active = sorted((row for row in self.schedules.values() if row.due_at is not None), key=place_of)
        read = [row for row in active if after is None or place_of(row) > after][:limit]
        through = (place_of(read[-1]) if read else after) if len(read) == limit else None
        return inputs.Upcoming(schedules=read, through=through)

    def _line(self, schedule_id: str | None) -> list[model.Execution]:
        rows = [e for e in self.executions.values() if e.serial and e.status == "pending"]
        return sorted((e for e in rows if e.schedule_id == schedule_id), key=turn_of)

    def _queue(self, handler_id: str, method_name: str) -> list[model.Execution]:
        rows = [e for e in self.executions.values() if not e.serial and e.status == "pending"]
        return sorted((e for e in rows if (e.handler_id, e.method_name) == (handler_id, method_name)), key=key_of)

    # -- users ---------------------------------------------------------------------------------------------------

    def ask(self, command: Command[Any], **asked: Any) -> Any:
        """Ask, and return the answer, or None while there is none yet."""
        self._tickets += 1
        ticket = asked.pop("ticket", self._tickets)
        asked.setdefault("schedule", self.schedules.get(str(inputs.schedule_named_by(command))))
        self.feed(inputs.Asked(command=command, caller="local", ticket=ticket, **asked))
        return self.answers.get(ticket)

    def run(self, method: str = "work", handler: str = "h", **options: Any) -> str:
        answer = self.ask(RunNow(run=RunRequest(handler_id=handler, method_name=method, **options)))
        assert not isinstance(answer, Problem), answer
        return str(answer.execution_id)

    def schedule(self, trigger: dict[str, Any], **options: Any) -> Any:
        raw = {"handler_id": "h", "method_name": "work", "trigger_config": trigger, **options}
        return self.ask(ScheduleCreate(schedule=msgspec.json.decode(msgspec.json.encode(raw), type=ScheduleRequest)))

    def rows(self, schedule_id: str) -> list[model.Execution]:
        return sorted((e for e in self.executions.values() if e.schedule_id == schedule_id), key=lambda e: e.id)

    def spells_of(self, kind: str, subject: str = "") -> list[model.Spell]:
        return [self.spells[key] for key in sorted(self.spells) if key[:2] == (kind, subject)]

    # -- handlers ------------------------------------------------------------------------------------------------

    def state(self, boot: str, handler: str = "h", status: str = "Connected", **info: Any) -> InstanceState:
        methods = info.pop("methods", (MethodSpec(name="work"), MethodSpec(name="other")))
        described = InstanceInfo(
            handler_id=handler,
            instance_id=info.pop("instance_id", f"i-{boot}"),
            boot_id=boot,
            address="tcp://x",
            methods=methods,
            **info,
        )
        seen = to_datetime(self.now)
        return InstanceState(info=described, status=HandlerStatus(status), running=0, last_seen=seen)

    def connect(self, boot: str = "b1", holding: tuple[tuple[str, int, int], ...] = (), **info: Any) -> None:
        """An instance registers, and answers the Hello."""
        state = self.state(boot, **info)
        self.feed(inputs.DirectoryRead(instances=(state,)))
        self.link(boot, holding, capacity=state.info.capacity)

    def link(self, boot: str, holding: tuple[tuple[str, int, int], ...] = (), capacity: int = 16) -> None:
        welcome = Welcome(instance_id=f"i-{boot}", boot_id=boot, capacity=capacity, holding=holding)
        self.feed(inputs.Linked(welcome=welcome))

    def executes(self, boot: str | None = None) -> list[Execute]:
        """Take what was sent to be executed since the last call."""
        taken = [m for to, m in self.sent if isinstance(m, Execute) and boot in (None, to)]
        self.sent = [(to, m) for to, m in self.sent if not (isinstance(m, Execute) and boot in (None, to))]
        return taken

    def finish(self, execute: Execute, status: str = "success", seconds: float = 0, **outcome: Any) -> None:
        """The instance reports how an execute went."""
        if status != "success":
            outcome.setdefault("error", Failure(type="Oops", message="it went wrong"))
        message = Outcome(
            execution_id=execute.execution_id,
            attempt=execute.attempt,
            claim=execute.claim,
            status=status,  # type: ignore[arg-type]
            started_at=to_datetime(self.now),
            completed_at=to_datetime(self.now) + timedelta(seconds=seconds),
            **outcome,
        )
        self.feed(inputs.Heard(boot_id=execute.boot_id, messages=[message]))

    # -- the database's and the shell's part ---------------------------------------------------------------------

    def _unspelled(self) -> Iterator[model.Schedule]:
        told = {spell.subject for spell in self.spells.values() if spell.ended is None}
        held = [row for row in self.schedules.values() if row.state in ("paused", "quarantined")]
        yield from (row for row in held if row.id not in told)

    def _spells_that_last(self) -> Iterator[model.Spell]:
        yield from (spell for spell in self.spells.values() if spell.ended is None)
        yield from list(self.spells_of("scheduler_up"))[-1:]

    def _apply(self, change: model.Change) -> None:
        self.writes += 1
        match change:
            case model.InsertExecution(execution=row):
                assert row.id not in self.executions
                fire = (row.schedule_id, row.generation, row.fire_time)
                assert row.fire_time is None or fire not in self._fires
                self._fires.add(fire)
                self.executions[row.id] = row
            case model.UpdateExecution(execution=row):
                stored = self.executions[row.id]
                assert (stored.status, stored.claim) == (change.status_before, change.claim_before)
                self.executions[row.id] = row
            case model.InsertSchedule(schedule=row):
                assert row.id not in self.schedules
                self.schedules[row.id] = row
            case model.ReviseSchedule(schedule=row) | model.AdvanceSchedule(schedule=row):
                assert self.schedules[row.id].version == change.version_before
                self.schedules[row.id] = row
            case model.DeleteSchedule():
                assert self.schedules.pop(change.schedule_id).version == change.version_before
            case model.InsertAttempt():
                self.attempts.append(change.attempt)
            case model.RememberHandler(handler=handler):
                self.handlers[handler.handler_id] = handler
            case model.SetPause():
                self.pauses.pop(change.handler_id, None)
                self.past_pauses = change.past or self.past_pauses
                if change.pause is not None:
                    self.pauses[change.handler_id] = change.pause
            case model.AppendLog():
                self.logs.append(change.entry)
            case model.RememberKey():
                pass
            case model.KeepSpell(spell=spell):
                self.spells[spell.kind, spell.subject, spell.began] = spell
            case model.InsertNotification(notification=notification):
                assert notification.id not in self.notifications
                self.notifications[notification.id] = notification

    def _perform(self, effect: model.Effect) -> None:
        match effect:
            case model.Answer():
                assert effect.ticket not in self.answers
                self.answers[effect.ticket] = effect.value
            case model.Refuse():
                assert effect.ticket not in self.answers
                self.answers[effect.ticket] = effect.problem
            case model.Send():
                self.sent.append((effect.boot_id, effect.message))
            case model.Publish():
                self.published.append(str(effect.event.__struct_config__.tag))
            case model.Refill() | model.ReadLine() | model.ReadAhead():
                self.refills.append(effect)
            case model.Deliver():
                self.delivering.append(effect.receiver)


@pytest.fixture
def bottle() -> Iterator[Bottle]:
    return Bottle()


@pytest.fixture
def new_bottle() -> type[Bottle]:
    return Bottle
