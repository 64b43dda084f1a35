"""The pages, as a browser without JavaScript gets them."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from schedulezero.protocol.answers import ExecutionPage, HandlerPage, SchedulePage, SchedulerHealth
from schedulezero.protocol.commands import ExecutionList, HandlerList, ScheduleList, SystemHealth
from schedulezero.protocol.states import HandlerStatus, Reason, Status
from schedulezero.protocol.values import Failure, Pause
from schedulezero.web import microsites

HOSTILE = '<script>alert("x")</script>'


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def dash(stage: Any) -> Page:
    answer = stage.ask("GET", "/dash")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return Page(answer.body.decode())


def executions(*records: Any) -> ExecutionPage:
    return ExecutionPage(records=records, count=len(records), limit=15, next_cursor=None)


def schedules(*records: Any) -> SchedulePage:
    return SchedulePage(schedules=records, count=len(records), limit=1000, next_cursor=None, total=len(records))


def test_the_root_leads_to_the_dashboard(stage: Any) -> None:
    answer = stage.ask("GET", "/")

    assert (answer.status, answer.headers["Location"]) == (302, "/dash")


def test_an_empty_system_says_how_to_add_a_first_handler(stage: Any) -> None:
    text = dash(stage).text

    assert "uv run schedulezero handler reports:handler" in text
    assert '-> str:\n    return f"worked on {input_file}"\n' in text
    assert "No schedules yet" in text


def test_schedules_handlers_executions_and_figures_are_shown(stage: Any, samples: Any) -> None:
    stage.registry.answers[HandlerList] = HandlerPage(handlers=(samples.handler(),), count=1)
    stage.scheduler.answers[ScheduleList] = schedules(samples.schedule(name="Quarters"))
    stage.scheduler.answers[ExecutionList] = executions(samples.execution())

    text = dash(stage).text

    for shown in ("clock_tower", "Connected", "Quarters", "interval[0:15:00]", "BONG BONG BONG", "success", "75.0%"):
        assert shown in text


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({"result": Raw(b'"ding-dong"')}, "ding-dong"),
        ({"result": Raw(b'{"n":1,"of":["a,b",{}],"c:d":[]}')}, '{"n": 1, "of": ["a,b", {}], "c:d": []}'),
        ({"status": Status.ERROR, "error": Failure(type="ValueError", message="no bell")}, "ValueError: no bell"),
        ({"status": Status.SKIPPED, "reason": Reason.NO_HANDLER}, "not run: no handler"),
        ({"status": Status.RETRYING, "attempt_number": 2}, "attempt 2 of 3"),
        ({"result": Raw(b'"' + b"x" * 900_000 + b'"')}, "xxx…"),
    ],
)
def test_an_execution_is_told_in_a_line(stage: Any, samples: Any, changed: Any, shown: str) -> None:
    stage.scheduler.answers[ExecutionList] = executions(samples.execution(**changed))

    assert shown in dash(stage).text


def test_times_are_exact_for_machines_and_relative_for_people(stage: Any, samples: Any) -> None:
    stage.scheduler.answers[ExecutionList] = executions(samples.execution())
    stage.clock.advance(90)

    page = dash(stage)

    assert {"class": "away", "datetime": "2026-11-23T06:00:00Z", "title": "2026-11-23 06:00:00 UTC"} in page.all("time")
    assert "1 min ago" in page.text


@pytest.mark.parametrize("status", [*Status, *HandlerStatus, "active", "paused", "quarantined", "finished"])
def test_every_status_has_a_shape_besides_its_colour(stage: Any, status: str) -> None:
    shapes = {symbol["id"] for symbol in dash(stage).all("symbol")}

    assert f"mark-{status.lower()}" in shapes


def test_hostile_text_is_shown_and_never_run(stage: Any, samples: Any) -> None:
    stage.registry.answers[HandlerList] = HandlerPage(
        handlers=(samples.handler(id=HOSTILE, methods=(HOSTILE,)),), count=1
    )
    stage.scheduler.answers[ScheduleList] = schedules(
        samples.schedule(id='"><script>', name=HOSTILE, trigger=HOSTILE, error=HOSTILE)
    )
    stage.scheduler.answers[ExecutionList] = executions(
        samples.execution(handler_id=HOSTILE, method_name=HOSTILE, result=Raw(b'"<script>alert(\\"x\\")</script>"')),
        samples.execution(execution_id='"><script>', status=Status.ERROR, error=Failure(type=HOSTILE, message=HOSTILE)),
    )

    page = dash(stage)

    assert all(str(script.get("src")).startswith("/assets/container/") for script in page.all("script"))
    assert page.text.count(HOSTILE) >= 9


@pytest.mark.parametrize(("away", "told"), [("scheduler", "the scheduler"), ("registry", "the registry")])
def test_the_page_stands_and_says_so_while_a_service_is_away(stage: Any, away: str, told: str) -> None:
    stage.take_away(away)

    text = dash(stage).text

    assert f"Not known while {told} is away" in text
    assert f"{told} does not answer" in text


def test_a_pause_of_everything_is_told(stage: Any, samples: Any) -> None:
    pause = Pause(reason="moving house", paused_by="local", paused_at=samples.now)
    stage.scheduler.answers[SystemHealth] = SchedulerHealth(version="1", database="ok", backlog=0, paused=pause)

    assert "by local: moving house" in dash(stage).text


def test_the_page_renews_itself_without_javascript_too(stage: Any) -> None:
    assert {"http-equiv": "refresh", "content": "5"} in dash(stage).all("meta")


def nonce_of(page: Page) -> str | None:
    return next(meta["content"] for meta in page.all("meta") if meta.get("name") == "csp-nonce")


def test_no_two_answers_have_the_same_nonce(stage: Any) -> None:
    assert nonce_of(dash(stage)) != nonce_of(dash(stage))


def test_the_policy_admits_own_files_only_and_the_page_needs_no_more(stage: Any) -> None:
    answer = stage.ask("GET", "/dash")
    page = Page(answer.body.decode())

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert f"style-src 'self' 'nonce-{nonce_of(page)}';" in policy
    assert not page.all("style")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/dash", "/docs", "/docs/", "/docs-content/", "/nowhere"])
def test_every_asset_that_a_page_refers_to_is_there(stage: Any, path: str) -> None:
    page = Page(stage.ask("GET", path).body.decode())
    linked = [element.get("href") for element in page.all("link")] + [
        element.get("src") for tag in ("script", "img") for element in page.all(tag)
    ]

    assert linked
    for url in linked:
        answer = stage.ask("GET", url)
        assert (answer.status, answer.headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/assets/container/../../__init__.py", "/assets/container/%2e%2e/site.py", "/assets/nothing.css"]
)
def test_nothing_but_assets_is_served_as_an_asset(stage: Any, path: str) -> None:
    assert stage.ask("GET", path).status == 404


def test_an_unknown_page_is_a_404_page(stage: Any) -> None:
    answer = stage.ask("GET", f"/{HOSTILE}".replace(" ", "%20"))

    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"<script>alert" not in answer.body


def test_a_page_names_its_place_in_the_navigation(stage: Any) -> None:
    current = [link for link in dash(stage).all("a") if link.get("aria-current") == "page"]

    assert [link["href"] for link in current] == ["/dash"]


def test_a_folder_that_defines_a_site_takes_part() -> None:
    folders = {path.parent.name for path in Path(microsites.__path__[0]).glob("*/__init__.py")}

    assert {site.name for site in microsites.discover()} == folders


def test_the_brand_colours_are_used() -> None:
    css = (Path(microsites.__path__[0]) / "container/assets/layout.css").read_text()

    assert set(re.findall(r"--\w+: (#\w{6});", css)) >= {"#2563eb", "#6366f1", "#10b981", "#f59e0b", "#ef4444"}


def test_the_newest_executions_are_drawn_and_told_in_words_too(stage: Any, samples: Any) -> None:
    stage.scheduler.answers[ExecutionList] = executions(
        samples.execution(execution_id="e3", status=Status.ERROR, duration_ms=60_000.0),
        samples.execution(execution_id="e2"),
        samples.execution(execution_id="e1"),
    )

    page = dash(stage)

    drawing = next(svg for svg in page.all("svg") if svg.get("role") == "img")
    assert drawing["aria-label"] == "The newest 3: 2 succeeded, 1 failed"
    assert [bar["class"] for bar in page.all("g")] == ["bar bar-error", "bar bar-success", "bar bar-success"]
    heights = [int(str(bar["height"])) for bar in page.all("rect")]
    assert heights[0] > heights[1] == heights[2]


@pytest.mark.parametrize(
    ("result", "spoken"),
    [(b'"ding-dong"', "ding-dong"), (b'{"n":1,"a":"ding","b":"ding dang"}', "ding dang"), (b"[1]", None)],
)
def test_the_newest_result_in_words_is_the_headline(
    stage: Any, samples: Any, result: bytes, spoken: str | None
) -> None:
    stage.scheduler.answers[ExecutionList] = executions(samples.execution(result=Raw(result)))

    html = stage.ask("GET", "/dash").body.decode()

    assert re.findall(r'<p class="spoken">([^<]*)</p>', html) == ([spoken] if spoken else [])


def test_a_page_that_asks_for_itself_anew_leaves_what_a_form_has_done_to_be_told(stage: Any) -> None:
    cookie = {"Cookie": "sz_flash=eyJ0ZXh0IjoiZG9uZSJ9"}

    live = stage.ask("GET", "/dash", headers={**cookie, "Sz-Live": "1"})
    visit = stage.ask("GET", "/dash", headers=cookie)

    assert (b"<sz-flash" in live.body, live.headers["Set-Cookie"]) == (False, None)
    assert b"<p>done</p>" in visit.body
