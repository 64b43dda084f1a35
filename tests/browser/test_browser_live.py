"""What happens elsewhere appears by itself; a server that goes away and comes back loses nothing."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from schedulezero.testkit.browser.tab import PATIENCE_MS, Tab
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.waiting import eventually

from .conftest import Opened


def row(tab: Tab, execution_id: str) -> str:
    return f'main a[href="/executions/{execution_id}"]'


def test_an_execution_appears_and_ends_before_ones_eyes(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/executions?tag=watched")
    tab.connected()

    id_ = system.api.run("work", "sleep", {"seconds": 1.5}, tags=["watched"])["execution_id"]

    expect(tab.page.locator(row(tab, id_))).to_be_visible(timeout=PATIENCE_MS)
    tab.shows("running")
    tab.shows("success")


def test_a_schedule_and_its_pause_appear_and_it_goes_when_it_is_deleted(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/schedules?tag=live")
    tab.connected()

    id_ = system.api.schedule("work", "noop", {"type": "interval", "days": 1}, schedule_id="live", tags=["live"])
    link = tab.page.get_by_role("link", name=id_, exact=True)
    expect(link.first).to_be_visible(timeout=PATIENCE_MS)

    system.api.do(f"/api/schedules/{id_}/pause")
    tab.shows("paused")

    system.api.delete(f"/api/schedules/{id_}")
    expect(tab.page.locator(f'main a[href="/schedules/{id_}"]')).to_have_count(0, timeout=PATIENCE_MS)


def test_an_instance_that_comes_and_goes_is_told(opened: Opened, system: Deployment) -> None:
    tab = opened(system)
    tab.open("/handlers")
    tab.connected()

    guest = system.handler("other-1", "other").start()
    tab.shows("other-1")
    guest.end()

    tab.shows("Disconnected")


def test_what_somebody_types_and_has_opened_stays_while_the_page_renews_itself(
    opened: Opened, system: Deployment
) -> None:
    id_ = system.api.schedule("work", "noop", {"type": "interval", "days": 1}, schedule_id="typed-while-live")
    tab = opened(system)
    tab.open(f"/schedules/{id_}")
    tab.connected()
    tab.unfold("Pause…")
    tab.fill("Reason", "half a sen")
    tab.field("Reason").focus()

    run = system.api.do(f"/api/schedules/{id_}/run")["execution_id"]

    expect(tab.page.locator(row(tab, run)).first).to_be_visible(timeout=PATIENCE_MS)
    assert tab.field("Reason").input_value() == "half a sen"
    expect(tab.field("Reason")).to_be_focused()


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Deployment]:
    """A system in three processes, so that one of them alone can go away."""
    with Deployment(tmp_path) as deployment:
        deployment.handler("work-1").start()
        deployment.start()
        deployment.await_instances("work-1")
        yield deployment


def test_a_page_tells_that_the_server_is_away_and_catches_up_once_it_is_back(opened: Opened, apart: Deployment) -> None:
    tab = opened(apart)
    tab.watch.expect("WebSocket connection|ERR_CONNECTION_REFUSED|net::ERR_")
    tab.open("/executions")
    tab.connected()
    apart.api.schedule("work", "noop", {"type": "interval", "seconds": 3}, max_runs=1)

    apart.web.end(signal.SIGKILL)
    status = tab.page.locator("connection-status")
    expect(status).to_have_text("Not connected", timeout=PATIENCE_MS)
    eventually(lambda: apart.diary, what="a run while nobody could look")
    apart.web.start()

    expect(status).to_have_text("Live", timeout=2 * PATIENCE_MS)
    tab.shows("success")
