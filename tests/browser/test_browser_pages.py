"""Every page, by day, by night and on a phone, with scripts and without: it is sound before anybody does anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from schedulezero.testkit.browser.audit import Audit, audit
from schedulezero.testkit.browser.looks import EVERY_LOOK
from schedulezero.testkit.browser.tabs import Tabs
from schedulezero.testkit.deployment import Deployment

from .history import History
from .pages import PLACES, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page as one look has shown it."""

    place: Place
    status: int
    headers: dict[str, str]
    audit: Audit
    faults: list[str]


@pytest.fixture(scope="module", params=list(product(EVERY_LOOK, PLACES)), ids=lambda pair: f"{pair[1]}-{pair[0]}")
def seen(
    request: pytest.FixtureRequest,
    tabs: Tabs,
    system: Deployment,
    fresh: Deployment,
    alone: Deployment,
    history: History,
) -> Iterator[Seen]:
    look, place = request.param
    looked_at = {"system": system, "fresh": fresh, "alone": alone}[place.on]
    tab = tabs.take(looked_at.api.url, look)
    answer = tab.open(place.path(history), status=place.status)
    tab.settled(place.island)
    found = audit(tab.page)
    yield Seen(place=place, status=answer.status, headers=answer.headers, audit=found, faults=tab.watch.faults)
    tabs.give_back(tab)


def test_a_page_loads_without_a_complaint_and_from_this_host_alone(seen: Seen) -> None:
    assert seen.status == seen.place.status
    assert seen.faults == []


def test_a_page_forbids_scripts_and_styles_that_are_not_ours(seen: Seen) -> None:
    policy = seen.headers["content-security-policy"]

    assert "unsafe-" not in policy
    assert "default-src 'none'" in policy


def test_a_page_says_what_it_is(seen: Seen) -> None:
    assert seen.audit.headings == [seen.place.heading]
    assert seen.audit.title.endswith(" · ScheduleZero")
    assert (seen.audit.language, seen.audit.mains) == ("en", 1)
    assert seen.audit.ids_used_twice == []


def test_all_that_can_be_operated_has_a_name(seen: Seen) -> None:
    assert seen.audit.nameless == []


def test_text_stands_out_from_what_is_behind_it(seen: Seen) -> None:
    assert seen.audit.faint == []


def test_a_page_fits_its_window(seen: Seen) -> None:
    assert seen.audit.too_wide == []
    assert seen.audit.cut_off == []
