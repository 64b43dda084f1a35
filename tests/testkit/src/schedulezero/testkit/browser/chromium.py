"""Chromium of the system, driven by Playwright; it reaches nothing but this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from schedulezero.testkit.browser.looks import Look

LACKING = "needs Chromium; install with apt-get install chromium"

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_PATIENCE_MS = 30_000
_EXPECTED_MS = 15_000


def program() -> str | None:
    """Return where Chromium is, if it is installed."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium for as long as the block does.

    Raises:
        FileNotFoundError: it is not installed.
    """
    found = program()
    if found is None:
        raise FileNotFoundError(LACKING)
    with sync_playwright() as playwright:
        expect.set_options(timeout=_EXPECTED_MS)
        browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def window(browser: Browser, look: Look, url: str) -> BrowserContext:
    """Return a window of its own, with no cookie and nothing kept; close it.

    Args:
        browser: what :func:`chromium` runs.
        look: how it is looked at.
        url: where paths start.
    """
    context = browser.new_context(
        base_url=url,
        color_scheme=look.theme,
        viewport={"width": look.width, "height": look.height},
        java_script_enabled=look.scripts,
        has_touch=look.touch,
        timezone_id=look.zone,
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(_PATIENCE_MS)
    return context
