"""The same worlds over the real store on an SQLite file, with the model of the database beside it: both agree."""

from pathlib import Path

import pytest

from schedulezero.testkit.figures import Figure

from .model.seeds import seeds
from .world.paired import PairedWorld

WORLDS = 24
_PARTS = 3


@pytest.mark.parametrize("part", range(_PARTS))
def test_the_real_store_and_its_model_take_the_same_commits_and_hold_the_same_rows(
    tmp_path: Path, part: int, figure: Figure
) -> None:
    some = list(seeds(WORLDS, part=part, parts=_PARTS))
    for seed in some:
        directory = tmp_path / str(seed)
        directory.mkdir()

        PairedWorld(seed, directory).play()
    figure("whole: {} worlds over a real store on SQLite", len(some))
