"""Pages are used with the keyboard alone."""

import pytest
from playwright.sync_api import expect

from schedulezero.testkit.browser.keyboard import walk
from schedulezero.testkit.browser.looks import DARK, LIGHT, PHONE, Look
from schedulezero.testkit.deployment import Deployment

from .conftest import Opened
from .history import History
from .pages import PLACES, Place

LOOKS = (LIGHT, DARK, PHONE, LIGHT.without_scripts(), PHONE.without_scripts())
LIVED_IN = tuple(place for place in PLACES if place.on == "system")


@pytest.mark.parametrize("look", [LIGHT, PHONE.without_scripts()], ids=str)
@pytest.mark.parametrize("place", LIVED_IN, ids=str)
def test_tab_reaches_all_that_can_be_operated_in_its_order_and_shows_where_it_is(
    opened: Opened, system: Deployment, history: History, place: Place, look: Look
) -> None:
    tab = opened(system, look)
    tab.open(place.path(history), status=place.status)
    tab.settled(place.island)

    walked = walk(tab.page)

    assert walked.stops == walked.expected
    assert walked.unmarked == []


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_first_key_leads_past_the_navigation(opened: Opened, system: Deployment, look: Look) -> None:
    tab = opened(system, look)
    tab.open("/schedules")
    skip = tab.page.get_by_role("link", name="Skip to content")
    expect(skip).not_to_be_in_viewport()

    tab.page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")

    expect(tab.page.get_by_role("link", name="New schedule")).to_be_focused()


def test_a_schedule_is_created_without_a_mouse(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/schedule")
    keyboard = tab.page.keyboard

    tab.field("Handler").focus()
    keyboard.type("work")
    keyboard.press("Tab")
    keyboard.type("noop")
    tab.field("Id").focus()
    keyboard.type("typed-by-hand")
    tab.page.get_by_role("radio", name="Every so much time").focus()
    keyboard.press("ArrowRight")
    expect(tab.page.get_by_role("radio", name="Cron")).to_be_checked()
    tab.field("Expression").focus()
    keyboard.type("0 0 1 1 *")
    keyboard.press("Enter")

    tab.shows("It would fire at")
    tab.page.get_by_role("button", name="Create", exact=True).focus()
    keyboard.press("Enter")

    tab.shows("typed-by-hand is created.")
