"""The step that is being drawn up: changes and effects in order, with what one event does to one row told once."""

from collections.abc import Sequence

from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.events import Event, ExecutionFinished
from schedulezero.protocol.handling import ToInstance
from schedulezero.scheduler.core.model import (
    Answer,
    Change,
    Effect,
    Execution,
    InsertExecution,
    Publish,
    Refuse,
    Schedule,
    Send,
    Step,
    Ticket,
    UpdateExecution,
)


class Draft:
    """Collects one step. An execution that is inserted and claimed by the same event is one row written once.

    Attributes:
        ended: the executions whose end this step tells, each once.
    """

    def __init__(self) -> None:
        self.ended: list[Execution] = []
        self._changes: list[Change] = []
        self._effects: list[Effect] = []
        self._inserted: dict[str, int] = {}

    @property
    def changes(self) -> Sequence[Change]:
        """What is to be written so far."""
        return self._changes

    def write(self, change: Change) -> None:
        self._changes.append(change)

    def insert(self, execution: Execution) -> None:
        self._inserted[execution.id] = len(self._changes)
        self._changes.append(InsertExecution(execution=execution))

    def update(self, before: Execution, after: Execution) -> None:
        """Write `after` over `before`, or into the insert of the same step."""
        index = self._inserted.get(after.id)
        if index is not None:
            self._changes[index] = InsertExecution(execution=after)
            return
        change = UpdateExecution(execution=after, status_before=before.status, claim_before=before.claim)
        self._changes.append(change)

    def answer(self, ticket: Ticket, value: object) -> None:
        self._effects.append(Answer(ticket=ticket, value=value))

    def refuse(self, ticket: Ticket, error: ScheduleZeroError) -> None:
        self._effects.append(Refuse(ticket=ticket, problem=error.problem))

    def send(self, boot_id: str, message: ToInstance) -> None:
        self._effects.append(Send(boot_id=boot_id, message=message))

    def publish(self, event: type[Event], row: Execution | Schedule) -> None:
        self._effects.append(Publish(event=event, row=row))
        if event is ExecutionFinished and isinstance(row, Execution):
            self.ended.append(row)

    def do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def step(self) -> Step:
        return Step(changes=self._changes, effects=self._effects)
