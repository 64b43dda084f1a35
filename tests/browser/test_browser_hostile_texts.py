"""Texts that would be programs on a careless page are shown as the texts they are, wherever they come in."""

import pytest
from playwright.sync_api import expect

from schedulezero.testkit.browser.looks import EVERY_LOOK, Look
from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.deployment import Deployment

from .conftest import Opened
from .history import HOSTILE, SELDOM, History


def assert_harmless(tab: Tab) -> None:
    """A dialog of any would fail the test too, as one of the complaints."""
    assert tab.page.locator("main img:not([src^='/assets/']), main script, main [onload], main [onerror]").count() == 0
    assert tab.page.locator("a[href^='javascript:' i]").count() == 0


def test_in_a_schedule(tab: Tab, history: History) -> None:
    tab.open(f"/schedules/{history.hostile_schedule}")

    expect(tab.page.locator("h1")).to_have_text(HOSTILE[0])
    for text in HOSTILE:
        tab.shows(text)
    assert_harmless(tab)


def test_in_the_list_of_schedules(tab: Tab, history: History) -> None:
    tab.open(f"/schedules?q={history.hostile_schedule}")

    tab.shows(HOSTILE[0])
    assert_harmless(tab)


def test_in_the_form_of_a_schedule(tab: Tab, history: History) -> None:
    tab.open(f"/schedules/{history.hostile_schedule}/edit")

    assert tab.field("Name").input_value() == HOSTILE[0]
    assert tab.field("Owner").input_value() == HOSTILE[1]
    assert HOSTILE[1] in tab.field("Parameters").input_value()
    assert_harmless(tab)


def test_in_a_result_and_in_its_list(tab: Tab, history: History) -> None:
    tab.open(f"/executions/{history.hostile_success}")
    for text in HOSTILE:
        tab.shows(text.replace('"', '\\"'))
    assert_harmless(tab)

    tab.open("/executions")
    assert_harmless(tab)


def test_in_an_error(tab: Tab, history: History) -> None:
    tab.open(f"/executions/{history.hostile_failure}")

    tab.shows(" ".join(HOSTILE))
    assert_harmless(tab)


def test_in_a_filter_and_in_a_message(tab: Tab) -> None:
    tab.open("/executions?since=%22%3E%3Csvg%2Fonload%3Dalert(3)%3E&q=%3C%2Fscript%3E", status=422)

    assert tab.field("Created since").input_value() == HOSTILE[2]
    assert_harmless(tab)


def test_in_an_address(tab: Tab) -> None:
    tab.open("/schedules/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", status=404)

    tab.shows("<img src=x onerror=alert(1)>")
    assert_harmless(tab)


def test_in_what_was_typed_into_a_form_that_is_refused(tab: Tab) -> None:
    tab.watch.expect_status(422)
    tab.open("/schedule")
    tab.fill("Handler", HOSTILE[0])
    tab.fill("Method", HOSTILE[2])
    tab.fill("Name", HOSTILE[1])

    tab.press("Create")

    expect(tab.page.get_by_role("alert").first).to_be_visible()
    assert tab.field("Name").input_value() == HOSTILE[1]
    assert_harmless(tab)


@pytest.mark.parametrize("look", EVERY_LOOK, ids=str)
def test_a_text_without_end_and_without_a_space_does_not_widen_the_page(
    opened: Opened, system: Deployment, look: Look
) -> None:
    endless = "endless" * 28
    id_ = f"{'long_id_' * 12}{look.name.replace(', ', '_').replace(' ', '_')}"
    system.api.schedule("work", "echo", SELDOM, {endless: endless}, schedule_id=id_, name=endless)
    tab = opened(system, look)

    for path in (f"/schedules/{id_}", f"/schedules?q={id_}", f"/schedules/{id_}/edit", "/dash"):
        tab.open(path)
        assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
