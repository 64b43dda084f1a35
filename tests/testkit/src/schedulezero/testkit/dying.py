"""A scheduler that is killed when it commits its first idempotency key: `python -m schedulezero.testkit.dying SIDE`."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Literal, get_args
from unittest.mock import patch

from schedulezero.scheduler.core.model import Change, RememberKey
from schedulezero.scheduler.store.errors import DataRefused
from schedulezero.scheduler.store.writes import Writer
from schedulezero.standalone.commands import run

Side = Literal["before", "after"]
"""On which side of the commit."""

SIDES: tuple[Side, ...] = get_args(Side)

_commit = Writer.commit


def main() -> int:
    """Be the scheduler, until then."""
    side = sys.argv[1]

    def commit(writer: Writer, groups: Sequence[Sequence[Change]]) -> list[DataRefused | None]:
        if not any(isinstance(change, RememberKey) for group in groups for change in group):
            return _commit(writer, groups)
        if side == "after":
            _commit(writer, groups)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("the dead go on")

    with patch.object(Writer, "commit", commit):
        return run(["scheduler"])


if __name__ == "__main__":
    sys.exit(main())
