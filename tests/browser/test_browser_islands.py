"""The islands: what they replace works as before, under the same address, and comes back where they cannot be."""

import re
from collections.abc import Sequence

import pytest
from playwright.sync_api import Browser, Locator, expect

from schedulezero.testkit.browser.islands import ISLANDS, LACKING_ISLANDS, islands_are_built
from schedulezero.testkit.browser.looks import LIGHT, PHONE
from schedulezero.testkit.browser.tab import PATIENCE_MS, Tab
from schedulezero.testkit.deployment import Deployment

from .conftest import Opened
from .history import HOSTILE, SELDOM, History

pytestmark = [
    pytest.mark.skipif(not islands_are_built(), reason=LACKING_ISLANDS),
    pytest.mark.usefixtures("history"),  # where there is nothing yet, the server's page stays
]

PAGES = {"schedule-grid": "/schedules", "handler-grid": "/handlers", "execution-log-grid": "/executions"}
SCHEDULES, EXECUTIONS = "schedule-grid", "execution-log-grid"


@pytest.fixture(scope="module")
def fleet(system: Deployment) -> str:
    """The tag of five schedules whose names, jobs and next instants sort differently."""
    for number, (name, month) in enumerate([("Pear", 3), ("apple", 12), ("Quince 10", 7), ("quince 9", 1), ("", 5)]):
        system.api.schedule(
            "work",
            ("noop", "echo")[number % 2],
            {**SELDOM, "month": month},
            schedule_id=f"fleet-{number}",
            name=name or None,
            tags=["fleet"],
        )
    return "fleet"


def names(tab: Tab) -> Sequence[str]:
    """What the rows of the table are called, in order."""
    return tab.page.locator("main tbody tr a.name").all_inner_texts()


@pytest.fixture
def plain(opened: Opened, system: Deployment) -> Tab:
    """A tab where no script runs."""
    return opened(system, LIGHT.without_scripts())


def as_served(plain: Tab, tab: Tab) -> Sequence[str]:
    """What the rows are called under the same address where no script runs."""
    plain.open(tab.path)
    return names(plain)


def head(grid: Locator, title: str) -> Locator:
    return grid.get_by_role("columnheader", name=title)


@pytest.mark.parametrize("island", ISLANDS)
def test_an_island_takes_the_place_of_the_table_and_shows_the_same(
    opened: Opened, system: Deployment, plain: Tab, fleet: str, island: str
) -> None:
    tab = opened(system)
    tab.open(PAGES[island])
    grid = tab.mounted(island)

    expect(grid.locator("table")).to_have_count(1)
    assert names(tab) == as_served(plain, tab)


@pytest.mark.parametrize("island", ISLANDS)
def test_the_servers_table_stays_where_the_island_does_not_load(
    opened: Opened, system: Deployment, plain: Tab, fleet: str, island: str
) -> None:
    tab = opened(system)
    tab.keep_out(f"**/{island}.min.js*")
    tab.open(PAGES[island])
    tab.connected()

    assert names(tab) == as_served(plain, tab)


@pytest.mark.parametrize("island", ISLANDS)
def test_the_servers_table_stays_while_the_api_is_away(
    opened: Opened, system: Deployment, plain: Tab, fleet: str, island: str
) -> None:
    tab = opened(system)
    tab.watch.expect_status(503)
    asked = f"**/api{PAGES[island]}*"
    tab.page.route(
        asked, lambda route: route.fulfill(status=503, json={"error": {"code": "unavailable", "message": "-"}})
    )
    with tab.page.expect_response(re.compile(f"/api{PAGES[island]}")):
        tab.open(PAGES[island])

    assert names(tab) == as_served(plain, tab)
    expect(tab.page.locator(f'[data-island="{island}"]')).not_to_have_attribute("data-mounted", "")


@pytest.mark.parametrize("title", ["Schedule", "Trigger", "Job", "Next", "Last", "State"])
def test_rows_are_sorted_as_the_server_sorts_them_and_a_reload_shows_the_same(
    opened: Opened, system: Deployment, plain: Tab, fleet: str, title: str
) -> None:
    tab = opened(system)
    tab.open(f"/schedules?tag={fleet}")
    grid = tab.mounted(SCHEDULES)
    unsorted = names(tab)

    for direction in ("ascending", "descending"):
        tab.press(title, within=head(grid, title))
        expect(head(grid, title)).to_have_attribute("aria-sort", direction)
        shown = names(tab)
        assert shown == as_served(plain, tab)
        tab.reload()
        grid = tab.mounted(SCHEDULES)
        assert names(tab) == shown

    tab.press(title, within=head(grid, title))
    expect(head(grid, title)).to_have_attribute("aria-sort", "none")
    assert names(tab) == unsorted
    assert tab.path == f"/schedules?tag={fleet}"


def test_sorting_by_the_keyboard_keeps_the_focus(opened: Opened, system: Deployment, fleet: str) -> None:
    tab = opened(system)
    tab.open(f"/schedules?tag={fleet}")
    grid = tab.mounted(SCHEDULES)
    button = head(grid, "Schedule").get_by_role("button")

    button.focus()
    tab.page.keyboard.press("Enter")
    expect(head(grid, "Schedule")).to_have_attribute("aria-sort", "ascending")
    expect(button).to_be_focused()
    assert names(tab) == ["apple", "fleet-4", "Pear", "quince 9", "Quince 10"]
    tab.page.keyboard.press(" ")

    expect(head(grid, "Schedule")).to_have_attribute("aria-sort", "descending")
    expect(button).to_be_focused()


def test_a_filter_lives_in_the_address_and_back_leads_back(
    opened: Opened, system: Deployment, plain: Tab, fleet: str
) -> None:
    tab = opened(system)
    tab.open("/schedules")
    grid = tab.mounted(SCHEDULES)
    everything = names(tab)
    tab.unfold("Filter", within=grid)
    grid.get_by_role("textbox", name="Tag").fill(fleet)
    grid.get_by_role("textbox", name="Search").fill("quince")
    tab.press("Show", within=grid)

    tab.page.wait_for_url(re.compile("tag=fleet"))
    expect(grid.locator("tbody tr")).to_have_count(2)
    found = names(tab)
    assert found == as_served(plain, tab)
    tab.reload()
    tab.mounted(SCHEDULES)
    assert names(tab) == found
    expect(grid.get_by_role("textbox", name="Search")).to_have_value("quince")

    tab.press("Clear", within=grid)
    expect(grid.locator("tbody tr")).to_have_count(len(everything))
    tab.page.go_back()

    tab.mounted(SCHEDULES)
    expect(grid.locator("tbody tr")).to_have_count(2)
    expect(grid.get_by_role("textbox", name="Search")).to_have_value("quince")


@pytest.mark.parametrize("slower", [1, 6], ids=["as fast as it is", "a slow machine"])
def test_several_statuses_are_chosen_by_typing_on_without_waiting_for_the_menu(
    opened: Opened, system: Deployment, slower: int
) -> None:
    tag = f"chosen-{slower}"
    for method in ("noop", "fail_for_good"):
        system.api.run("work", method, tags=[tag], wait_seconds=10)
    sleeper = system.api.run("work", "sleep", {"seconds": 60.0}, tags=[tag])["execution_id"]
    system.api.do(f"/api/executions/{sleeper}/cancel")
    system.api.ended(sleeper)
    tab = opened(system)
    tab.open(f"/executions?tag={tag}")
    grid = tab.mounted(EXECUTIONS)
    expect(grid.locator("tbody tr")).to_have_count(3)

    with tab.slowed(slower):
        grid.get_by_role("combobox", name="Status").focus()
        for key in ("ArrowDown", "e", "Enter", "ArrowUp", "Enter"):
            tab.page.keyboard.press(key)
        tab.press("Show", within=grid)

    expect(tab.page.get_by_role("listbox")).to_have_count(0)
    expect(tab.page).to_have_url(re.compile("status=error,success"))
    expect(grid.locator("tbody tr")).to_have_count(2)
    assert names(tab) == ["fail_for_good", "noop"]


def test_what_is_wrong_with_a_filter_stands_beside_it(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.watch.expect_status(422)
    tab.open("/executions")
    grid = tab.mounted(EXECUTIONS)
    tab.unfold("Filter", within=grid)
    since = grid.get_by_role("textbox", name="Created since")
    since.fill("soon")

    tab.press("Show", within=grid)

    expect(grid).to_contain_text("Nothing is shown until the filter is right.")
    expect(since).to_have_value("soon")
    expect(since).to_have_accessible_description(re.compile("soon|time|instant", re.IGNORECASE))


def test_a_long_list_is_turned_over_page_by_page(opened: Opened, system: Deployment) -> None:
    runs = [{"handler_id": "work", "method_name": "noop", "tags": ["turned"]} for _ in range(60)]
    ids = system.api.do("/api/run_now/batch", {"runs": runs})["execution_ids"]
    for id_ in ids:
        system.api.ended(id_)
    tab = opened(system)
    tab.open("/executions?tag=turned&limit=25")
    grid = tab.mounted(EXECUTIONS)

    def shown() -> list[str]:
        links = grid.locator("tbody a.name").evaluate_all("all => all.map((link) => link.getAttribute('href'))")
        return [link.removeprefix("/executions/") for link in links]

    turned = shown()
    for count in (25, 10):
        last = turned[-1]
        tab.press("Next page", within=grid)
        expect(grid.locator(f'a[href$="{last}"]')).to_have_count(0)
        expect(grid.locator("tbody tr")).to_have_count(count)
        turned += shown()

    assert turned == list(reversed(ids))
    tab.press("First page", within=grid)
    expect(grid.locator(f'a[href$="{ids[-1]}"]')).to_have_count(1)
    tab.page.go_back()
    expect(grid.locator(f'a[href$="{ids[0]}"]')).to_have_count(1)


def test_a_schedule_is_paused_resumed_run_and_deleted_from_its_row(opened: Opened, system: Deployment) -> None:
    id_ = system.api.schedule("work", "noop", SELDOM, schedule_id="handled", tags=["handled"])
    tab = opened(system)
    tab.open("/schedules?tag=handled")
    grid = tab.mounted(SCHEDULES)

    tab.press(f"Pause {id_}", within=grid)
    expect(tab.page.locator("sz-flash")).to_contain_text(f"{id_} is paused")
    expect(grid.get_by_role("button", name=f"Resume {id_}")).to_be_focused()
    assert system.api.read(f"/api/schedules/{id_}")["paused"] is True

    tab.press(f"Resume {id_}", within=grid)
    expect(grid.get_by_role("button", name=f"Pause {id_}")).to_be_visible()
    assert system.api.read(f"/api/schedules/{id_}")["paused"] is False

    tab.press(f"Run {id_} now", within=grid)
    expect(tab.page.locator("sz-flash")).to_contain_text(f"{id_} runs now.")
    expect(grid.locator("tbody tr")).to_contain_text("success", timeout=PATIENCE_MS)

    tab.press(f"Delete {id_}…", within=grid)
    tab.press("Keep", within=tab.page.get_by_role("dialog"))
    assert system.api.reaches(f"/api/schedules/{id_}")
    expect(grid.get_by_role("button", name=f"Delete {id_}…")).to_be_focused()

    tab.press(f"Delete {id_}…", within=grid)
    tab.press("Delete", within=tab.page.get_by_role("dialog"))
    expect(tab.page.locator("sz-flash")).to_contain_text(f"{id_} is deleted.")
    expect(grid).to_contain_text("Nothing is like that.")
    assert system.api.reaches(f"/api/schedules/{id_}", status=404)


def test_what_runs_is_cancelled_from_its_row_after_a_question_that_escape_answers_no(
    opened: Opened, system: Deployment
) -> None:
    id_ = system.api.run("work", "sleep", {"seconds": 60.0}, tags=["endless"])["execution_id"]
    tab = opened(system)
    tab.open("/executions?tag=endless")
    grid = tab.mounted(EXECUTIONS)
    cancel = grid.get_by_role("button", name=f"Cancel sleep {id_}…")

    cancel.click()
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    expect(cancel).to_be_focused()
    assert system.api.execution(id_)["completed_at"] is None

    cancel.click()
    tab.press("Cancel it")

    expect(grid.locator("tbody tr")).to_contain_text("cancelled", timeout=PATIENCE_MS)
    assert system.api.ended(id_)["status"] == "cancelled"


def test_a_handler_is_pinged_and_paused_from_its_row(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/handlers?q=work")
    grid = tab.mounted("handler-grid")

    tab.press("Ping work", within=grid)
    expect(tab.page.locator("sz-flash")).to_contain_text("answered within")

    try:
        tab.press("Pause work", within=grid)
        expect(grid.get_by_role("button", name="Resume work")).to_be_focused()
        assert system.api.read("/api/handlers/work")["paused"] is True
        tab.press("Resume work", within=grid)
        expect(grid.get_by_role("button", name="Pause work")).to_be_focused()
    finally:
        system.api.do("/api/handlers/work/resume")


def test_what_goes_wrong_is_told_and_the_rows_are_read_again(browser: Browser, system: Deployment) -> None:
    id_ = system.api.schedule("work", "noop", SELDOM, schedule_id="gone-meanwhile", tags=["gone"])
    with Tab(browser, system.api.url) as tab:
        tab.page.route_web_socket("**/ws", lambda socket: socket.close())
        tab.open("/schedules?tag=gone")
        grid = tab.mounted(SCHEDULES)
        system.api.delete(f"/api/schedules/{id_}")

        tab.press(f"Run {id_} now", within=grid)

        expect(tab.page.locator("sz-flash")).to_contain_text(id_)
        expect(grid).to_contain_text("Nothing is like that.")


def test_news_appear_while_sort_focus_and_scroll_stay(opened: Opened, system: Deployment, fleet: str) -> None:
    tab = opened(system, PHONE)
    tab.open(f"/schedules?tag={fleet}&sort=-name")
    grid = tab.mounted(SCHEDULES)
    tab.connected()
    before = names(tab)
    edit = grid.get_by_role("link", name="Edit fleet-1")
    edit.focus()
    scrolled = tab.page.evaluate("scrollY")

    try:
        system.api.schedule("work", "noop", SELDOM, schedule_id="fleet-9", name="Zucchini", tags=[fleet])
        expect(grid.get_by_role("link", name="Zucchini")).to_have_count(1, timeout=PATIENCE_MS)
        assert names(tab) == ["Zucchini", *before]
        expect(edit).to_be_focused()
        assert scrolled > 0
    finally:
        system.api.delete("/api/schedules/fleet-9")
    expect(grid.get_by_role("link", name="Zucchini")).to_have_count(0, timeout=PATIENCE_MS)
    expect(edit).to_be_focused()


def test_going_from_page_to_page_leaves_one_island_on_each(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/schedules")
    navigation = tab.page.get_by_role("navigation", name="Main")

    for _ in range(2):
        for name, island in (("Handlers", "handler-grid"), ("Executions", EXECUTIONS), ("Schedules", SCHEDULES)):
            tab.follow(name, within=navigation)
            expect(tab.page.locator("h1")).to_have_text(name)
            expect(tab.mounted(island).locator("table")).to_have_count(1)
            expect(tab.page.locator("[data-island]")).to_have_count(1)
    for heading in ("Executions", "Handlers"):
        tab.page.go_back()
        expect(tab.page.locator("h1")).to_have_text(heading)
        expect(tab.page.locator("[data-island]")).to_have_count(1)
        expect(tab.page.locator("[data-island] table")).to_have_count(1)


def test_hostile_texts_are_texts_in_a_grid_too(opened: Opened, system: Deployment, history: History) -> None:
    tab = opened(system)
    tab.open("/schedules?q=hostile")
    grid = tab.mounted(SCHEDULES)

    expect(grid).to_contain_text(HOSTILE[0])
    assert grid.locator("img, script").count() == 0


def test_instants_are_shown_in_the_viewers_zone(opened: Opened, system: Deployment, fleet: str) -> None:
    tab = opened(system)
    tab.open(f"/schedules?tag={fleet}&q=apple")
    grid = tab.mounted(SCHEDULES)

    instant = grid.locator("tbody time").first
    expect(instant).to_have_text(re.compile(r"30 Nov \d{4}, 18:00:00"))
    expect(instant).to_have_attribute("title", re.compile(r"\d{4}-11-30 23:00:00 UTC"))
