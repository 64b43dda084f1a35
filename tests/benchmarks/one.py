"""`python -m tests.benchmarks.one FIGURE CONTESTANT DIRECTORY SHARED [--prepare]`: one run, as JSON in one line."""

import json
import os
import signal
import sys
from pathlib import Path

from .figures import FIGURES

SHARED = "BENCHMARK_SHARED"
"""The variable that names the directory of what was prepared."""


def main(arguments: list[str]) -> None:
    name, contestant, directory, shared, *options = arguments
    # What a run has started, it ends when it is given up, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ[SHARED] = shared
    figure = FIGURES[name]
    if "--prepare" in options:
        assert figure.prepare is not None
        figure.prepare(Path(shared))
        measured: dict[str, float] = {}
    else:
        measured = figure.measure(contestant, Path(directory) / "run")
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
