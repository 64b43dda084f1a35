"""Virtual time: what is to happen, in order. Nothing here waits."""

import heapq
from collections.abc import Callable

from ..model.rules import Rule, Violation

SECOND = 1_000_000
_AT_ONCE = 100_000


class Agenda:
    """Happenings by the microsecond at which they are due; of equals, the first that was entered goes first."""

    def __init__(self) -> None:
        self.now = 0
        """Microseconds since the beginning of the world."""
        self._entered = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, when: int, happening: Callable[[], None]) -> None:
        self._entered += 1
        heapq.heappush(self._heap, (max(when, self.now), self._entered, happening))

    def after(self, delay: int, happening: Callable[[], None]) -> None:
        self.at(self.now + delay, happening)

    def run_until(self, when: int) -> None:
        """Let everything happen that is due by `when`, and let that be the present.

        Raises:
            Violation: one instant does not come to its end, since each happening brings another.
        """
        at_once = 0
        while self._heap and self._heap[0][0] <= when:
            due, _, happening = heapq.heappop(self._heap)
            at_once = at_once + 1 if due == self.now else 0
            if at_once > _AT_ONCE:
                raise Violation(Rule.SETTLES, f"after {_AT_ONCE} happenings it is still {self.now}: {happening}")
            self.now = due
            happening()
        self.now = when
