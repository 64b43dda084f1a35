"""What a microsite is: a name, pages, and a place in the navigation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from schedulezero.protocol.link.calls import CommandClient
from schedulezero.web.gateway import Gateway
from schedulezero.web.routes import Reply


class Render(Protocol):
    """Makes a page from a template, named `dash/overview.html`, and the values that it shows."""

    def __call__(self, template: str, **values: object) -> Reply: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody asks for a page, or sends a form.

    Attributes:
        host: by what name and port the gateway was addressed.
        rest: what stands for the `*` of the page's path.
        path: what stands for each parameter of it.
        query: the query string, as it is.
        form: the fields of the form by name; empty for a page.
        gateway: the surroundings.
        render: makes the page.
    """

    host: str
    rest: str
    path: Mapping[str, str]
    query: str
    form: Mapping[str, str]
    gateway: Gateway
    render: Render

    @property
    def scheduler(self) -> CommandClient:
        return self.gateway.backend.scheduler


Page = Callable[[Visit], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Microsite:
    """A part of the web interface.

    Attributes:
        name: that of its folder.
        pages: what each of its paths shows; the first is the one that the navigation leads to. Parameters stand in
            braces; a path that ends in `*` stands for all that begin like it.
        actions: what a form that is sent to a path does: it leads to a page, or shows the form with its faults.
        label: what the navigation calls it; None where it is not named there.
        order: its place in the navigation, lower first.
    """

    name: str
    pages: Mapping[str, Page] = field(default_factory=dict)
    actions: Mapping[str, Page] = field(default_factory=dict)
    label: str | None = None
    order: int = 100

    @property
    def folder(self) -> Path:
        """Where its templates and assets are."""
        return folder_of(self.name)

    @property
    def entry(self) -> str:
        """The path that the navigation leads to."""
        return next(iter(self.pages))

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path of its pages and actions."""
        return tuple(dict.fromkeys((*self.pages, *self.actions)))


def folder_of(name: str) -> Path:
    """Return the folder of the microsite `name`."""
    return Path(str(files(f"{__package__}.{name}")))
