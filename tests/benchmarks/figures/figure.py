"""What a figure is: what one run of it measures of one contestant, and what it ought to be."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of a figure.

    Args:
        name: what a run calls it.
        title: what readers are told it is.
        unit: of it.
        reach: what ScheduleZero is to reach, if there is such a goal.
        aim: what it aims at.
        more_is_better: whether a greater number is a better one.
        digits: after the point, where it is shown.
    """

    name: str
    title: str
    unit: str
    reach: float | None = None
    aim: float | None = None
    more_is_better: bool = False
    digits: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure, and how one run of it is made.

    Args:
        name: what it is chosen by.
        title: what readers are told it is.
        contestants: who is measured, ScheduleZero first.
        measures: what a run returns, and more that is kept beside it.
        measure: makes one run: the name of the contestant and a directory of the run's own.
        prepare: makes once, in a directory that all runs share, what is too long to make for each.
        seconds: after which a run is given up.
        prepare_seconds: the same of the preparation.
    """

    name: str
    title: str
    contestants: tuple[str, ...]
    measures: tuple[Measure, ...]
    measure: Callable[[str, Path], dict[str, float]]
    prepare: Callable[[Path], None] | None = None
    seconds: float = 90.0
    prepare_seconds: float = 600.0
