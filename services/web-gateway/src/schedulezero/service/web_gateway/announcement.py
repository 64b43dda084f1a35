"""What the person who has started the gateway is told: where it is, and who else can use it."""

import sys
from collections.abc import Callable

from schedulezero.runtime.settings import Settings, insecure_binds


class Announcement:
    """Tells it on standard output when it starts, so it is the last to start.

    Args:
        settings: the effective settings.
        url: gives where the gateway is reached, once it serves.
    """

    name = "announcement"

    def __init__(self, settings: Settings, url: Callable[[], str]) -> None:
        self._settings = settings
        self._url = url

    async def start(self) -> None:
        sys.stdout.write(announced(self._url(), insecure_binds(self._settings)))
        sys.stdout.flush()

    async def stop(self) -> None:
        pass


def announced(url: str, exposed: tuple[str, ...]) -> str:
    """Return the lines for a gateway at `url`, where the settings `exposed` let other machines in."""
    return f"ScheduleZero serves {url}\n{_warning(exposed)}\nCtrl+C ends it.\n"


def _warning(exposed: tuple[str, ...]) -> str:
    if not exposed:
        return "There are no users yet: whoever can log in to this machine may use it."
    addresses = ", ".join(exposed)
    return f"WARNING: no keys, no users, and other machines can reach {addresses}: anybody there can run jobs."
