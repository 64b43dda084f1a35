"""Deployments of real processes, as a user would start them."""

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
    with Deployment(tmp_path_factory.mktemp("deployment")) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything in one process, and a handler `work` of two instances; shared by the tests of a module."""
    with Deployment(tmp_path_factory.mktemp("system")) as deployment:
        deployment.up()
        for instance_id in ("work-1", "work-2"):
            deployment.handler(instance_id).start()
        deployment.await_instances("work-1", "work-2")
        yield deployment
