"""Results as text: a table for each figure, with what was to be reached."""

from collections.abc import Iterator, Mapping
from typing import Any

from .contestants import ENTRIES, OURS
from .figures import FIGURES
from .figures.figure import Figure, Measure

_Summary = Mapping[str, Any]


def lines_of(figure: Figure, entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a figure's table, in Markdown."""
    if len(figure.contestants) == 1:
        yield from _upright(figure, entry["contestants"].get(OURS, {}))
        return
    yield "| | " + " | ".join(_headline(measure) for measure in figure.measures) + " |"
    yield "|---|" + "---:|" * len(figure.measures)
    for name, measured in entry["contestants"].items():
        cells = (_cell(measure, measured.get(measure.name)) for measure in figure.measures)
        yield f"| {ENTRIES[name].title} | " + " | ".join(cells) + " |"
    for name, reason in entry["failed"].items():
        yield f"| {ENTRIES[name].title} | not measured: {reason.splitlines()[-1]} |" + " |" * (len(figure.measures) - 1)
    if any(measure.reach is not None for measure in figure.measures):
        yield "| *to reach* | " + " | ".join(_number(measure, measure.reach) for measure in figure.measures) + " |"
        yield "| *aim* | " + " | ".join(_number(measure, measure.aim) for measure in figure.measures) + " |"
        verdicts = (verdict(measure, entry["contestants"].get(OURS, {})) for measure in figure.measures)
        yield "| *so* | " + " | ".join(verdicts) + " |"


def _upright(figure: Figure, ours: _Summary) -> Iterator[str]:
    """Yield a line for each measure, where there is nobody to compare with."""
    yield "| | measured | to reach | aim | |"
    yield "|---|---:|---:|---:|---|"
    for measure in figure.measures:
        measured = _cell(measure, ours.get(measure.name)) or "not measured"
        wanted = f"{_number(measure, measure.reach)} | {_number(measure, measure.aim)}"
        yield f"| {_headline(measure)} | {measured} | {wanted} | {verdict(measure, ours)} |"


def goals(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the table of all goals."""
    yield "| figure | reached | to reach | aim | |"
    yield "|---|---:|---:|---:|---|"
    for name, figure in FIGURES.items():
        ours = results.get(name, {}).get("contestants", {}).get(OURS, {})
        for measure in figure.measures:
            if measure.reach is not None:
                reached = _cell(measure, ours.get(measure.name)) or "not measured"
                wanted = f"{_number(measure, measure.reach)} | {_number(measure, measure.aim)}"
                yield f"| {figure.title}: {_headline(measure)} | {reached} | {wanted} | {verdict(measure, ours)} |"


def verdict(measure: Measure, ours: _Summary) -> str:
    """Say whether a goal is reached, or by how much it is missed."""
    if measure.reach is None or measure.name not in ours:
        return ""
    median = ours[measure.name]["median"]
    if _reaches(measure, median, measure.aim):
        return "aim reached"
    if _reaches(measure, median, measure.reach):
        return "reached"
    factor = measure.reach / median if measure.more_is_better else median / measure.reach if measure.reach else median
    return f"**missed**, {factor:.1f} times" if measure.reach else "**missed**"


def _reaches(measure: Measure, value: float, goal: float | None) -> bool:
    if goal is None:
        return False
    return value >= goal if measure.more_is_better else value <= goal


def _headline(measure: Measure) -> str:
    return f"{measure.title}, {measure.unit}" if measure.unit else measure.title


def _cell(measure: Measure, summary: _Summary | None) -> str:
    if summary is None:
        return ""
    median = _number(measure, summary["median"])
    if summary["runs"] == 1:
        return median
    return f"{median} ({_number(measure, summary['min'])} to {_number(measure, summary['max'])})"


def _number(measure: Measure, value: float | None) -> str:
    return "" if value is None else f"{value:,.{measure.digits}f}"
