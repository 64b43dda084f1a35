"""What users were told, and whether it is so."""

from collections.abc import Iterator, Mapping
from typing import Any

from schedulezero.protocol.answers import BatchAccepted, RunAccepted
from schedulezero.protocol.commands import Command
from schedulezero.protocol.errors import Code, Problem
from schedulezero.protocol.frozen import Frozen
from schedulezero.scheduler.core.model import Execution, Schedule

from .rules import Rule, Violation
from .watch import Watch


class Asking(Frozen):
    """A command as a user sends it. What it makes carries the `marker`; with a `key` it may be sent again."""

    command: Command[Any]
    marker: str
    key: str | None = None


class Promises:
    """Keeps account of commands and their answers.

    Args:
        watch: where breaches are reported.
        executions: the rows as they are durable now.
    """

    def __init__(self, watch: Watch, executions: Mapping[str, Execution]) -> None:
        self._watch = watch
        self._executions = executions
        self._open: dict[int, Asking] = {}
        self._asked = 0
        self._accepted: dict[str, str] = {}
        self._refused: set[str] = set()
        self._unknown: set[str] = set()
        self.to_ask_again: list[Asking] = []
        """Commands with a key that were not served, or not known to be."""

    def ask(self, asking: Asking) -> int:
        """Take note of a command that is sent, and return its ticket."""
        self._asked += 1
        self._open[self._asked] = asking
        self._refused.discard(asking.marker)
        return self._asked

    @property
    def waiting(self) -> list[Asking]:
        """What is not answered yet."""
        return list(self._open.values())

    def answer(self, ticket: int, value: object) -> None:
        asking = self._end(ticket)
        if asking is None:
            return
        self._watch.trace.note("told {}: {}", asking.marker, value)
        ids = _ids(value)
        for id_ in ids:
            self._accepted[id_] = asking.marker
            if id_ not in self._executions:
                self._watch.report(Rule.ACCEPTED_IS_STORED, f"{asking.marker} was told {value}, which is not stored")
        if isinstance(value, RunAccepted) and value.status != "accepted":
            self._compare_end(value)

    def refuse(self, ticket: int, problem: Problem) -> None:
        asking = self._end(ticket)
        if asking is None:
            return
        self._watch.trace.note("refused {}: {} {}", asking.marker, problem.code, problem.message)
        if problem.code is Code.OUTCOME_UNKNOWN:
            self._unknown.add(asking.marker)
        elif asking.marker not in self._unknown:
            self._refused.add(asking.marker)
        if asking.key is not None and problem.code in (Code.OUTCOME_UNKNOWN, Code.UNAVAILABLE):
            self.to_ask_again.append(asking)

    def nobody_answers(self) -> None:
        """The scheduler died: whoever waits does not know what became of his command."""
        for ticket in list(self._open):
            self.refuse(ticket, Problem(code=Code.OUTCOME_UNKNOWN, message="the scheduler went away"))

    def audit(self, schedules: Mapping[str, Schedule]) -> Iterator[Violation]:
        """Compare what was told with what is stored, when all is at rest."""
        for ticket, asking in self._open.items():
            yield Violation(Rule.ANSWERED, f"{ticket}, {asking} was never answered")
        for id_, marker in self._accepted.items():
            if id_ not in self._executions:
                yield Violation(Rule.ACCEPTED_IS_STORED, f"{marker} was told {id_}, which is not stored")
        runs: dict[str, int] = {}
        for row in self._executions.values():
            by_hand = row.tags[0] if row.tags and row.fire_time is None and row.retry_of is None else None
            if by_hand is not None and row.schedule_id is None:
                runs[by_hand] = runs.get(by_hand, 0) + 1
                if by_hand in self._refused:
                    yield Violation(Rule.REFUSED_IS_NOT_STORED, f"{by_hand} was refused and is stored: {row}")
                if by_hand.startswith("once") and runs[by_hand] > 1:
                    yield Violation(Rule.KEY_RUNS_ONCE, f"{by_hand} was made {runs[by_hand]} times, lastly {row}")
        for schedule in schedules.values():
            if schedule.request.name in self._refused:
                yield Violation(Rule.REFUSED_IS_NOT_STORED, f"{schedule.request.name} was refused: {schedule}")

    def _end(self, ticket: int) -> Asking | None:
        asking = self._open.pop(ticket, None)
        if asking is None:
            self._watch.report(Rule.ANSWERED, f"ticket {ticket} was answered twice")
        return asking

    def _compare_end(self, told: RunAccepted) -> None:
        row = self._executions.get(told.execution_id)
        if row is None or row.status != told.status:
            self._watch.report(Rule.ACCEPTED_IS_STORED, f"the end of a run was told as {told}, and is stored as {row}")


def _ids(value: object) -> tuple[str, ...]:
    match value:
        case RunAccepted():
            return (value.execution_id,)
        case BatchAccepted():
            return value.execution_ids
        case _:
            return ()
