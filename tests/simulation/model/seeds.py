"""How many seeds are played, and which."""

import os
from collections.abc import Iterable

SEED = "SCHEDULEZERO_SIMULATION_SEED"
"""The variable that plays one seed alone."""
SEEDS = "SCHEDULEZERO_SIMULATION_SEEDS"
"""The variable that says how many are played, in place of those that fit into `make test`."""


def seeds(usual: int, *, part: int = 0, parts: int = 1, first: int = 0) -> Iterable[int]:
    """Return the seeds of one part of a test: `usual` of them in all its parts, unless the environment says else."""
    if SEED in os.environ:
        one = int(os.environ[SEED])
        return [one] if one % parts == part else []
    return range(first + part, first + int(os.environ.get(SEEDS, usual)), parts)
