"""Work that goes one after another: a window of what waits its turn in memory, the rest in the database."""

from collections.abc import Iterator

from schedulezero.scheduler.core.model import Execution

Turn = tuple[int, str]
"""When it was decided, then its id: the order of a line."""


def turn_of(execution: Execution) -> Turn:
    return (execution.created_at, execution.id)


class Line:
    """Those of one schedule's executions that wait for their turn, in its order.

    While `left` more wait in the database than here, everything there comes after what is here; who comes new joins
    them there, and is read back with :meth:`refill`.
    """

    def __init__(self, schedule_id: str, window: int) -> None:
        self.schedule_id = schedule_id
        self.left = 0
        self.refilling = False
        self._window = window
        self._waiting: dict[str, Turn] = {}
        self._bound: Turn = (0, "")
        self._gone_meanwhile: set[str] = set()

    def __len__(self) -> int:
        """Count those that are here."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[str]:
        return iter(self._waiting)

    def __contains__(self, execution_id: object) -> bool:
        return execution_id in self._waiting

    @property
    def total(self) -> int:
        """How many wait, here and in the database."""
        return len(self._waiting) + self.left

    def is_over(self) -> bool:
        return not (self._waiting or self.left or self.refilling)

    def add(self, execution: Execution) -> bool:
        """Put one at the end; return False where it is left to the database."""
        if self.left or len(self._waiting) >= 2 * self._window:
            self.left += 1
            return False
        self._take(execution)
        return True

    def put_back(self, execution: Execution) -> None:
        """Put one at the front again that had left the line and did not begin."""
        self._waiting = {execution.id: turn_of(execution), **self._waiting}

    def remove(self, execution_id: str) -> None:
        """Forget one that waits no more, wherever it was."""
        if self._waiting.pop(execution_id, None) is None:
            self.left -= 1
        self.note_gone(execution_id)

    def note_gone(self, execution_id: str) -> None:
        """See to it that a reading that is under way does not bring back what has moved on since."""
        if self.refilling:
            self._gone_meanwhile.add(execution_id)

    def leaves(self, execution: Execution) -> bool:
        """Whether a waiting execution that is not here is left to the database: it comes after all that were here."""
        return self.left > 0 and turn_of(execution) > self._bound

    def wants_refill(self) -> bool:
        return self.left > 0 and not self.refilling and len(self._waiting) <= self._window // 2

    def refill(self, read: list[Execution]) -> list[Execution]:
        """Take in the first of the line, as they were read; return those that were new here and still wait."""
        new = [e for e in read if e.id not in self._waiting and e.id not in self._gone_meanwhile]
        self.refilling = False
        self._gone_meanwhile.clear()
        self.left -= len(new)
        for execution in new:
            self._take(execution)
        return new

    def _take(self, execution: Execution) -> None:
        turn = self._waiting[execution.id] = turn_of(execution)
        self._bound = max(self._bound, turn)
