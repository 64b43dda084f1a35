"""Lists: order and page size live in the URL beside the filters, and the buttons of a row lead back to it."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from schedulezero.protocol.answers import Done, ExecutionPage, HandlerPage, RunAccepted, SchedulePage
from schedulezero.protocol.commands import (
    ExecutionCancel,
    ExecutionList,
    HandlerList,
    HandlerPause,
    ScheduleList,
    SchedulePause,
    ScheduleRun,
)
from schedulezero.protocol.states import Status
from schedulezero.web.microsites.sorting import words

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def rows(stage: Any, path: str) -> list[str]:
    html = stage.ask("GET", path).body.decode()
    return re.findall(r'<tr id="\w+-([^"]+)"', html)


def links(stage: Any, path: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]+)"', stage.ask("GET", path).body.decode())]


@pytest.fixture
def three(stage: Any, samples: Any) -> None:
    """Schedules, handlers and executions of which each order is another one."""
    later = samples.now.replace(minute=30)
    found = (
        samples.schedule(id="b10", next_fire_time=later),
        samples.schedule(id="a", next_fire_time=None),
        samples.schedule(id="B9", next_fire_time=samples.now),
    )
    stage.scheduler.answers |= {
        ScheduleList: SchedulePage(schedules=found, count=3, limit=50, next_cursor="b10"),
        ExecutionList: ExecutionPage(
            records=(
                samples.execution(execution_id="e3", duration_ms=5.0),
                samples.execution(execution_id="e2", duration_ms=None, status=Status.RUNNING),
                samples.execution(execution_id="e1", duration_ms=1.0),
            ),
            count=3,
            limit=50,
            next_cursor=None,
        ),
    }
    stage.registry.answers[HandlerList] = HandlerPage(
        handlers=(samples.handler(id="b", methods=("x",)), samples.handler(id="a", methods=("y", "z"))), count=2
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/schedules", ["b10", "a", "B9"]),
        ("/schedules?sort=name", ["a", "B9", "b10"]),
        ("/schedules?sort=-name", ["b10", "B9", "a"]),
        ("/schedules?sort=next", ["B9", "b10", "a"]),
        ("/schedules?sort=-next", ["b10", "B9", "a"]),
        ("/executions", ["e3", "e2", "e1"]),
        ("/executions?sort=duration", ["e1", "e3", "e2"]),
        ("/handlers", ["a", "b"]),
        ("/handlers?sort=-methods", ["a", "b"]),
        ("/handlers?sort=-id", ["b", "a"]),
    ],
)
@pytest.mark.usefixtures("three")
def test_rows_come_in_the_order_of_the_address_and_those_without_a_value_last(
    stage: Any, path: str, shown: list[str]
) -> None:
    assert rows(stage, path) == shown


@pytest.mark.usefixtures("three")
def test_a_head_leads_up_then_down_then_back_and_keeps_the_filters(stage: Any) -> None:
    assert "/schedules?tag=x&sort=name" in links(stage, "/schedules?tag=x")
    assert "/schedules?tag=x&sort=-name" in links(stage, "/schedules?tag=x&sort=name")
    assert "/schedules?tag=x" in links(stage, "/schedules?tag=x&sort=-name")
    assert b'<th scope="col" aria-sort="descending">' in stage.ask("GET", "/schedules?sort=-name").body


@pytest.mark.parametrize("path", ["/schedules", "/executions", "/handlers"])
@pytest.mark.usefixtures("three")
def test_an_order_that_is_none_is_told_with_those_that_there_are(stage: Any, path: str) -> None:
    answer = stage.ask("GET", f"{path}?sort=colour")

    assert answer.status == 422
    assert b"sort: no column is called &#x27;colour&#x27;; known are" in answer.body.replace(b"&#39;", b"&#x27;")


@pytest.mark.usefixtures("three")
def test_the_size_of_a_page_stays_with_other_filters_and_begins_the_list_anew(stage: Any) -> None:
    found = links(stage, "/schedules?limit=25&cursor=a&sort=name")
    html = stage.ask("GET", "/schedules?limit=25&sort=name").body.decode()

    assert stage.scheduler.asked[0].limit == 25
    assert "/schedules?limit=100&sort=name" in found
    assert "/schedules?limit=25&sort=name" in found
    assert '<input type="hidden" name="limit" value="25">' in html
    assert '<input type="hidden" name="sort" value="name">' in html


@pytest.mark.parametrize(("q", "found"), [("A", ["a"]), ("X", ["b"]), ("nothing", [])])
@pytest.mark.usefixtures("three")
def test_handlers_are_found_by_id_and_by_method_on_the_page_and_over_the_api(
    stage: Any, q: str, found: list[str]
) -> None:
    assert rows(stage, f"/handlers?q={q}") == found
    assert [handler["id"] for handler in stage.ask("GET", f"/api/handlers?q={q}").json["handlers"]] == found


@pytest.mark.usefixtures("three")
def test_handlers_are_turned_over_page_by_page(stage: Any) -> None:
    assert rows(stage, "/handlers?limit=1") == ["a"]
    assert "/handlers?limit=1&cursor=a" in links(stage, "/handlers?limit=1")
    assert rows(stage, "/handlers?limit=1&cursor=a") == ["b"]


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/schedules/a/pause", "/schedules?tag=x&sort=-next"),
        ("/schedules/a/run", "/schedules"),
        ("/executions/e/cancel", "/executions?status=running"),
        ("/handlers/a/pause", "/handlers?q=a"),
    ],
)
def test_the_button_of_a_row_leads_back_to_its_list(stage: Any, samples: Any, path: str, back: str) -> None:
    stage.scheduler.answers |= {
        SchedulePause: samples.schedule(),
        ScheduleRun: RunAccepted(status="accepted", execution_id="e"),
        ExecutionCancel: samples.execution(status=Status.CANCELLED),
        HandlerPause: Done(),
    }

    answer = stage.ask("POST", path, raw=urlencode({"back": back}).encode(), headers=FORM)

    assert (answer.status, answer.headers["Location"]) == (303, back)


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/schedules", "/schedules\r\nX: y", "/schedules/../x", "/api/config"]
)
def test_it_leads_to_no_other_place(stage: Any, samples: Any, back: str) -> None:
    stage.scheduler.answers[SchedulePause] = samples.schedule()

    answer = stage.ask("POST", "/schedules/a/pause", raw=urlencode({"back": back}).encode(), headers=FORM)

    assert (answer.status, answer.headers["Location"]) == (303, "/schedules/a")


@pytest.mark.usefixtures("three")
def test_each_button_to_run_has_a_key_of_its_own_so_that_two_presses_run_once(stage: Any) -> None:
    stage.scheduler.answers[ScheduleRun] = RunAccepted(status="accepted", execution_id="e")
    keys = re.findall(r'name="key" value="(\w+)"', stage.ask("GET", "/schedules").body.decode())

    for _ in range(2):
        stage.ask("POST", "/schedules/a/run", raw=f"key={keys[0]}".encode(), headers=FORM)

    assert len(set(keys)) == 3
    assert [command.idempotency_key for command in stage.scheduler.asked[-2:]] == [keys[0], keys[0]]


def test_words_are_ordered_as_people_do_it() -> None:
    assert sorted(["run-10", "Run-9", "run", "alpha"], key=words) == ["alpha", "run", "Run-9", "run-10"]
