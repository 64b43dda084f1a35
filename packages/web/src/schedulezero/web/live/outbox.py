"""What waits to be sent to one client: bounded, and honest about what had to be left out."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from schedulezero.web.live.messages import LiveGap

MAX_BYTES = 8 * 1024 * 1024
"""How much may wait for one client."""

_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events of a family, both ends included, that a client did not get; 0 where it cannot be known which."""

    family: str
    first: int
    last: int

    def joined(self, later: "Gap") -> "Gap":
        """Return the gap that this and a later one make; of different lives of the publisher no numbers are left."""
        known = self.first and later.first
        return Gap(family=self.family, first=self.first if known else 0, last=later.last if known else 0)

    def encoded(self) -> bytes:
        """Return the message that tells it."""
        return msgspec.json.encode(LiveGap(family=self.family, from_=self.first, to=self.last))


class Outbox:
    """Messages in their order. Once it is full, all is left out until it has been emptied; then the gaps are told.

    Args:
        max_bytes: how much it holds; a first message is always taken.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._left_out: dict[str, Gap] = {}

    def put(self, message: bytes, *, family: str, seq: int) -> None:
        """Add an event, or leave it out."""
        if self._is_closed_to(message):
            self._leave_out(Gap(family=family, first=seq, last=seq))
        else:
            self._add(message)

    def put_gap(self, gap: Gap) -> None:
        """Tell what the gateway itself has missed."""
        if self._left_out:
            self._leave_out(gap)
        else:
            self._add(gap.encoded())

    def chunks(self) -> Iterator[list[bytes]]:
        """Take out what waits, and what comes while it is sent, in parts of about 256 KiB."""
        while self._waiting or self._left_out:
            if not self._waiting:
                self._tell_gaps()
            yield list(self._chunk())

    def _is_closed_to(self, message: bytes) -> bool:
        return bool(self._left_out) or (bool(self._waiting) and self._size + len(message) > self._max_bytes)

    def _leave_out(self, gap: Gap) -> None:
        earlier = self._left_out.get(gap.family)
        self._left_out[gap.family] = gap if earlier is None else earlier.joined(gap)

    def _tell_gaps(self) -> None:
        gaps, self._left_out = self._left_out, {}
        for gap in gaps.values():
            self._add(gap.encoded())

    def _add(self, message: bytes) -> None:
        self._waiting.append(message)
        self._size += len(message)

    def _chunk(self) -> Iterator[bytes]:
        size = 0
        while self._waiting and size < _CHUNK_BYTES:
            message = self._waiting.popleft()
            self._size -= len(message)
            size += len(message)
            yield message
