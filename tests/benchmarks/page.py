"""`python -m tests.benchmarks.page`: the tables and plots of the page on performance, from the last results.

What stands between `<!-- NAME -->` and `<!-- end of NAME -->` is written anew: `machine`, and each figure by its name.
The prose around it is written by hand.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from .contestants import ENTRIES, OURS
from .figures import FIGURES
from .figures.figure import Figure, Measure
from .figures.stages import STAGES
from .machine import ROOT
from .plots import Bar, bars
from .results import LATEST, load
from .table import goals, lines_of

PAGE = ROOT / "docs_site" / "concepts" / "performance.md"
PLOTS = PAGE.parent / "performance"
_PLOTTED = {"batch": "runs_per_second", "idle": "start_p50", "one_shots": "late_p50"}
_NONE_YET = "Not measured yet."


def main() -> None:
    results = load(LATEST)
    PAGE.write_text(page(PAGE.read_text(), results))
    PLOTS.mkdir(exist_ok=True)
    for name, drawn in plots(results):
        (PLOTS / f"{name}.svg").write_text(drawn)
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} and {len(list(PLOTS.iterdir()))} plots are as in {LATEST.name}\n")


def page(text: str, results: Mapping[str, Any]) -> str:
    """Return the page with its tables from `results`."""
    for name, lines in _parts(results):
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)",
            lambda found, lines=lines: f"{found[1]}\n{'\n'.join(lines)}\n\n{found[2]}",
            text,
            flags=re.DOTALL,
        )
    return text


def plots(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and the SVG of each plot that there are results for."""
    for name, measure_name in _PLOTTED.items():
        if name in results:
            figure = FIGURES[name]
            [measure] = (one for one in figure.measures if one.name == measure_name)
            yield name, _compared(figure, measure, results[name]["contestants"])
    if "stages" in results:
        yield "stages", _stages(results["stages"]["contestants"][OURS])


def _parts(results: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    yield "machine", list(_machine(results))
    yield "goals", list(goals(results))
    for name, figure in FIGURES.items():
        yield name, list(lines_of(figure, results[name])) if name in results else [_NONE_YET]


def _machine(results: Mapping[str, Any]) -> Iterator[str]:
    for machine in {entry["machine"]["commit"]: entry["machine"] for entry in results.values()}.values():
        yield (
            f"- {machine['date'][:10]}, commit `{machine['commit']}`: {machine['processor']}, "
            f"{machine['cores']} cores, {machine['memory_gib']:g} GiB; {machine['system']}; Python "
            f"{machine['python']}, SQLite {machine['sqlite']}. The disk makes 4 KiB durable in "
            f"{machine['flush_ms']:g} ms; load before the first run {machine['load_before']:g}."
        )


def _compared(figure: Figure, measure: Measure, contestants: Mapping[str, Any]) -> str:
    found = [
        _bar(ENTRIES[name].title, measured[measure.name], is_ours=name == OURS)
        for name, measured in contestants.items()
        if measure.name in measured
    ]
    found.sort(key=lambda bar: bar.median, reverse=measure.more_is_better)
    return bars(f"{figure.title}: {measure.title}", measure.unit, found, measure.reach)


def _stages(measured: Mapping[str, Any]) -> str:
    found = [_bar(title, measured[name], is_ours=True) for name, title in STAGES.items() if name in measured]
    return bars("Processor time of a run in a batch", "µs", sorted(found, key=lambda bar: -bar.median))


def _bar(label: str, summary: Mapping[str, Any], *, is_ours: bool) -> Bar:
    return Bar(label, summary["min"], summary["median"], summary["max"], is_ours)


if __name__ == "__main__":
    main()
