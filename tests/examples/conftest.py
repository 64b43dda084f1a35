"""A ScheduleZero for all bots, and a Discord that runs on this machine for those of a module."""

import shutil
import sys
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.reporting import show_logs

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "docs_site" / "examples" / "discord"

# The examples import each other by their bare names, as they do when one of them is started.
sys.path += [str(EXAMPLES), str(HERE)]
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # discord.py imports audioop, which Python 3.13 has not
    import discord  # noqa: F401

from discord_bots import Bots  # noqa: E402
from fake_discord.server import FakeDiscord  # noqa: E402


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    show_logs(item, report)
    return report


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything in one process, with no handler but the bots."""
    with Deployment(tmp_path_factory.mktemp("examples")) as deployment:
        deployment.up()
        yield deployment


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeDiscord]:
    with FakeDiscord() as fake:
        fake.gateway.heartbeat_seconds = 0.5
        yield fake


@pytest.fixture(scope="module")
def bots(system: Deployment, fake: FakeDiscord) -> Iterator[Bots]:
    bots = Bots(system, fake)
    yield bots
    bots.close()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the examples, to be changed."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "bot", ignore=shutil.ignore_patterns("__pycache__", "*.md")))
