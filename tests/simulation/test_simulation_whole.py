"""The whole in virtual time: the real services, from a seed, under everything that may befall them."""

import pytest

from schedulezero.testkit.figures import Figure

from .model.seeds import seeds
from .world.agenda import SECOND
from .world.world import World

WORLDS = 300
MORE_WORLDS = 400
_PARTS = 15


def play(some: list[int], figure: Figure) -> None:
    virtual, executions = 0, 0
    for seed in some:
        world = World(seed)
        world.play()
        virtual += world.agenda.now // SECOND
        executions += len(world.database.executions)
    figure("whole: {} worlds of {} virtual seconds and {} executions", len(some), virtual, executions)


@pytest.mark.parametrize("part", range(_PARTS))
def test_whatever_befalls_the_whole_every_rule_holds(part: int, figure: Figure) -> None:
    play(list(seeds(WORLDS, part=part, parts=_PARTS)), figure)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_whatever_befalls_many_more_worlds_every_rule_holds(part: int, figure: Figure) -> None:
    play(list(seeds(MORE_WORLDS, part=part, parts=8, first=10_000)), figure)
