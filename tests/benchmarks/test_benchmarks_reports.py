"""What is written of measurements: verdicts, the page and its plots, and what is refused to be measured alone."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from schedulezero.testkit.waiting import eventually

from . import contestants, runs
from .contestants import ENTRIES, HUEY_ON_SQLITE, OURS, refusal
from .figures import FIGURES
from .figures.figure import Measure
from .numbers import percentile, spread
from .page import PAGE, PLOTS, page, plots
from .results import LATEST, entry_of, keep, load
from .runs import RunFailedError
from .table import lines_of, verdict

RATE = Measure(name="rate", title="rate", unit="runs/s", reach=5_000, aim=10_000, more_is_better=True, digits=0)
DELAY = Measure(name="delay", title="delay", unit="ms", reach=50, aim=15)


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        (RATE, 12_000, "aim reached"),
        (RATE, 5_000, "reached"),
        (RATE, 2_500, "**missed**, 2.0 times"),
        (DELAY, 15, "aim reached"),
        (DELAY, 20, "reached"),
        (DELAY, 75, "**missed**, 1.5 times"),
    ],
)
def test_a_goal_is_reached_or_missed_by_so_much(measure: Measure, value: float, said: str) -> None:
    assert verdict(measure, {measure.name: spread([value])}) == said


def test_the_page_and_its_plots_are_as_the_results_say() -> None:
    results = load(LATEST)

    assert page(PAGE.read_text(), results) == PAGE.read_text()
    assert {file.stem: file.read_text() for file in PLOTS.glob("*.svg")} == dict(plots(results))


def test_the_page_has_a_place_for_every_figure() -> None:
    text = PAGE.read_text()

    for name in ("machine", "goals", *FIGURES):
        assert text.count(f"<!-- {name} -->") == text.count(f"<!-- end of {name} -->") == 1, name


def test_every_plot_is_xml_and_shows_ours() -> None:
    for name, drawn in plots(load(LATEST)):
        root = ElementTree.fromstring(drawn)
        bars = root.findall("{http://www.w3.org/2000/svg}rect")
        assert any(bar.get("fill") == "#6366f1" for bar in bars), name


def test_a_table_shows_the_runs_spread_and_who_could_not_be_measured() -> None:
    readings = {OURS: [{"runs_per_second": rate} for rate in (5_000, 7_000, 6_000)], HUEY_ON_SQLITE: []}
    entry = entry_of({}, readings, {HUEY_ON_SQLITE: "it lacks the Python packages huey"})

    lines = list(lines_of(FIGURES["batch"], entry))

    assert "| ScheduleZero, SQLite | 6,000 (5,000 to 7,000) |" in lines
    assert "| Huey, SQLite | not measured: it lacks the Python packages huey |" in lines


def test_a_figure_that_is_measured_again_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    keep(file, "batch", {"n": 1})
    keep(file, "idle", {"n": 1})
    keep(file, "batch", {"n": 2})

    assert load(file) == {"batch": {"n": 2}, "idle": {"n": 1}}


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets this machine lack some contestants."""

    def lack(*names: str) -> None:
        monkeypatch.setattr(contestants, "missing", lambda: dict.fromkeys(names, "a part of it"))

    return lack


def test_there_is_nothing_to_measure_without_huey_on_sqlite(lacking: Callable[..., None]) -> None:
    lacking(HUEY_ON_SQLITE)
    assert str(refusal()).startswith("Huey on SQLite is missing")


def test_there_is_nothing_to_measure_without_any_peer_on_redis(lacking: Callable[..., None]) -> None:
    on_redis = [name for name, entry in ENTRIES.items() if entry.redis]
    lacking(*on_redis)
    assert str(refusal()).startswith("every peer on Redis is missing")

    lacking(*on_redis[1:])
    assert refusal() is None


def test_a_run_that_takes_too_long_is_given_up_with_all_that_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "pid"
    stuck = (
        "import os, pathlib, subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; "
        f"time.sleep(600)']); pathlib.Path({str(told)!r}).write_text(str(child.pid)); time.sleep(600)"
    )
    monkeypatch.setattr(runs, "_command", lambda *_: [sys.executable, "-c", stuck])

    with pytest.raises(RunFailedError, match="given up"):
        runs.run("batch", OURS, tmp_path, seconds=5)

    eventually(lambda: not _runs(int(told.read_text())), what="the end of what it had started")


def _runs(pid: int) -> bool:
    """Whether a process goes on; one that has ended may wait for its parent to take note."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_run_says_what_it_has_measured_in_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: dict[str, Any] = {"rate": 1.5}
    say = f"print('something else'); print({json.dumps(json.dumps(measured))})"
    monkeypatch.setattr(runs, "_command", lambda *_: [sys.executable, "-c", say])

    assert runs.run("batch", OURS, tmp_path, seconds=30) == measured


def test_percentiles_are_samples() -> None:
    assert [percentile(range(1, 101), share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]
