"""Deployments of real processes, each part its own."""

from collections.abc import Generator, Iterator

import pytest

from schedulezero.testkit.databases.fixtures import Databases
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.reporting import show_logs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    show_logs(item, report)
    return report


@pytest.fixture
def deployment(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment of which nothing runs yet, on SQLite where a test does not name another database."""
    kind, directory = getattr(request, "param", "sqlite"), tmp_path_factory.mktemp("chaos")
    with (
        databases.made(kind, directory, migrated=False) as url,
        Deployment(directory, None if kind == "sqlite" else url) as deployment,
    ):
        yield deployment
