"""Deployments of real processes, each part its own."""

from collections.abc import Generator, Iterator

import pytest

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.reporting import show_logs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    show_logs(item, report)
    return report


@pytest.fixture
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment of which nothing runs yet."""
    with Deployment(tmp_path_factory.mktemp("chaos")) as deployment:
        yield deployment
