"""One Chromium and one system for the folder; what the browser complains about fails the test that has it open."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from schedulezero.testkit.browser.chromium import LACKING, chromium, program
from schedulezero.testkit.browser.looks import LIGHT, Look
from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.browser.tabs import Tabs
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.reporting import show_logs
from schedulezero.testkit.waiting import eventually

from .history import History, lived_in

ROOT = Path(__file__).parents[2]
_DOCS_SECONDS = 100

Opened = Callable[..., Tab]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if program() is None:
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason=LACKING))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    show_logs(item, report)
    tab = getattr(item, "funcargs", {}).get("tab")
    if report.failed and isinstance(tab, Tab):
        report.sections.append((f"what {tab.path} showed", tab.text))
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the system looks for the documentation."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="package")
def docs(site: Path) -> Path:
    """The documentation, built."""
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", site],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
        timeout=_DOCS_SECONDS,
    )
    return site


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Iterator[Deployment]:
    """A whole system with a handler `work` of two instances; tests add what is theirs."""
    with Deployment(tmp_path_factory.mktemp("lived-in")) as deployment:
        deployment.environ["SCHEDULEZERO_WEB_DOCS_PATH"] = str(site)
        deployment.up()
        for instance_id in ("work-1", "work-2"):
            deployment.handler(instance_id).start()
        deployment.await_instances("work-1", "work-2")
        yield deployment


@pytest.fixture(scope="package")
def history(system: Deployment) -> History:
    """What has happened there before."""
    return lived_in(system)


@pytest.fixture(scope="package")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A system on its first day: no handler, no schedule, no execution, no documentation built."""
    with Deployment(tmp_path_factory.mktemp("fresh")) as deployment:
        deployment.up()
        yield deployment


@pytest.fixture(scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A web gateway whose registry and scheduler are away."""
    with Deployment(tmp_path_factory.mktemp("alone")) as deployment:
        deployment.web.start()
        eventually(lambda: deployment.api.reaches("/api/health/live"), within=60, what="the gateway")
        yield deployment


@pytest.fixture(scope="package")
def tabs(browser: Browser) -> Iterator[Tabs]:
    with closing(Tabs(browser)) as tabs:
        yield tabs


@pytest.fixture
def opened(tabs: Tabs) -> Iterator[Opened]:
    """Opens tabs: `opened(deployment, look)`. What the browser complains of in any of them is a failure."""
    taken: list[Tab] = []

    def open_tab(deployment: Deployment, look: Look = LIGHT) -> Tab:
        taken.append(tabs.take(deployment.api.url, look))
        return taken[-1]

    yield open_tab
    faults = [fault for tab in taken for fault in tab.watch.faults]
    for tab in taken:
        tabs.give_back(tab)
    assert not faults, "\n".join(faults)


@pytest.fixture(params=[LIGHT, LIGHT.without_scripts()], ids=["scripts", "no scripts"])
def tab(request: pytest.FixtureRequest, opened: Opened, system: Deployment) -> Tab:
    """A tab on the shared system, with scripts and without."""
    return opened(system, request.param)
