"""What is due at an instant, in the order of its instants."""

import heapq
from collections.abc import Callable, Iterator


class Timeline[T]:
    """Things that are due at an instant. What is no longer true of them is the taker's to see."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._count = 0

    def add(self, at: int, thing: T) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, thing))

    def next(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def prune(self, most: int, is_live: Callable[[T], bool]) -> None:
        """Drop what is no longer true, where more than `most` things are here."""
        if len(self._heap) > most:
            self._heap = [entry for entry in self._heap if is_live(entry[2])]
            heapq.heapify(self._heap)

    def shift(self, by: int) -> None:
        """Let everything be due later by this much; negative: earlier."""
        self._heap = [(at + by, number, thing) for at, number, thing in self._heap]

    def take_due(self, now: int) -> Iterator[T]:
        """Yield and forget what is due, earliest first; what is added meanwhile for `now` or earlier comes too."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]
