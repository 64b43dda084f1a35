"""The whole in virtual time: the real services, from a seed, under everything that may befall them."""

import time

import pytest

from .model.seeds import seeds
from .world.world import World

WORLDS = 300
MORE_WORLDS = 400
_PARTS = 8


def play(some: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    began, virtual, executions = time.process_time(), 0, 0
    for seed in some:
        world = World(seed)
        world.play()
        virtual += world.agenda.now // 1_000_000
        executions += len(world.database.executions)
    spent = time.process_time() - began
    with capsys.disabled():
        print(f"\n{len(some)} worlds, {virtual} virtual seconds, {executions} executions in {spent:.1f} s")  # noqa: T201


@pytest.mark.parametrize("part", range(_PARTS))
def test_whatever_befalls_the_whole_every_rule_holds(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    play(list(seeds(WORLDS, part=part, parts=_PARTS)), capsys)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_whatever_befalls_many_more_worlds_every_rule_holds(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    play(list(seeds(MORE_WORLDS, part=part, parts=8, first=10_000)), capsys)
