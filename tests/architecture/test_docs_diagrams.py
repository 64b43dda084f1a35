"""Diagrams: drawn by a script of our own where it was fetched, readable text where it was not."""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from schedulezero.testkit.browser.chromium import LACKING, chromium, program
from schedulezero.testkit.browser.islands import LACKING_ISLANDS
from schedulezero.testkit.browser.looks import DARK, LIGHT, PHONE, Look
from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.documentation import MERMAID, build, copy

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs_site"
DRAWN = [
    (file.relative_to(DOCS).with_suffix("").as_posix(), count)
    for file in sorted(DOCS.rglob("*.md"))
    if (count := len(re.findall(r"^```mermaid$", file.read_text(), re.MULTILINE)))
]
SCRIPT = re.compile(r'<script src="([^"]*mermaid[^"]*)"')

needs_mermaid = pytest.mark.skipif(not (ROOT / MERMAID).is_file(), reason=LACKING_ISLANDS)
needs_chromium = pytest.mark.skipif(program() is None, reason=LACKING)


def test_a_diagram_is_drawn_by_a_script_of_our_own_where_it_was_fetched(tmp_path: Path) -> None:
    project = copy(ROOT, tmp_path)
    (project / MERMAID).parent.mkdir(parents=True)
    (project / MERMAID).write_text("mermaid = {}")

    build(project, tmp_path / "site")

    pages = {file: file.read_text() for file in (tmp_path / "site").rglob("*.html")}
    drawn = {file for file, html in pages.items() if '<pre class="mermaid">' in html}
    assert {file.parent.relative_to(tmp_path / "site").as_posix() for file in drawn} >= {name for name, _ in DRAWN}
    assert {file for file, html in pages.items() if SCRIPT.search(html)} == drawn
    assert {(file.parent / address).resolve() for file in drawn for address in SCRIPT.findall(pages[file])} == {
        (tmp_path / "site/assets/built/mermaid.min.js").resolve()
    }


def test_without_the_script_a_diagram_is_text_and_nothing_is_fetched_for_it(tmp_path: Path) -> None:
    build(copy(ROOT, tmp_path), tmp_path / "site")

    page = (tmp_path / "site/concepts/architecture/index.html").read_text()
    assert "web gateway" in page
    # The theme looks for elements of this class, and would fetch a script from elsewhere for them.
    assert 'class="mermaid"' not in page
    assert not SCRIPT.search(page)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A gateway that serves the documentation, with the script that draws."""
    project = copy(ROOT, tmp_path_factory.mktemp("project"))
    (project / MERMAID).parent.mkdir(parents=True)
    shutil.copy(ROOT / MERMAID, project / MERMAID)
    build(project, project / "site")
    with Deployment(tmp_path_factory.mktemp("deployment")) as deployment:
        deployment.environ["SCHEDULEZERO_WEB_DOCS_PATH"] = str(project / "site")
        deployment.up()
        yield deployment


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@needs_mermaid
@needs_chromium
@pytest.mark.parametrize("look", [LIGHT, DARK], ids=str)
def test_diagrams_are_drawn_in_light_and_dark_under_the_gateways_policy(
    deployment: Deployment, browser: Browser, look: Look
) -> None:
    with ExitStack() as stack:
        tab = stack.enter_context(Tab(browser, deployment.api.url, look))
        for name, count in DRAWN:
            tab.open(f"/docs-content/{name}/")

            diagrams = tab.page.locator("div.mermaid")
            expect(diagrams).to_have_count(count)
            assert all(box and box["height"] > 50 for box in [one.bounding_box() for one in diagrams.all()])
        assert tab.watch.faults == []


@needs_mermaid
@needs_chromium
@pytest.mark.parametrize("name", ["", "reference/from-the-seed/", "concepts/architecture/", "api/rest/"])
def test_pages_fit_a_phone(deployment: Deployment, browser: Browser, name: str) -> None:
    with Tab(browser, deployment.api.url, PHONE) as tab:
        tab.open(f"/docs-content/{name}")

        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert tab.watch.faults == []
