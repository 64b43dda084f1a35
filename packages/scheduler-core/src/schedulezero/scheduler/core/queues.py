"""Pending work in the order in which it goes out, a window of it in memory and the rest in the database."""

import heapq

from schedulezero.scheduler.core.model import Execution

Key = tuple[int, int, str]
"""Priority (9 first), then `ready_at`, then id."""


def key_of(execution: Execution) -> Key:
    return (-execution.priority, execution.ready_at, execution.id)


class Queue:
    """The pending executions of one method of one handler.

    While more wait in the database than here (`behind`), everything here comes before `bound` and everything
    there after it, so what is taken is always first in order.
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
        self._here: set[str] = set()
        self._gone_meanwhile: set[str] = set()

    def push(self, execution: Execution) -> bool:
        """Take a pending execution in; return False where it is left to the database."""
        self.total += 1
        return self._keep(key_of(execution))

    def restore(self, execution: Execution) -> bool:
        """Take in one that is already counted in `total`."""
        return self._keep(key_of(execution))

    def has(self, execution_id: str) -> bool:
        return execution_id in self._here

    def head(self) -> Key | None:
        """Return the key of the next one, None where none is here."""
        while self._heap and self._heap[0][2] not in self._here:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def remove(self, execution_id: str) -> None:
        """Forget one that is no longer pending, wherever it was."""
        self.total -= 1
        self._here.discard(execution_id)
        if self.refilling:
            self._gone_meanwhile.add(execution_id)

    def wants_refill(self) -> bool:
        return self.behind and not self.refilling and len(self._here) <= self._window // 2

    def refill(self, read: list[Execution]) -> list[Execution]:
        """Take in what a refill has read, in order; return those that were new here and still pending."""
        new = [e for e in read if e.id not in self._here and e.id not in self._gone_meanwhile]
        self.refilling = False
        self._gone_meanwhile.clear()
        self._bound = None
        for execution in new:
            self._keep(key_of(execution))
        self.behind = self.total > len(self._here)
        self._bound = key_of(read[-1]) if self.behind and read else None
        return new

    def shed(self) -> list[str]:
        """Leave the last of an overfull window to the database; return their ids."""
        if len(self._here) <= 2 * self._window:
            return []
        ordered = sorted(key for key in self._heap if key[2] in self._here)
        kept, shed = ordered[: self._window], ordered[self._window :]
        self._heap, self._here = kept, {key[2] for key in kept}
        self.behind, self._bound = True, kept[-1]
        return [key[2] for key in shed]

    def _keep(self, key: Key) -> bool:
        if self.behind and self._bound is not None and key > self._bound:
            return False
        self._here.add(key[2])
        heapq.heappush(self._heap, key)
        return True
