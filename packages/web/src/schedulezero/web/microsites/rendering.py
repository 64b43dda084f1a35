"""Pages from templates: every value is escaped, every page has the same frame and the same policy."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from tornado.template import BaseLoader, Template

from schedulezero.protocol.errors import Problem
from schedulezero.runtime.clock import to_datetime
from schedulezero.runtime.settings import insecure_binds
from schedulezero.web.gateway import Gateway
from schedulezero.web.http.errors import headers_of, status_of
from schedulezero.web.microsites import wording
from schedulezero.web.microsites.assets import Assets
from schedulezero.web.microsites.flash import Flash
from schedulezero.web.microsites.site import Microsite, folder_of
from schedulezero.web.routes import Reply


def content_security_policy(nonce: str) -> str:
    """Return the policy of a page: own files only, and the styles of elements that know the page's `nonce`."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class Templates(BaseLoader):
    """Finds a template by its microsite and file: `container/layout.html`."""

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        return name

    def _create_template(self, name: str) -> Template:
        site, _, file = name.partition("/")
        source = folder_of(site) / "templates" / file
        # Tornado would take the indentation out of code that a page shows.
        return Template(source.read_bytes(), name=name, loader=self, whitespace="all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Makes pages; see :class:`~schedulezero.web.microsites.site.Render`."""

    gateway: Gateway
    sites: Sequence[Microsite]
    assets: Assets
    templates: Templates

    def __call__(self, template: str, *, nonce: str, flash: Flash | None = None, **values: object) -> Reply:
        now = to_datetime(self.gateway.clock.now())
        body = self.templates.load(template).generate(
            settings=self.gateway.settings,
            version=self.gateway.version,
            sites=[site for site in self.sites if site.label is not None],
            reachable=insecure_binds(self.gateway.settings),
            assets=self.assets,
            asset=self.assets.url,
            island_props=_island_props,
            nonce=nonce,
            flash=flash,
            mark=wording.mark,
            duration=wording.duration,
            clock_tag=wording.clock_tag,
            pretty=wording.pretty,
            path_to=wording.path_to,
            path_to_why=wording.path_to_why,
            now=now,
            time_tag=lambda moment: wording.time_tag(moment, now),
            **values,
        )
        return Reply(body=body, content_type="text/html; charset=utf-8")

    def problem(self, problem: Problem, *, nonce: str) -> Reply:
        """Return the page that says what is wrong."""
        page = self("container/problem.html", nonce=nonce, problem=problem, here=None)
        return Reply(
            body=page.body, status=status_of(problem), content_type=page.content_type, headers=headers_of(problem)
        )


def _island_props(api: str) -> str:
    """What an island is told, as JSON: the list of the API that it shows; the zone is the viewer's, as everywhere."""
    return msgspec.json.encode({"api": api, "zone": None}).decode()
