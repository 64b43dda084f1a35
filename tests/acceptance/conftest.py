"""Deployments of real processes, as a user would start them."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest

from schedulezero.testkit.databases.fixtures import KINDS, Databases
from schedulezero.testkit.deployment import Deployment, NewDeployment
from schedulezero.testkit.reporting import show_logs

EVERYWHERE = {"test_acceptance_schedules"}
"""The modules whose tests run on each database every time."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    show_logs(item, report)
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests run on each database; beside SQLite those of a few modules do every time, the others with the slow."""
    for item in items:
        kind = _kind_of(item)
        if kind not in (None, "sqlite") and item.path.stem not in EVERYWHERE:
            item.add_marker(pytest.mark.slow)


def _kind_of(item: pytest.Item) -> str | None:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return parameters.get("database_kind")


@pytest.fixture(scope="module", params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the deployments of a module keep their rows in; its URL is all that tells them."""
    return str(request.param)


@pytest.fixture(scope="module")
def new_deployment(
    database_kind: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewDeployment]:
    """Makes deployments of which nothing runs yet, each with a database of its own that has no tables."""
    with ExitStack() as stack:

        def new(name: str) -> Deployment:
            directory = tmp_path_factory.mktemp(name)
            url = stack.enter_context(databases.made(database_kind, directory, migrated=False))
            return stack.enter_context(Deployment(directory, None if database_kind == "sqlite" else url))

        yield new


@pytest.fixture
def deployment(new_deployment: NewDeployment) -> Iterator[Deployment]:
    """A deployment of which nothing runs yet."""
    with new_deployment("deployment") as deployment:
        yield deployment


@pytest.fixture(scope="module")
def system(new_deployment: NewDeployment) -> Iterator[Deployment]:
    """Everything in one process, and a handler `work` of two instances; shared by the tests of a module."""
    with new_deployment("system") as deployment:
        deployment.up()
        for instance_id in ("work-1", "work-2"):
            deployment.handler(instance_id).start()
        deployment.await_instances("work-1", "work-2")
        yield deployment
