"""What a microsite is: a name, pages, and a place in the navigation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from schedulezero.web.gateway import Gateway
from schedulezero.web.routes import Reply


class Render(Protocol):
    """Makes a page from a template, named `dash/overview.html`, and the values that it shows."""

    def __call__(self, template: str, **values: object) -> Reply: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody asks for a page; `host` is by what name and port, `rest` what stands for the `*` of the page's path."""

    host: str
    rest: str
    gateway: Gateway
    render: Render


Page = Callable[[Visit], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Microsite:
    """A part of the web interface.

    Attributes:
        name: its folder.
        pages: what each of its paths shows; the first is the one that the navigation leads to. A path that ends in `*`
            stands for all that begin like it.
        label: what the navigation calls it; None where it is not named there.
        order: its place in the navigation, lower first.
    """

    name: str
    pages: Mapping[str, Page] = field(default_factory=dict)
    label: str | None = None
    order: int = 100

    @property
    def entry(self) -> str:
        """The path that the navigation leads to."""
        return next(iter(self.pages))
