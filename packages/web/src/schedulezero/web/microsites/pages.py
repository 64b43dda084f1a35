"""The microsites as Tornado's handlers."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.web.http.handler import UNMATCHED, Frame, Handler
from schedulezero.web.microsites import flash, forms
from schedulezero.web.microsites.rendering import Renderer, content_security_policy
from schedulezero.web.microsites.site import Page, Visit
from schedulezero.web.routes import Reply

LIVE = "Sz-Live"
"""The header with which a page that is open asks for itself anew; what a form has done is not told to it."""


class PageHandler(Handler):
    """One path with its page, its action, or both; without either, a path that does not exist."""

    def initialize(
        self,
        frame: Frame,
        renderer: Renderer,
        page: Page | None = None,
        action: Page | None = None,
        route_name: str = UNMATCHED,
    ) -> None:
        self.frame, self.renderer, self.page, self.action, self.route_name = frame, renderer, page, action, route_name

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", content_security_policy(self.nonce))
        self.set_header("Cache-Control", "no-cache")

    def verbs(self) -> tuple[str, ...]:
        if self.action is None:
            return super().verbs()
        return ("POST",) if self.page is None else (*super().verbs(), "POST")

    def body_limit(self) -> int:
        return forms.MAX_BYTES if self.action is not None else 0

    async def respond(self, path: Mapping[str, str]) -> Reply:
        if self.request.method == "POST" and self.action is not None:
            return await self.action(self._visit(path, form=forms.read(self.intake.body(), self.request.headers)))
        if self.page is None:
            raise ScheduleZeroError.of(Code.NOT_FOUND, f"There is no page at {self.request.path}.")
        said = flash.read(self.get_cookie(flash.COOKIE)) if LIVE not in self.request.headers else None
        page = await self.page(self._visit(path, said=said))
        return page if said is None else replace(page, headers={**page.headers, **flash.FORGOTTEN})

    def refuse(self, problem: Problem) -> Reply:
        return self.renderer.problem(problem, nonce=self.nonce)

    def _visit(
        self, path: Mapping[str, str], *, form: Mapping[str, str] | None = None, said: flash.Flash | None = None
    ) -> Visit:
        return Visit(
            host=self.request.host,
            rest=path.get("rest", ""),
            path=path,
            query=self.request.query,
            form=form or {},
            gateway=self.frame.gateway,
            render=partial(self.renderer, nonce=self.nonce, flash=said),
        )


class AssetHandler(PageHandler):
    """The assets of all microsites."""

    async def respond(self, path: Mapping[str, str]) -> Reply:
        found = self.renderer.assets.reply(path["name"], self.get_query_argument("v", None))
        if found is None:
            raise ScheduleZeroError.of(Code.NOT_FOUND, f"There is no asset at {self.request.path}.")
        return found
