"""Execution ids: UUIDv7, which sort by the time of their making, strictly within one process."""

import uuid
from random import Random

_RANDOM_BITS = 62


class IdSource:
    """Makes UUIDs of version 7 (RFC 9562, method 3: sub-millisecond time in `rand_a`, never going back).

    Args:
        random: fills the bits that are not time.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._last = 0

    def next(self, now: int) -> str:
        """Return a new id for `now`, microseconds since the epoch; later calls give greater ids whatever `now` is."""
        ticks = max((now // 1000) << 12 | (now % 1000) << 2, self._last + 1)
        self._last = ticks
        milliseconds, fraction = ticks >> 12, ticks & 0xFFF
        value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | self._random.getrandbits(_RANDOM_BITS)
        return str(uuid.UUID(int=value))
