"""The checks that pages pass are able to fail."""

from collections.abc import Callable, Iterator

import pytest

from schedulezero.testkit.browser.audit import audit
from schedulezero.testkit.browser.keyboard import walk
from schedulezero.testkit.browser.looks import DARK, LIGHT, PHONE, Look
from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.browser.tabs import Tabs

NOBODY = "http://127.0.0.1:9"

Showing = Callable[[Look], Tab]


@pytest.fixture
def showing(tabs: Tabs) -> Iterator[Showing]:
    """Opens a tab that shows nothing yet and may be complained of."""
    taken: list[Tab] = []

    def show(look: Look) -> Tab:
        taken.append(tabs.take(NOBODY, look))
        return taken[-1]

    yield show
    for tab in taken:
        tabs.give_back(tab)


@pytest.fixture(params=[LIGHT, LIGHT.without_scripts()], ids=str)
def blank(request: pytest.FixtureRequest, showing: Showing) -> Tab:
    return showing(request.param)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<p style="color: #999">grey', 'p: "grey" has a contrast of 2.85'),
        ('<p style="color: #0008; background: white">half', 'p: "half" has a contrast of 4.48'),
        ('<div style="opacity: .4"><p>dim', 'p: "dim" has a contrast of 2.85'),
        ('<p style="color: white; background: linear-gradient(#000, #ddd)">hill', 'p: "hill" has a contrast of 1.36'),
        ('<p style="background: url(data:,)">cloud', 'p: a picture lies behind "cloud"'),
        ('<input value="typed" style="color: #aaa">', 'input: "typed" has a contrast of 2.32'),
        ('<input placeholder="hinted"><style>::placeholder { color: #bbb }</style>', '"hinted" has a contrast of 1.92'),
    ],
)
def test_faint_text_is_found(blank: Tab, html: str, fault: str) -> None:
    blank.page.set_content(f"<!doctype html><body>{html}")

    (found,) = audit(blank.page).faint

    assert found.endswith(fault)


@pytest.mark.parametrize(
    "html",
    [
        "<p>black",
        '<p style="color: #fff; background: #000c">dark enough',
        '<p hidden style="color: #eee">unseen',
        '<button disabled style="color: #eee">not to be used</button>',
        '<p style="color: #eee; position: absolute; left: -100vw">elsewhere',
    ],
)
def test_text_that_can_be_read_or_is_not_shown_is_no_fault(blank: Tab, html: str) -> None:
    blank.page.set_content(f"<!doctype html><body>{html}")

    assert audit(blank.page).faint == []


def test_by_night_text_is_held_against_the_dark(showing: Showing) -> None:
    tab = showing(DARK)
    tab.page.set_content('<!doctype html><meta name="color-scheme" content="light dark"><p style="color: #222">dark')

    assert len(audit(tab.page).faint) == 1


@pytest.mark.parametrize(
    "html", ['<button><svg width="9" height="9"></svg></button>', "<input>", '<a href="/"></a>', '<img src="data:,">']
)
def test_what_has_no_name_is_found(blank: Tab, html: str) -> None:
    blank.page.set_content(f"<!doctype html><body>{html}")

    assert len(audit(blank.page).nameless) == 1


def test_what_is_wider_than_the_window_is_found_unless_it_scrolls_by_itself(showing: Showing) -> None:
    tab = showing(PHONE)
    tab.page.set_content('<!doctype html><body><div style="width: 400px">wide')
    (found,) = audit(tab.page).too_wide
    tab.page.set_content('<!doctype html><body><div style="overflow: auto"><p style="width: 900px">wide')

    assert found.startswith("48 px wider")
    assert audit(tab.page).too_wide == []


def test_what_has_to_be_moved_sideways_is_found_unless_keys_can_do_it(blank: Tab) -> None:
    part = '<div style="width: 90px; overflow: auto" {}><p style="width: 100px">wide'
    blank.page.set_content(f"<!doctype html><body>{part.format('')}")
    (found,) = audit(blank.page).cut_off
    blank.page.set_content(f"<!doctype html><body>{part.format('tabindex=0')}")

    assert found.endswith("div: 10 px")
    assert audit(blank.page).cut_off == []


def test_an_id_that_is_used_twice_is_found(blank: Tab) -> None:
    blank.page.set_content('<p id="a"><p id="b"><p id="a">')

    assert audit(blank.page).ids_used_twice == ["a"]


def test_a_policy_that_is_violated_is_heard(blank: Tab) -> None:
    policy = "<meta http-equiv=Content-Security-Policy content=\"style-src 'none'\">"
    blank.page.set_content(f"<!doctype html><head>{policy}</head><body><p style='color: red'>red")

    assert any("style-src" in fault for fault in blank.watch.faults)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<script>console.error('oh')</script>", "console error: oh"),
        ("<script>console.warn('hm')</script>", "console warning: hm"),
        ("<script>throw new Error('ah')</script>", "uncaught: "),
        ("<script>alert('ha')</script>", "dialog: ha"),
        ("<img src='http://elsewhere.example/a.png'>", "request to another host: http://elsewhere.example/a.png"),
        (f"<img src='{NOBODY}/a.png'>", "request failed: "),
    ],
)
def test_complaints_are_heard(showing: Showing, html: str, fault: str) -> None:
    tab = showing(LIGHT)
    tab.page.set_content(f"<!doctype html><body>{html}")

    assert any(one.startswith(fault) for one in tab.watch.faults)


def test_a_complaint_that_a_test_expects_is_no_fault(showing: Showing) -> None:
    tab = showing(LIGHT)
    tab.watch.expect("oh")
    tab.page.set_content("<script>console.error('oh')</script>")

    assert tab.watch.faults == []


WALKED = """<!doctype html><body><a href="#a">one</a><button>two</button><details><summary>three</summary>
<input aria-label="four"></details><input type="radio" name="r" aria-label="five" checked>
<input type="radio" name="r" aria-label="six"><button disabled>seven</button><a href="#b" tabindex="-1">eight</a>"""


def test_a_walk_stops_at_what_can_be_reached(blank: Tab) -> None:
    blank.page.set_content(WALKED)

    walked = walk(blank.page)

    assert [stop.split()[1] for stop in walked.stops] == ["one", "two", "three", "five"]
    assert walked.stops == walked.expected


@pytest.mark.parametrize(
    ("style", "unmarked"),
    [
        ("", []),
        ("button:focus-visible { outline: 3px solid blue }", []),
        ("button:focus-visible { outline: none; box-shadow: 0 0 0 3px blue }", []),
        ("button:focus-visible { outline: none }", ["button here"]),
    ],
)
def test_a_stop_that_does_not_show_is_found(blank: Tab, style: str, unmarked: list[str]) -> None:
    blank.page.set_content(f"<!doctype html><style>{style}</style><body><button>here</button>")

    assert walk(blank.page).unmarked == unmarked


def test_an_order_that_is_not_that_of_the_page_is_found(blank: Tab) -> None:
    blank.page.set_content('<!doctype html><body><a href="#a">first</a><a href="#b" tabindex="1">second</a>')

    walked = walk(blank.page)

    assert walked.stops != walked.expected


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=str)
def test_a_window_is_as_it_is_looked_at(showing: Showing, look: Look) -> None:
    tab = showing(look)
    tab.page.set_content("<!doctype html><p>here")

    dark = tab.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    zone = tab.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")

    assert (tab.page.evaluate("innerWidth"), dark, zone) == (look.width, look.theme == "dark", look.zone)
