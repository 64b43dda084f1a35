"""One tab that somebody uses, and what the browser has to say about it."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from playwright.sync_api import Browser, Locator, Page, Response, expect

from schedulezero.testkit.browser.chromium import window
from schedulezero.testkit.browser.islands import islands_are_built
from schedulezero.testkit.browser.looks import LIGHT, Look
from schedulezero.testkit.browser.watch import Watch

PATIENCE_MS = 15_000
"""How long what comes by itself may take: a run, an event, a reconnection."""

_UNPACK = """async (png) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
  return [picture.width, picture.height, new Uint8Array(data.buffer).toBase64()];
}"""


class Tab:
    """A tab of a window of its own.

    Args:
        browser: in which it is opened.
        url: the gateway's.
        look: how it is looked at.
    """

    def __init__(self, browser: Browser, url: str, look: Look = LIGHT) -> None:
        self.url, self.look = url, look
        self._context = window(browser, look, url)
        self.watch = Watch(self._context, url)
        self.page: Page = self._context.new_page()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._context.close()

    def leave(self) -> None:
        """Leave everything behind: the page, what was permitted or kept out, cookies, complaints."""
        self.page.goto("about:blank")
        self.page.unroute_all()
        self._context.clear_permissions()
        self._context.clear_cookies()
        self.watch.begin_again()

    # -- going about -----------------------------------------------------------------------------------------------

    def open(self, path: str, status: int = 200) -> Response:
        """Go to a path, which answers with `status`, and return the answer."""
        if status >= 400:
            self.watch.expect_status(status)
        answer = self.page.goto(path, wait_until="load")
        assert answer is not None, f"{path} is the page that is open"
        assert answer.status == status, f"{path}: {answer.status}"
        return answer

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """Press the button of this name."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str, *, within: Locator | None = None) -> None:
        """Follow the link of this name."""
        (within or self.page).get_by_role("link", name=name, exact=True).click()

    def unfold(self, title: str, *, within: Locator | None = None) -> None:
        """Open what is folded under a title."""
        (within or self.page).locator("summary", has_text=title).click()

    def fill(self, label: str, text: str) -> None:
        """Type a text into the field of this label, over what is there."""
        self.field(label).fill(text)

    def reload(self) -> None:
        self.page.reload(wait_until="load")

    def connected(self) -> None:
        """Wait until the page is told of what happens; without scripts it never is."""
        expect(self.page.locator("connection-status")).to_have_attribute("state", "live", timeout=PATIENCE_MS)

    def mounted(self, island: str) -> Locator:
        """Wait until an island has taken the place of the server's table, and return it."""
        found = self.page.locator(f'[data-island="{island}"]')
        expect(found).to_have_attribute("data-mounted", "", timeout=PATIENCE_MS)
        return found

    def settled(self, island: str = "") -> None:
        """Wait until a page is as it will be: with its island, where there is one and scripts run."""
        if island and self.look.scripts and islands_are_built():
            self.mounted(island)

    def keep_out(self, pattern: str) -> None:
        """Let nothing that is fetched from such an address come through: `**/*-grid.min.js`."""
        self.watch.expect("net::ERR_FAILED")
        self.page.route(pattern, lambda route: route.abort())

    def permit(self, *permissions: str) -> None:
        """Permit pages what browsers ask for: `clipboard-read`."""
        self._context.grant_permissions(permissions)

    @contextmanager
    def slowed(self, factor: float) -> Iterator[None]:
        """Let the page have only one in `factor` of the processor's seconds while the block runs."""
        session = self._context.new_cdp_session(self.page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": factor})
        try:
            yield
        finally:
            session.detach()

    def pixels(self) -> tuple[int, int, bytes]:
        """Return what the window shows: width, height, and red, green, blue and alpha of each pixel."""
        png = self.page.screenshot(type="png", animations="disabled", caret="hide")
        blank = self._context.new_page()
        try:
            width, height, pixels = blank.evaluate(_UNPACK, b64encode(png).decode())
        finally:
            blank.close()
        return width, height, b64decode(pixels)

    # -- what is there ---------------------------------------------------------------------------------------------

    def field(self, label: str) -> Locator:
        """Return the field whose label begins so; it may go on in brackets: `Handler (required)`."""
        return self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}\s*(\(.*\))?\s*$"))

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    @property
    def path(self) -> str:
        """Path and query of the page."""
        return self.page.url.removeprefix(self.url)

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.page.locator("body").inner_text()

    def shows(self, text: str, *, within: Locator | None = None) -> None:
        """Wait until the main part of the page, or the part `within`, shows a text; reloads where no script runs."""
        place = within or self.page.locator("main")
        if self.look.scripts:
            expect(place).to_contain_text(text, timeout=PATIENCE_MS)
            return
        self.page.wait_for_load_state()  # what is told once is lost by a reload
        for _ in range(_RELOADS):
            if text in place.inner_text():
                return
            self.reload()
            self.page.wait_for_timeout(_BETWEEN_RELOADS_MS)
        expect(place).to_contain_text(text)


_BETWEEN_RELOADS_MS = 100
_RELOADS = PATIENCE_MS // _BETWEEN_RELOADS_MS
