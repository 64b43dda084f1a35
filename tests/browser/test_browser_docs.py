"""The documentation: within the pages and by itself, by day, by night and on a phone, searched, with its diagrams."""

from pathlib import Path

import pytest
from playwright.sync_api import Frame, expect

from schedulezero.testkit.browser.audit import audit
from schedulezero.testkit.browser.islands import LACKING_ISLANDS
from schedulezero.testkit.browser.looks import DARK, EVERY_LOOK, LIGHT, PHONE, Look
from schedulezero.testkit.browser.tab import PATIENCE_MS, Tab
from schedulezero.testkit.deployment import Deployment

from .conftest import ROOT, Opened
from .history import History
from .pages import DOCS, Place

pytestmark = pytest.mark.usefixtures("docs")

MERMAID = ROOT / "docs_site" / "assets" / "built" / "mermaid.min.js"


def content(tab: Tab) -> Frame:
    """The frame that shows the documentation: that within the page, or the page itself."""
    return tab.page.frames[-1]


@pytest.mark.parametrize("look", EVERY_LOOK, ids=str)
@pytest.mark.parametrize("place", DOCS, ids=str)
def test_a_page_of_the_documentation_is_there_without_a_complaint(
    opened: Opened, system: Deployment, history: History, place: Place, look: Look
) -> None:
    tab = opened(system, look)
    tab.open(place.path(history))

    expect(content(tab).locator("h1")).to_have_count(1)
    expect(content(tab).locator("h1")).to_contain_text(place.heading)
    assert audit(tab.page).too_wide == []
    width = content(tab).evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0


@pytest.mark.parametrize(("look", "scheme"), [(LIGHT, "default"), (DARK, "slate"), (PHONE, "default")], ids=str)
def test_the_documentation_follows_day_and_night(opened: Opened, system: Deployment, look: Look, scheme: str) -> None:
    tab = opened(system, look)
    tab.open("/docs")

    expect(content(tab).locator("body")).to_have_attribute("data-md-color-scheme", scheme)


def test_the_documentation_is_searched_on_this_host_alone(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/docs-content/")

    # Typed: the page looks at what is in the field when a key is let go.
    tab.page.get_by_role("textbox", name="Search").press_sequentially("misfire")

    found = tab.page.locator(".md-search-result__link")
    expect(found.first).to_be_visible(timeout=PATIENCE_MS)
    found.first.click()
    expect(tab.page.locator("h1")).not_to_have_text("ScheduleZero")
    assert "/docs-content/" in tab.page.url


def test_code_is_copied_from_the_documentation(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.permit("clipboard-read", "clipboard-write")
    tab.open("/docs-content/getting-started/quick-start/")
    code = tab.page.locator("pre code").first.inner_text()

    tab.page.locator("button.md-clipboard, button.md-code__button").first.click()

    expect(tab.page.locator(".md-dialog")).to_contain_text("Copied")
    assert tab.page.evaluate("navigator.clipboard.readText()").strip() == code.strip()


@pytest.mark.skipif(not MERMAID.is_file(), reason=LACKING_ISLANDS)
@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=str)
def test_diagrams_are_drawn(opened: Opened, system: Deployment, docs: Path, look: Look) -> None:
    tab = opened(system, look)
    tab.open("/docs-content/concepts/architecture/")

    diagram = tab.page.locator("div.mermaid").first
    expect(diagram).to_be_visible(timeout=PATIENCE_MS)
    box = diagram.bounding_box()
    assert box is not None
    assert box["height"] > 50
    expect(tab.page.locator("pre.mermaid")).to_have_count(0)
