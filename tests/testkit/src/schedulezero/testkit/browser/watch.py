"""What a browser complains about while somebody uses a page, kept until a test asks for it."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, WebError

_HEARD = ("error", "warning")
# Whoever leaves a page does not wait for what it is still fetching.
_LEFT = "net::ERR_ABORTED"
_TELL_OF_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => console.error(
  `policy violation: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile ?? ""}:${event.lineNumber}`));
"""


class Watch:
    """Listens to a window.

    Args:
        context: the window.
        url: where its pages are; a request to any other host is a fault.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._heard: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        context.add_init_script(_TELL_OF_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("dialog", self._dialog)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)

    def expect(self, pattern: str) -> None:
        """Take complaints in which `pattern` is found as part of what the test does, from now on and from before."""
        self._expected.append(re.compile(pattern))

    def expect_status(self, status: int) -> None:
        """Take it as right that the server answers with this status."""
        self.expect(rf"the server responded with a status of {status}\b")

    def begin_again(self) -> None:
        """Forget what was heard, and what was expected."""
        self._heard.clear()
        self._expected.clear()

    @property
    def faults(self) -> list[str]:
        """What it has heard and nobody expected."""
        return [fault for fault in self._heard if not any(one.search(fault) for one in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in _HEARD:
            self._heard.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self._heard.append(f"uncaught: {error.error}")

    def _dialog(self, dialog: Dialog) -> None:
        """No page of ours has any: a text that has come in was run as a program."""
        self._heard.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != self._host:
            self._heard.append(f"request to another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != _LEFT:
            self._heard.append(f"request failed: {request.failure} {request.url}")
