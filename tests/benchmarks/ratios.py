"""`python -m tests.benchmarks.ratios`: the short form, of ratios alone, which mean something on a busy machine too.

Runs a second by the batch call, before and after Huey on SQLite, in the same minute.
"""

import signal
import statistics
import sys
import tempfile
from pathlib import Path

from .contestants import ENTRIES, HUEY_ON_SQLITE, OURS
from .figures.batch import seconds_of

LEAST = 3.0
"""How many times as fast we are to be."""
_RUNS = {OURS: 3_000, HUEY_ON_SQLITE: 300}
_MOST_SECONDS = 88


def main() -> int:
    """Measure; return 1 where we are not fast enough, 2 where it cannot be measured."""
    lacking = ENTRIES[HUEY_ON_SQLITE].lacks()
    if lacking is not None:
        sys.stderr.write(f"ratios: Huey on SQLite lacks {lacking}; run uv sync\n")
        return 2
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(_MOST_SECONDS)
    before, theirs, after = _rate(OURS), _rate(HUEY_ON_SQLITE), _rate(OURS)
    ratio = statistics.mean((before, after)) / theirs
    shown = f"{before:,.0f} and {after:,.0f} to {theirs:,.0f}"
    sys.stdout.write(f"runs/s against Huey on SQLite: {ratio:.1f} times, at least {LEAST:g} ({shown})\n")
    return 0 if ratio >= LEAST else 1


def _rate(name: str) -> float:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory, ENTRIES[name].open(Path(directory)) as system:
        return _RUNS[name] / seconds_of(system, _RUNS[name])


def _give_up(*_: object) -> None:
    raise TimeoutError(f"the ratios were not measured in {_MOST_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
