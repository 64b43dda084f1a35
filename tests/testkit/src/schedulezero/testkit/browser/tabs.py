"""Tabs that tests use one after another: a window of its own for each test would take most of its time."""

from playwright.sync_api import Browser

from schedulezero.testkit.browser.looks import LIGHT, Look
from schedulezero.testkit.browser.tab import Tab

_Kind = tuple[str, Look]


class Tabs:
    """The tabs of a browser; `close` closes them.

    Args:
        browser: in which they are opened.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[_Kind, list[Tab]] = {}

    def take(self, url: str, look: Look = LIGHT) -> Tab:
        """Return a tab that nobody else has, as if it had just been opened."""
        free = self._free.get((url, look))
        return free.pop() if free else Tab(self._browser, url, look)

    def give_back(self, tab: Tab) -> None:
        """Let others have a tab."""
        tab.leave()
        self._free.setdefault((tab.url, tab.look), []).append(tab)

    def close(self) -> None:
        for tab in (tab for free in self._free.values() for tab in free):
            tab.close()
        self._free.clear()
