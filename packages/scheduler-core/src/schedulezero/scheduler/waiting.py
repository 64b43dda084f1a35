"""Who waits for the end of a run. Memory alone knows of them, so each is told something before it is forgotten."""

from collections.abc import Sequence

from schedulezero.protocol.answers import RunAccepted
from schedulezero.protocol.errors import Problem
from schedulezero.scheduler.core.model import Answer, Await, Effect, Refuse, Send, Step, Ticket


class Waiting:
    """Follows the effects that are performed, and says what is told instead of those that never will be."""

    def __init__(self) -> None:
        self._runs: dict[Ticket, str] = {}
        self._told: set[Ticket] = set()

    def follow(self, effects: Sequence[Effect]) -> None:
        """Take note of who waits from now on, for a run that is stored, and of who has been answered."""
        for effect in effects:
            if isinstance(effect, Await):
                self._runs[effect.ticket] = effect.execution_id
            elif self._runs and isinstance(effect, Answer | Refuse):
                self._runs.pop(effect.ticket, None)

    def refusals(self, steps: Sequence[Step], problem: Problem) -> list[Effect]:
        """Return what tells everybody whom these steps were to answer, or to have wait, that they failed.

        A run that was stored before goes on, whatever became of the step that tells its end: who waits for that is told
        that it was accepted. Nobody is told twice.
        """
        owed = [effect for step in steps for effect in step.effects if isinstance(effect, Answer | Refuse | Await)]
        tickets = [ticket for ticket in dict.fromkeys(effect.ticket for effect in owed) if ticket not in self._told]
        self._told.update(tickets)
        return [self._instead(ticket, problem) for ticket in tickets]

    def without_sends(self, effects: Sequence[Effect]) -> list[Effect]:
        """Return those that may be performed behind a step that has failed: nothing is sent, and nobody told twice."""
        owing = [effect for effect in effects if not isinstance(effect, Send)]
        return [one for one in owing if not (isinstance(one, Answer | Refuse | Await) and one.ticket in self._told)]

    def release(self) -> list[Effect]:
        """Return what tells everybody who waits still that his run was accepted; memory is forgotten with that."""
        runs, self._runs = self._runs, {}
        self._told.clear()
        return [_accepted(ticket, execution_id) for ticket, execution_id in runs.items()]

    def _instead(self, ticket: Ticket, problem: Problem) -> Effect:
        execution_id = self._runs.pop(ticket, None)
        return Refuse(ticket=ticket, problem=problem) if execution_id is None else _accepted(ticket, execution_id)


def _accepted(ticket: Ticket, execution_id: str) -> Answer:
    return Answer(ticket=ticket, value=RunAccepted(status="accepted", execution_id=execution_id))
