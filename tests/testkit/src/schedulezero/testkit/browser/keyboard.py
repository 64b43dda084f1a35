"""A walk through a page with the Tab key alone."""

from dataclasses import dataclass
from importlib.resources import files

from playwright.sync_api import Page

_STEPS = (files("schedulezero.testkit.browser") / "keyboard.js").read_text(encoding="utf-8")
_MOST_STEPS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where the Tab key has led.

    Attributes:
        expected: what can be operated, as it stands on the page.
        stops: where the focus has been, of these.
        unmarked: stops at which nothing shows where the focus is.
    """

    expected: list[str]
    stops: list[str]
    unmarked: list[str]


def walk(page: Page) -> Walk:
    """Press Tab from the top of a page until the focus is back there."""
    page.evaluate(_STEPS)
    expected: list[str] = page.evaluate("() => walk.expected()")
    for _ in range(_MOST_STEPS):
        page.keyboard.press("Tab")
        if page.evaluate("() => walk.step()"):
            break
    else:
        raise AssertionError(f"the focus is caught: {page.evaluate('() => walk.stops')[-5:]}")
    return Walk(
        expected=expected, stops=page.evaluate("() => walk.stops"), unmarked=page.evaluate("() => walk.unmarked")
    )
