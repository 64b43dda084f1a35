"""Executions in the pages: found, watched, cancelled, run again; with scripts and without."""

import re

import pytest
from playwright.sync_api import expect

from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.deployment import Deployment

from .conftest import Opened
from .history import History

LONG = 60.0
ISLANDS = "**/*-grid.min.js*"
"""Islands have tests of their own; kept out, what the server has rendered is used."""


def own(tab: Tab, name: str) -> str:
    """A tag of this test's own."""
    return f"{name}-{'scripts' if tab.look.scripts else 'plain'}"


def rows(tab: Tab) -> list[str]:
    """The ids of the executions that the list shows, in order."""
    links = tab.page.locator("main a[href^='/executions/']").evaluate_all(
        "all => all.map((a) => a.getAttribute('href'))"
    )
    found = [re.fullmatch(r"/executions/([0-9a-f-]{36})", link) for link in links]
    return [match[1] for match in found if match]


def test_a_failure_shows_its_error_its_attempts_and_its_traceback(tab: Tab, history: History) -> None:
    tab.open(f"/executions/{history.failed}")

    main = tab.page.locator("main")
    expect(main.get_by_role("heading", name="Flaky")).to_be_visible()
    expect(main).to_contain_text("attempt 2 of 9 that fail")
    expect(main.locator("pre.trace").first).to_contain_text("raise Flaky(")
    expect(main.get_by_role("listitem").filter(has_text="Attempt 1")).to_be_visible()


def test_what_has_failed_is_run_again_as_an_execution_of_its_own(tab: Tab, history: History) -> None:
    tab.open(f"/executions/{history.failed}")

    tab.press("Run again")

    tab.shows(f"This runs the job of {history.failed} again.")
    assert tab.path != f"/executions/{history.failed}"
    expect(tab.page.get_by_role("link", name=history.failed)).to_be_visible()
    tab.shows("2 of 2")
    tab.shows("error")


def test_what_runs_is_cancelled(tab: Tab, system: Deployment) -> None:
    id_ = system.api.run("work", "sleep", {"seconds": LONG})["execution_id"]
    tab.open(f"/executions/{id_}")
    tab.shows("running")

    tab.press("Cancel")

    tab.shows("cancelled")
    assert system.api.ended(id_)["status"] == "cancelled"


def test_a_filter_lives_in_the_address(tab: Tab, system: Deployment) -> None:
    tab.keep_out(ISLANDS)
    tag = own(tab, "filtered")
    good, bad = (
        system.api.run("work", method, tags=[tag], wait_seconds=10)["execution_id"]
        for method in ("noop", "fail_for_good")
    )
    tab.open("/executions")
    tab.unfold("Filter")
    tab.fill("Tag", tag)
    tab.page.get_by_role("checkbox", name="error").check()

    tab.press("Show")

    tab.page.wait_for_url(re.compile(rf"tag={tag}"))
    expect(tab.page.locator("main")).not_to_contain_text(good)
    assert rows(tab) == [bad]
    tab.reload()
    assert rows(tab) == [bad]
    assert tab.field("Tag").input_value() == tag

    tab.follow("Clear")

    expect(tab.field("Tag")).to_have_value("")
    assert good in rows(tab)

    tab.page.go_back()

    expect(tab.field("Tag")).to_have_value(tag)
    assert rows(tab) == [bad]


def test_a_long_list_is_turned_over_page_by_page(tab: Tab, system: Deployment) -> None:
    tab.keep_out(ISLANDS)
    tag = own(tab, "long")
    runs = [{"handler_id": "work", "method_name": "noop", "tags": [tag]} for _ in range(60)]
    ids = system.api.do("/api/run_now/batch", {"runs": runs})["execution_ids"]
    for id_ in ids:
        system.api.ended(id_)
    tab.open(f"/executions?tag={tag}")
    first = rows(tab)

    tab.follow("Next page")
    tab.page.wait_for_url(re.compile("cursor="))
    expect(tab.page.get_by_role("link", name="First page")).to_be_visible()

    assert [*first, *rows(tab)] == list(reversed(ids))


def test_an_instant_is_shown_in_the_zone_of_whoever_looks_with_utc_beside_it(
    opened: Opened, system: Deployment, history: History
) -> None:
    tab = opened(system)
    tab.open(f"/schedules/{history.schedule}")

    fire = tab.page.locator('main time[datetime$="-12-31T23:00:00Z"]').first

    expect(fire).to_have_text(re.compile(r"31 Dec \d{4}, 18:00:00"))
    expect(fire).to_have_attribute("title", re.compile(r"\d{4}-12-31 23:00:00 UTC"))


@pytest.mark.parametrize("wrong", ["since=soon", "status=lost", "limit=0"])
def test_a_filter_that_makes_no_sense_is_told_and_finds_nothing(tab: Tab, wrong: str) -> None:
    tab.open(f"/executions?{wrong}", status=422)

    tab.shows("Nothing is shown until the filter is right.")
    assert rows(tab) == []
