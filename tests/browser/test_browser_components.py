"""The small elements of the pages: they do what they say, and pages are whole without them."""

import re

from playwright.sync_api import expect

from schedulezero.testkit.browser.looks import LIGHT, PHONE
from schedulezero.testkit.browser.tab import PATIENCE_MS
from schedulezero.testkit.deployment import Deployment

from .conftest import Opened
from .history import SELDOM, History


def test_a_copy_button_copies_what_it_names(opened: Opened, system: Deployment, history: History) -> None:
    tab = opened(system)
    tab.permit("clipboard-read", "clipboard-write")
    tab.open(f"/executions/{history.succeeded}")

    copy = tab.page.locator('copy-button[for="result"] button')
    copy.click()

    expect(copy).to_have_text("Copied")
    assert tab.page.evaluate("navigator.clipboard.readText()") == '{\n  "message": "done",\n  "rows": 3\n}'
    expect(copy).to_have_text("Copy", timeout=PATIENCE_MS)


def test_a_copy_button_that_may_not_copy_says_so(opened: Opened, system: Deployment, history: History) -> None:
    tab = opened(system)
    tab.open(f"/executions/{history.succeeded}")
    tab.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")

    copy = tab.page.locator('copy-button[for="result"] button')
    copy.click()

    expect(copy).to_have_text("Not permitted")


def test_what_was_done_is_told_once_and_can_be_put_away(opened: Opened, system: Deployment) -> None:
    id_ = system.api.schedule("work", "noop", SELDOM, schedule_id="told-once")
    tab = opened(system)
    tab.open(f"/schedules/{id_}/edit")
    tab.press("Save")
    told = tab.page.locator("sz-flash")
    expect(told).to_contain_text("Nothing was changed.")

    tab.press("Dismiss")

    expect(told).to_have_count(0)
    tab.reload()
    expect(told).to_have_count(0)


def test_what_was_done_is_told_without_scripts_too_and_is_gone_on_the_next_page(
    opened: Opened, system: Deployment
) -> None:
    id_ = system.api.schedule("work", "noop", SELDOM, schedule_id="told-plainly")
    tab = opened(system, LIGHT.without_scripts())
    tab.open(f"/schedules/{id_}/edit")

    tab.press("Save")

    tab.shows("Nothing was changed.")
    tab.reload()
    expect(tab.page.locator("sz-flash")).to_have_count(0)


def test_without_scripts_no_control_is_shown_that_needs_them(
    opened: Opened, system: Deployment, history: History
) -> None:
    tab = opened(system, PHONE.without_scripts())
    tab.open(f"/executions/{history.succeeded}")

    for control in ("Copy", "Dismiss", "Menu"):
        expect(tab.page.get_by_role("button", name=control)).to_have_count(0)
    expect(tab.page.locator("connection-status")).to_be_hidden()
    expect(tab.page.get_by_role("navigation").get_by_role("link", name="Schedules")).to_be_visible()


def test_the_navigation_leads_everywhere_and_marks_where_one_is(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/dash")
    navigation = tab.page.get_by_role("navigation", name="Main")

    for name in ("Schedules", "Handlers", "Executions", "Dashboard"):
        tab.follow(name, within=navigation)
        tab.page.wait_for_url(re.compile(f"/{name.lower()[:4]}"))
        expect(navigation.locator("[aria-current=page]")).to_have_text(name)
        expect(tab.page.locator("h1")).to_have_text(name)
        assert tab.page.title().startswith(name)


def test_on_a_phone_the_navigation_is_opened_by_a_button_and_closed_by_escape(
    opened: Opened, system: Deployment
) -> None:
    tab = opened(system, PHONE)
    tab.open("/dash")
    link = tab.page.get_by_role("navigation", name="Main").get_by_role("link", name="Executions")
    menu = tab.page.get_by_role("button", name="Menu")
    expect(link).to_be_hidden()

    menu.click()
    expect(link).to_be_visible()
    tab.page.keyboard.press("Escape")

    expect(link).to_be_hidden()
    expect(menu).to_be_focused()

    menu.click()
    link.click()

    expect(tab.page.locator("h1")).to_have_text("Executions")
    expect(link).to_be_hidden()
