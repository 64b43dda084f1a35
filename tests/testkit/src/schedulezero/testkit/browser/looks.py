"""How somebody looks at a page: by day or night, on a desk or a phone, with or without scripts."""

from dataclasses import dataclass, replace
from typing import Literal, Self

VIEWER_ZONE = "America/New_York"
"""Where all viewers sit, unless a test says otherwise: never in UTC, so that a time that was not converted shows."""

PHONE_WIDTH = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One way to look.

    Args:
        name: what tests call it.
        theme: what the viewer's system prefers.
        width: of the window, in CSS pixels.
        height: of the window, in CSS pixels.
        scripts: whether scripts run.
        touch: whether it is used with a finger.
        zone: the viewer's time zone.
    """

    name: str
    theme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 800
    scripts: bool = True
    touch: bool = False
    zone: str = VIEWER_ZONE

    def without_scripts(self) -> Self:
        """Return the same look where scripts do not run."""
        return replace(self, name=f"{self.name}, no scripts", scripts=False)

    def __str__(self) -> str:
        return self.name


LIGHT = Look(name="light")
DARK = Look(name="dark", theme="dark")
PHONE = Look(name="phone", width=PHONE_WIDTH, height=740, touch=True)

EVERY_LOOK = tuple(look for one in (LIGHT, DARK, PHONE) for look in (one, one.without_scripts()))
