"""The file of results: JSON, one entry a figure, each with the machine, the commit and the date that it is of."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .numbers import spread

LATEST = Path(__file__).parent / "results" / "latest.json"


def load(file: Path) -> dict[str, Any]:
    """Return what is there, by figure; nothing where there is no file."""
    return dict(json.loads(file.read_text())["figures"]) if file.exists() else {}


def keep(file: Path, name: str, entry: Mapping[str, Any]) -> None:
    """Put the entry of one figure in the place of its last one."""
    figures = {**load(file), name: entry}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"figures": figures}, indent=1, allow_nan=False) + "\n")


def entry_of(
    machine: Mapping[str, Any], runs: Mapping[str, Sequence[Mapping[str, float]]], failed: Mapping[str, str]
) -> dict[str, Any]:
    """Return the entry of a figure.

    Args:
        machine: where it was measured.
        runs: what each run has returned, by contestant.
        failed: what went wrong, by contestant.
    """
    measured = {name: _summary(of_one) for name, of_one in runs.items() if of_one}
    return {"machine": dict(machine), "contestants": measured, "failed": dict(failed)}


def _summary(runs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: spread([run[name] for run in runs if name in run]) for name in names}
