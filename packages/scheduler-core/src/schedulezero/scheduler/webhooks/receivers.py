"""Who is owed notifications and may be visited now: a receiver that is slow or away takes no turn from the others."""

from collections.abc import Iterator

from schedulezero.protocol.frozen import Frozen
from schedulezero.runtime.service import Backoff
from schedulezero.scheduler.core.model import SECOND


class Bounds(Frozen):
    """How much goes on at a time, and how long those that fail are left alone.

    Attributes:
        visits: at the same time, one to a receiver.
        troubled_visits: of these, to receivers that failed or were slow the last time.
        known: how many receivers are held in memory.
        rest: between the visits to a receiver that fails.
    """

    visits: int = 4
    troubled_visits: int = 2
    known: int = 10_000
    rest: Backoff = Backoff(first=1.0, most=300.0)


class _Receiver:
    """`due` is when its next notification is; `owed_since` whether one more came while it was visited."""

    def __init__(self, due: int) -> None:
        self.due = due
        self.rests_until = 0
        self.failures = 0
        self.slow = False
        self.visited = False
        self.owed_since = False

    @property
    def troubled(self) -> bool:
        return self.slow or self.failures > 0

    @property
    def ready_at(self) -> int:
        return max(self.due, self.rests_until)


class Receivers:
    """The receivers in the order of their turns: who was visited goes to the end. Times are microseconds."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._turns: dict[str, _Receiver] = {}

    def owe(self, name: str, now: int) -> bool:
        """Note that something is due to a receiver; return whether there was room to."""
        receiver = self._turns.get(name)
        if receiver is None:
            if len(self._turns) >= self._bounds.known:
                return False
            self._turns[name] = _Receiver(now)
        else:
            receiver.due = min(receiver.due, now)
            receiver.owed_since = receiver.visited
        return True

    def set_out(self, now: int) -> str | None:
        """Choose the next to visit, if one may be visited now; tell :meth:`came_back` when that is done."""
        name = next((name for name, one in self._admitted() if one.ready_at <= now), None)
        if name is not None:
            receiver = self._turns[name] = self._turns.pop(name)
            receiver.visited, receiver.owed_since = True, False
        return name

    def came_back(
        self, name: str, now: int, *, due: int | None, failed: bool, slow: bool, asked_seconds: float
    ) -> bool:
        """End a visit.

        Args:
            name: the receiver.
            now: the present.
            due: when the next notification to it is; None where nothing is owed to it any more.
            failed: whether it is to be left alone, the longer the more often.
            slow: whether it kept us waiting.
            asked_seconds: how long it asked to be left alone, when it failed.

        Returns:
            Whether it is forgotten, so that there is room for another.
        """
        receiver = self._turns[name]
        if receiver.owed_since:
            due = now
        if due is None:
            del self._turns[name]
            return True
        receiver.visited, receiver.due, receiver.slow = False, due, slow
        receiver.failures = receiver.failures + 1 if failed else 0
        rest = max(self._bounds.rest.seconds(receiver.failures), asked_seconds) if failed else 0.0
        receiver.rests_until = now + round(rest * SECOND)
        return False

    def next_departure(self) -> int | None:
        """Return when :meth:`set_out` has something to choose; None where time alone does not bring that about."""
        return min((one.ready_at for _, one in self._admitted()), default=None)

    def _admitted(self) -> Iterator[tuple[str, _Receiver]]:
        """Yield those that there is room to visit, be it time or not, in turn."""
        under_way = [one for one in self._turns.values() if one.visited]
        if len(under_way) >= self._bounds.visits:
            return
        full = sum(one.troubled for one in under_way) >= self._bounds.troubled_visits
        yield from ((name, one) for name, one in self._turns.items() if not one.visited and not (full and one.troubled))
