"""Pending work in the order in which it goes out, a window of it in memory and the rest in the database."""

import heapq

from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.model import Execution

Key = tuple[int, int, str]
"""Priority (9 first), then `ready_at`, then id."""
_SLACK = 1_000
"""Outdated keys that are borne before they are dropped."""


def key_of(execution: Execution) -> Key:
    return (-execution.priority, execution.ready_at, execution.id)


def must_stay(execution: Execution) -> bool:
    """Whether an execution is never left to the database: its turn, or its retry, is known in memory alone."""
    return execution.serial or execution.status is Status.RETRYING


class Queue:
    """The executions of one method of one handler that may go out.

    While more wait in the database than here (`behind`), everything there comes after `bound`; nothing that comes
    after it goes out from here before the rest has been read. So what is taken is always first in order.
    """

    def __init__(self, handler_id: str, method_name: str, window: int) -> None:
        self.handler_id = handler_id
        self.method_name = method_name
        self.total = 0
        self.behind = False
        self.refilling = False
        self._window = window
        self._bound: Key | None = None
        self._heap: list[Key] = []
        self._staying: set[str] = set()
        self._replaceable: set[str] = set()
        self._gone_meanwhile: set[str] = set()

    def push(self, execution: Execution) -> bool:
        """Take one in that is new here; return False where it is left to the database."""
        self.total += 1
        return self._keep(execution)

    def restore(self, execution: Execution) -> bool:
        """Take one in that is already counted in `total`; return False where it is left to the database."""
        return self._keep(execution)

    def has(self, execution_id: str) -> bool:
        return execution_id in self._replaceable or execution_id in self._staying

    def is_over(self) -> bool:
        return not (self.total or self.refilling)

    def leaves(self, execution: Execution) -> bool:
        """Whether a pending execution that is not here is left to the database."""
        return self.behind and (self._bound is None or key_of(execution) > self._bound)

    def head(self) -> Key | None:
        """Return the key of the next one, None where none may go out yet."""
        while self._heap and not self.has(self._heap[0][2]):
            heapq.heappop(self._heap)
        if not self._heap or (self.behind and self._bound is not None and self._heap[0] > self._bound):
            return None
        return self._heap[0]

    def remove(self, execution_id: str) -> None:
        """Forget one that waits no more, wherever it was."""
        self.total -= 1
        self._replaceable.discard(execution_id)
        self._staying.discard(execution_id)
        if self.refilling:
            self._gone_meanwhile.add(execution_id)
        self._tidy()

    def wants_refill(self) -> bool:
        return self.behind and not self.refilling and len(self._replaceable) <= self._window // 2

    def refill(self, read: list[Execution]) -> list[Execution]:
        """Take in what a refill has read, in order; return those that were new here and still pending."""
        new = [e for e in read if not self.has(e.id) and e.id not in self._gone_meanwhile]
        self.refilling = False
        self._gone_meanwhile.clear()
        self._bound = None
        for execution in new:
            self._keep(execution)
        self.see_how_far()
        return new

    def see_how_far(self) -> None:
        """Compare what is here, which is first in order, with what there is."""
        self.behind = self.total > len(self._replaceable) + len(self._staying)
        here = (key for key in self._heap if key[2] in self._replaceable)
        self._bound = max(here, default=None) if self.behind else None

    def shed(self) -> list[str]:
        """Leave the last of an overfull window to the database; return their ids."""
        if len(self._replaceable) <= 2 * self._window:
            return []
        ordered = sorted(key for key in self._heap if key[2] in self._replaceable)
        shed = {key[2] for key in ordered[self._window :]}
        self._heap = [key for key in self._heap if self.has(key[2]) and key[2] not in shed]
        heapq.heapify(self._heap)
        self._replaceable -= shed
        self.behind, self._bound = True, ordered[self._window - 1]
        return list(shed)

    def _tidy(self) -> None:
        """Drop the keys of those that are gone, where they are many and lie behind one that stays at the head."""
        if len(self._heap) > 2 * (len(self._replaceable) + len(self._staying)) + _SLACK:
            self._heap = [key for key in self._heap if self.has(key[2])]
            heapq.heapify(self._heap)

    def _keep(self, execution: Execution) -> bool:
        key = key_of(execution)
        if must_stay(execution):
            self._staying.add(execution.id)
        elif self.behind and self._bound is not None and key > self._bound:
            return False
        else:
            self._replaceable.add(execution.id)
        heapq.heappush(self._heap, key)
        return True
