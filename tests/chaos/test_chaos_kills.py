"""Whatever process is killed, and whenever: nothing accepted is lost, nothing is decided twice or begun twice.

It holds on each database; beside SQLite it is looked at with the slow tests.

A failure tells its seed; `SCHEDULEZERO_CHAOS_SEED=7 pytest tests/chaos/test_chaos_kills.py` runs that one.
"""

import os
import time
from random import Random

import pytest

from schedulezero.testkit.databases.fixtures import SERVERS
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import until

from .load import Load
from .promises import broken_promises

INSTANCES = ("work-1", "work-2")
KILLING_SECONDS = 10.0
LONG_KILLING_SECONDS = 90.0
LEAST_TURNS = 2
"""How often everybody is killed at least, however slow the machine."""

MOST_BETWEEN_KILLS_SECONDS = 1.0
MOST_DOWN_SECONDS = 0.5

_given = os.environ.get("SCHEDULEZERO_CHAOS_SEED")
SEEDS = [int(_given)] if _given else [1]
MORE_SEEDS = [] if _given else [2, 3]


DATABASES = ["sqlite", *(pytest.param(kind, marks=pytest.mark.slow) for kind in SERVERS)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("deployment", DATABASES, indirect=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_processes_killed_at_any_moment_lose_and_double_nothing(deployment: Deployment, seed: int) -> None:
    assert faults_of_killing(deployment, seed, KILLING_SECONDS) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_processes_killed_at_any_moment_for_long_lose_and_double_nothing(deployment: Deployment, seed: int) -> None:
    assert faults_of_killing(deployment, seed, LONG_KILLING_SECONDS) == []


def faults_of_killing(deployment: Deployment, seed: int, seconds: float) -> list[str]:
    """Kill one process after the other under load; return what is wrong when all is at rest again."""
    victims = [deployment.registry, deployment.scheduler, deployment.web, *map(deployment.handler, INSTANCES)]
    for victim in victims:
        victim.start()
    await_all(deployment)
    deadline, random, load = time.monotonic() + seconds, Random(seed), Load(deployment.api, Random(seed))
    turns = 0
    with load.running():
        while turns < LEAST_TURNS or time.monotonic() < deadline:
            for victim in random.sample(victims, len(victims)):
                strike(victim, random)
            await_all(deployment)
            load.await_progress()
            turns += 1
    return [*broken_promises(deployment, load), *deployment.tracebacks]


def await_all(deployment: Deployment) -> None:
    deployment.await_ready()
    deployment.await_instances(*INSTANCES)


def strike(victim: Program, random: Random) -> None:
    """Kill a process, at whatever it is doing, and start it again."""
    until(time.time() + random.uniform(0, MOST_BETWEEN_KILLS_SECONDS))
    victim.kill()
    until(time.time() + random.uniform(0, MOST_DOWN_SECONDS))
    victim.start()
