"""Crash points: every commit of many histories meets every fate, one at a time, and the rules hold."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import pytest

from schedulezero.testkit.figures import Figure

from .bench.fates import Fate
from .bench.history import History
from .bench.scheduler import Boundary, Fed
from .bench.survey import WANTED, Combination, Survey
from .model.seeds import seeds

HISTORIES = 14
MORE_HISTORIES = 40
_CANDIDATES = 80


class Outline(NamedTuple):
    """A history in which all commits go well: how many there are, and what is in them."""

    commits: int
    met: set[str]
    combinations: set[Combination]


@cache
def outline_of(seed: int) -> Outline:
    survey = Survey()
    return Outline(play(seed, None, survey), survey.met(None), survey.combinations(None))


def histories() -> list[int]:
    """Return the seeds that together have all that is wanted, those with the most of it first, and some more."""
    chosen: list[int] = []
    wanted = set(WANTED)
    while wanted:
        best = max(range(_CANDIDATES), key=lambda seed: len(outline_of(seed).met & wanted))
        assert outline_of(best).met & wanted, f"no history has {sorted(wanted)}"
        wanted -= outline_of(best).met
        chosen.append(best)
    more = (seed for seed in range(_CANDIDATES) if seed not in chosen)
    return [*chosen, *(next(more) for _ in range(HISTORIES - len(chosen)))]


def survey_boundaries(fate: Fate, some: Iterable[int]) -> tuple[int, Survey]:
    """Play each history once for each of its commits, which meets `fate`. Return how many plays that were."""
    survey, plays = Survey(), 0
    for seed in some:
        for number in range(outline_of(seed).commits):
            play(seed, Boundary(number, fate), survey)
            plays += 1
    return plays, survey


def play(seed: int, boundary: Boundary | None, survey: Survey) -> int:
    """Play a history and survey what the boundary met; without one, all that happened before its end."""

    def met(batch: Sequence[Fed], fate: Fate | None) -> None:
        if not history.resting and (fate is not None or boundary is None):
            survey.meet(batch, history.scheduler.machine.memory, fate)

    history = History(seed, boundary, met)
    return history.play()


@pytest.mark.parametrize("fate", Fate, ids=lambda fate: fate.name.lower())
def test_every_commit_of_every_history_may_meet_this_fate(fate: Fate, figure: Figure) -> None:
    """What there is in the histories meets it, and they have all that is wanted. `-rP` lists what has met it."""
    one = list(seeds(0))
    chosen = one or histories()

    plays, survey = survey_boundaries(fate, chosen)

    print(survey)  # noqa: T201
    met = survey.combinations(fate)
    words = f"crash points: {{}} in {{}} histories, and {{}} combinations of command, policy and state: {fate.value}"
    figure(words, plays, len(chosen), len(met))
    assert met == set().union(*(outline_of(seed).combinations for seed in chosen))
    missing = WANTED - survey.met(fate)
    assert one or not missing, f"{sorted(missing)} has not met {fate.name}"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("fate", Fate, ids=lambda fate: fate.name.lower())
def test_every_commit_of_many_more_histories_may_meet_this_fate(fate: Fate, part: int) -> None:
    survey_boundaries(fate, seeds(MORE_HISTORIES, part=part, parts=4, first=1_000))
