"""The life of a schedule, as somebody lives it in the pages: with scripts and without, it is the same."""

import re

import pytest
from playwright.sync_api import expect

from schedulezero.testkit.browser.audit import audit
from schedulezero.testkit.browser.looks import EVERY_LOOK, LIGHT, Look
from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.deployment import Deployment

from .conftest import Opened
from .history import SELDOM


def own(tab: Tab, name: str) -> str:
    """An id of this test's own."""
    return f"{name}-{'scripts' if tab.look.scripts else 'plain'}"


def scheduled(system: Deployment, tab: Tab, name: str) -> str:
    return system.api.schedule("work", "noop", SELDOM, schedule_id=own(tab, name))


def test_what_is_wrong_stands_beside_its_field_and_nothing_that_was_typed_is_lost(tab: Tab, system: Deployment) -> None:
    id_ = own(tab, "typed")
    tab.watch.expect_status(422)
    tab.open("/schedules")
    tab.follow("New schedule")
    tab.fill("Handler", "work")
    tab.fill("Method", "noop")
    tab.fill("Parameters", '{"n": 41}')
    tab.fill("Id", id_)
    tab.fill("Minutes", "soon")

    tab.press("Create")

    minutes = tab.field("Minutes")
    expect(minutes).to_have_attribute("aria-invalid", "true")
    expect(minutes).to_have_accessible_description(re.compile("expected number, got string"))
    assert minutes.input_value() == "soon"
    assert tab.field("Parameters").input_value() == '{"n": 41}'

    tab.fill("Minutes", "90")
    tab.press("Create")

    tab.shows(f"{id_} is created.")
    created = system.api.read(f"/api/schedules/{id_}")
    assert created["trigger_config"]["minutes"] == 90
    assert created["args"] == ["work", "noop", {"n": 41}]


def test_a_trigger_is_tried_before_it_is_saved(tab: Tab) -> None:
    tab.open("/schedule")
    tab.page.get_by_role("radio", name="Cron").check()
    tab.fill("Expression", "0 6 24 12 *")
    tab.fill("Time zone", "America/New_York")

    tab.press("Show the next fire times")

    fires = tab.page.locator("section").filter(has_text="It would fire at")
    expect(fires.get_by_role("listitem")).to_have_count(10)
    expect(fires.locator("time").first).to_have_attribute("datetime", "2026-12-24T11:00:00Z")
    assert tab.field("Expression").input_value() == "0 6 24 12 *"


@pytest.mark.parametrize("look", EVERY_LOOK, ids=str)
@pytest.mark.parametrize(
    ("minutes", "button", "answer"),
    [("90", "Show the next fire times", "It would fire at"), ("soon", "Create", "expected number, got string")],
    ids=["tried", "refused"],
)
def test_what_a_form_is_answered_with_can_be_read_and_fits_its_window(
    opened: Opened, system: Deployment, look: Look, minutes: str, button: str, answer: str
) -> None:
    tab = opened(system, look)
    tab.watch.expect_status(422)
    tab.open("/schedule")
    tab.fill("Handler", "work")
    tab.fill("Method", "noop")
    tab.fill("Minutes", minutes)

    tab.press(button)

    tab.shows(answer)
    found = audit(tab.page)
    assert (found.faint, found.too_wide, found.nameless, found.ids_used_twice) == ([], [], [], [])


def test_a_schedule_is_changed_and_the_rest_of_it_stays(tab: Tab, system: Deployment) -> None:
    id_ = scheduled(system, tab, "changed")
    tab.open(f"/schedules/{id_}")
    tab.follow("Edit")
    tab.fill("Name", "Changed at noon")
    tab.unfold("Retries")
    tab.fill("Attempts", "7")

    tab.press("Save")

    tab.shows(f"{id_} is changed.")
    expect(tab.page.locator("h1")).to_have_text("Changed at noon")
    changed = system.api.read(f"/api/schedules/{id_}")
    assert changed["retry"]["max_attempts"] == 7
    assert changed["trigger_config"]["month"] == SELDOM["month"]


def test_a_schedule_is_paused_with_a_reason_and_resumed(tab: Tab, system: Deployment) -> None:
    id_ = scheduled(system, tab, "paused")
    tab.open(f"/schedules/{id_}")
    tab.unfold("Pause…")
    tab.fill("Reason", "the disk is full")
    tab.press("Pause")

    tab.shows(f"{id_} is paused: it does not fire until it is resumed.")
    tab.shows("the disk is full")
    assert system.api.read(f"/api/schedules/{id_}")["paused"] is True

    tab.press("Resume")

    tab.shows(f"{id_} is resumed.")
    assert system.api.read(f"/api/schedules/{id_}")["paused"] is False


def test_a_schedule_is_run_by_hand_and_leads_to_what_comes_of_it(tab: Tab, system: Deployment) -> None:
    id_ = scheduled(system, tab, "run")
    tab.open(f"/schedules/{id_}")

    tab.press("Run now")

    tab.shows(f"{id_} runs now.")
    expect(tab.page.locator("h1")).to_have_text("noop")
    tab.shows("success")
    (ran,) = system.api.executions(schedule_id=id_)
    assert tab.path == f"/executions/{ran['execution_id']}"


def test_somebody_asks_why_and_follows_the_answer_to_the_next_instant(tab: Tab, system: Deployment) -> None:
    id_ = scheduled(system, tab, "asked")
    tab.watch.expect_status(422)
    tab.open(f"/schedules/{id_}")
    tab.fill("At", "noon")
    tab.press("Explain")

    at = tab.field("At")
    expect(at).to_have_attribute("aria-invalid", "true")
    expect(at).to_have_accessible_description(re.compile("'noon' is not an ISO 8601 time"))
    assert at.input_value() == "noon"

    tab.fill("At", "2040-06-01T12:00")
    tab.press("Explain")
    explanation = tab.page.locator("#explanation")
    expect(explanation).to_contain_text("It is not due: ")
    assert tab.path.startswith(f"/schedules/{id_}?why=2040-06-01T12%3A00")

    explanation.get_by_role("link").last.click()
    expect(explanation).to_contain_text("It is to run at ")
    expect(tab.page).to_have_url(re.compile(r"\?why=2040-12-31T23:00:00Z#why$"))


def test_a_schedule_is_deleted_only_after_a_second_look(tab: Tab, system: Deployment) -> None:
    id_ = scheduled(system, tab, "deleted")
    tab.open(f"/schedules/{id_}")
    tab.follow("Delete…")
    expect(tab.page.locator("h1")).to_have_text(f"Delete {id_}?")
    tab.follow("Keep it")
    expect(tab.page.locator("h1")).to_have_text(id_)
    assert system.api.reaches(f"/api/schedules/{id_}")

    tab.follow("Delete…")
    tab.press("Delete it")

    tab.shows(f"{id_} is deleted.")
    expect(tab.page.locator("h1")).to_have_text("Schedules")
    assert system.api.reaches(f"/api/schedules/{id_}", status=404)


def test_of_two_who_change_a_schedule_the_second_is_told(opened: Opened, system: Deployment) -> None:
    id_ = system.api.schedule("work", "noop", SELDOM, schedule_id="wanted-by-two")
    first, second = opened(system), opened(system, LIGHT.without_scripts())
    for tab, name in ((first, "First"), (second, "Second")):
        tab.open(f"/schedules/{id_}/edit")
        tab.fill("Name", name)
    first.press("Save")
    first.shows(f"{id_} is changed.")
    second.watch.expect_status(409)

    second.press("Save")

    second.shows("Somebody has changed this schedule since")
    assert second.field("Name").input_value() == "Second"
    assert system.api.read(f"/api/schedules/{id_}")["name"] == "First"
