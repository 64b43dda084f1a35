"""`python -m tests.benchmarks [FIGURE …]`: measure figures, or all, and write them down; see `make bench`."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .contestants import ENTRIES, missing, refusal
from .figures import FIGURES
from .figures.figure import Figure
from .machine import describe
from .results import LATEST, entry_of, keep
from .runs import RunFailedError, run
from .table import lines_of

_ROUNDS = 5


def main(arguments: list[str]) -> int:
    """Measure what is asked for; return 1 where peers or runs are missing, 0 where all was measured."""
    asked = _parser().parse_args(arguments)
    if (reason := refusal()) is not None and not asked.without_peers:
        sys.stderr.write(f"benchmarks: there is nothing to compare with. {reason}\n")
        return 1
    complete = True
    for name in asked.figures or FIGURES:
        figure = FIGURES[name]
        chosen = tuple(one for one in figure.contestants if asked.only is None or one in asked.only.split(","))
        complete &= _measure(figure, chosen, asked.rounds, asked.results)
    return 0 if complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Measure ScheduleZero and its peers."
    )
    parser.add_argument("figures", nargs="*", metavar="FIGURE", type=_figure, help=", ".join(FIGURES))
    parser.add_argument("--rounds", type=int, default=_ROUNDS, metavar="N", help=f"runs of each (default {_ROUNDS})")
    parser.add_argument("--only", metavar="NAME,…", help=f"of {', '.join(ENTRIES)}")
    parser.add_argument("--results", type=Path, default=LATEST, metavar="FILE", help=f"default {LATEST.name}")
    parser.add_argument("--without-peers", action="store_true", help="do not insist that they are there")
    return parser


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise argparse.ArgumentTypeError(f"there is no figure {name}; choose from {', '.join(FIGURES)}")
    return name


def _measure(figure: Figure, contestants: tuple[str, ...], rounds: int, results: Path) -> bool:
    """Measure one figure, the contestants in turn; return whether every one was measured that can be."""
    _say(f"\n{figure.title}\n")
    lacking = missing()
    failed = {name: f"it lacks {lacking[name]}" for name in contestants if name in lacking}
    readings: dict[str, list[dict[str, float]]] = {name: [] for name in contestants if name not in failed}
    with tempfile.TemporaryDirectory(prefix="benchmark-shared-") as shared:
        machine = describe(Path(shared))
        complete = _prepare(figure, Path(shared))
        for number in range(1, rounds + 1) if complete else ():
            for name in readings:
                if name in failed:
                    continue
                try:
                    readings[name].append(_run(figure, name, Path(shared), f"{number}/{rounds}"))
                except RunFailedError as error:
                    # Its last line says what; what stands before it names places of this machine.
                    failed[name], complete = str(error).strip().splitlines()[-1], False
                    _say(f"    failed: {error}\n")
    entry = entry_of(machine, readings, failed)
    keep(results, figure.name, entry)
    _say("\n" + "\n".join(lines_of(figure, entry)) + "\n")
    return complete


def _prepare(figure: Figure, shared: Path) -> bool:
    if figure.prepare is None:
        return True
    _say("  preparing …")
    try:
        run(figure.name, "-", shared, seconds=figure.prepare_seconds, prepare=True)
    except RunFailedError as error:
        _say(f" failed: {error}\n")
        return False
    _say(" done\n")
    return True


def _run(figure: Figure, name: str, shared: Path, which: str) -> dict[str, float]:
    _say(f"  {which} {name} …")
    began = time.monotonic()
    measured = run(figure.name, name, shared, seconds=figure.seconds)
    shown = ", ".join(f"{key} {value:g}" for key, value in measured.items())
    _say(f" {shown} ({time.monotonic() - began:.0f} s)\n")
    return measured


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
