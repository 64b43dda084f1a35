"""Compares what a scheduler remembers with what one would remember that has just read the database."""

from collections.abc import Iterator, Mapping
from typing import Any

from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.agenda import Agenda, place_of
from schedulezero.scheduler.core.memory import Memory
from schedulezero.scheduler.core.model import Execution, Place, Schedule

from .rules import Rule, Violation


def differences(held: Memory, fresh: Memory, schedules: Mapping[str, Schedule]) -> Iterator[Violation]:
    """Report where two memories differ that should not, at a moment when nothing is on its way to the database.

    Of the schedules each holds what it has come to; `schedules` are those that are stored.
    """
    yield from _compare("schedules", held.agenda.held(), _to_be_held(held.agenda, schedules))
    yield from _compare("states", +held.agenda.states, +fresh.agenda.states)
    yield from _compare("past pauses", {None: held.past_pauses}, {None: fresh.past_pauses})
    yield from _compare("unfinished", +held.unfinished, +fresh.unfinished)
    yield from _compare("handlers", held.known, fresh.known)
    yield from _compare("pauses", held.handler_pauses, fresh.handler_pauses)
    yield from _compare("the pause", {None: held.pause}, {None: fresh.pause})
    yield from _compare("out or retrying", _out(held), _out(fresh))
    yield from _compare("waiting", {"executions": _waiting(held)}, {"executions": _waiting(fresh)})


def _to_be_held(agenda: Agenda, schedules: Mapping[str, Schedule]) -> dict[str, Schedule]:
    """Return, of what is stored, what is to be in memory: all up to its horizon, and what else it knows."""
    return {id_: row for id_, row in schedules.items() if agenda.knows(id_) or _is_before(agenda.horizon, row)}


def _is_before(horizon: Place | None, row: Schedule) -> bool:
    return row.due_at is not None and (horizon is None or place_of(row) <= horizon)


def _compare(what: str, held: Mapping[Any, object], fresh: Mapping[Any, object]) -> Iterator[Violation]:
    for key in sorted({*held, *fresh}, key=str):
        if held.get(key) != fresh.get(key):
            text = f"{what}, {key}: remembered {held.get(key)}, stored {fresh.get(key)}"
            yield Violation(Rule.MEMORY, text)


def _out(memory: Memory) -> dict[object, object]:
    return {id_: row for id_, row in memory.executions.items() if row.status is not Status.PENDING}


def _waiting(memory: Memory) -> int:
    """Return how many wait, in queues or for their turn, without the retries that are ready.

    Those are not pending in the database. Which of a schedule's executions is the one whose turn it is may be seen
    otherwise after a restart.
    """
    queues = [queue for queues in memory.queues.values() for queue in queues.values()]
    ready = sum(queue.has(id_) for id_, row in memory.executions.items() if _retries(row) for queue in queues)
    in_lines = sum(len(line) + line.left for line in memory.held.values())
    return sum(queue.total for queue in queues) - ready + in_lines


def _retries(row: Execution) -> bool:
    return row.status is Status.RETRYING
