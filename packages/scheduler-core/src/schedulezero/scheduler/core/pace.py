"""How much work an instance is given ahead: runs that wait there for a slot, so that none waits for a commit between.

Only work that loses nothing by it: the instance ends what is ahead within moments, judged by how long its runs took.
"""

from schedulezero.scheduler.core.model import SECOND, Execution

MOST_AHEAD = 1024
"""Runs. As many as the SDK queues beyond its capacity."""
_MOMENTS = SECOND // 50
_FADING = 10
"""Of a run that took less than those before, a tenth of the difference is believed."""
_FIRST = 32
"""Nothing before so many runs of this boot have ended: what kills a process again and again meets few others there."""
_TRUST = 8
"""As many times what has ended may be lost with the boot."""


class Pace:
    """What the ends of one boot's runs tell of the next."""

    def __init__(self) -> None:
        self._ended = 0
        self._took = 0

    def ended(self, took: int) -> None:
        """Take in how long a run took, in microseconds. A long one is believed at once, short ones by and by."""
        self._ended += 1
        self._took = max(took, self._took - (self._took - took) // _FADING)

    def ahead(self, capacity: int) -> int:
        """Return how many runs an instance of this capacity may be given beyond it."""
        if self._ended < _FIRST:
            return 0
        return min(MOST_AHEAD, _TRUST * self._ended, capacity * _MOMENTS // max(self._took, 1))


def may_wait_there(execution: Execution) -> bool:
    """Whether an execution may wait for a slot at an instance: its time does not run out there, nor its attempts."""
    return execution.timeout_seconds is None and execution.retry.on_lost and execution.retry.max_attempts > 1
