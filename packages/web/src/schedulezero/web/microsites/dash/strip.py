"""The newest executions as a strip of bars, the newest at the right: how each ended, and how long it took."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from schedulezero.protocol.states import Status
from schedulezero.protocol.values import ExecutionRecord
from schedulezero.web.microsites.wording import duration

HEIGHT = 56
PITCH = 12
"""Pixels: of the strip, and from bar to bar."""

_LEAST, _MOST = 8, 44
_LONGEST_MS = 60_000
_FAILED = (Status.ERROR, Status.TIMEOUT)
_TOLD = {Status.SUCCESS: "succeeded", Status.ERROR: "failed", Status.TIMEOUT: "timed out"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One execution.

    Attributes:
        x: where it begins, in pixels from the right end; negative.
        height: in pixels; the longer it took the higher, each ten times as long a step.
        status: how it stands.
        failed: whether it is marked as one that failed, by more than its colour.
        title: what it is, in words.
    """

    x: int
    height: int
    status: str
    failed: bool
    title: str

    @property
    def y(self) -> int:
        """Where it begins, in pixels from the top."""
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The bars, and the same in words."""

    bars: Sequence[Bar]
    words: str

    @classmethod
    def of(cls, newest: Sequence[ExecutionRecord]) -> Self:
        """Draw executions, newest first."""
        counts = Counter(record.status for record in newest)
        told = ", ".join(f"{count} {_TOLD.get(status, status)}" for status, count in counts.most_common())
        bars = [_bar(record, index) for index, record in enumerate(newest)]
        return cls(bars=bars, words=f"The newest {len(bars)}: {told}")


def _bar(record: ExecutionRecord, index: int) -> Bar:
    took = f", {duration(record.duration_ms)}" if record.duration_ms is not None else ""
    return Bar(
        x=-PITCH * (index + 1),
        height=_height(record.duration_ms),
        status=str(record.status),
        failed=record.status in _FAILED,
        title=f"{record.method_name}: {record.status}{took}",
    )


def _height(milliseconds: float | None) -> int:
    if milliseconds is None:
        return _LEAST
    part = math.log10(1 + max(0.0, milliseconds)) / math.log10(1 + _LONGEST_MS)
    return _LEAST + round((_MOST - _LEAST) * min(1.0, part))
