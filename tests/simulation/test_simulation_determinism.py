"""A seed is worth something only if it always makes the same play."""

import os
import subprocess
import sys
from pathlib import Path

_PLAY = """
import sys
sys.path.insert(0, sys.argv[1])
from simulation.world.world import World
world = World(5)
world.play()
print(world.trace)
print(len(world.database.executions), world.agenda.now)
"""


def played_with(hash_seed: str) -> str:
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", _PLAY, str(tests)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_seed_makes_the_same_play_in_every_process() -> None:
    first, second = played_with("1"), played_with("2")

    assert first
    assert first == second
