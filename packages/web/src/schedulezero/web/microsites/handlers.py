"""The microsites as Tornado's handlers."""

from collections.abc import Mapping

from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.web.http.handler import UNMATCHED, Frame, Handler
from schedulezero.web.microsites.assets import Assets
from schedulezero.web.microsites.rendering import CONTENT_SECURITY_POLICY, Renderer
from schedulezero.web.microsites.site import Page, Visit
from schedulezero.web.routes import Reply


class PageHandler(Handler):
    """One page; without one, a path that does not exist."""

    def initialize(
        self, frame: Frame, renderer: Renderer, page: Page | None = None, route_name: str = UNMATCHED
    ) -> None:
        self.frame, self.renderer, self.page, self.route_name = frame, renderer, page, route_name

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("Cache-Control", "no-cache")

    async def respond(self, path: Mapping[str, str]) -> Reply:
        if self.page is None:
            raise ScheduleZeroError.of(Code.NOT_FOUND, f"There is no page at {self.request.path}.")
        visit = Visit(
            host=self.request.host, rest=path.get("rest", ""), gateway=self.frame.gateway, render=self.renderer
        )
        return await self.page(visit)

    def refuse(self, problem: Problem) -> Reply:
        return self.renderer.problem(problem)


class AssetHandler(PageHandler):
    """The assets of all microsites."""

    async def respond(self, path: Mapping[str, str]) -> Reply:
        assets: Assets = self.renderer.assets
        found = assets.by_name.get(path["name"])
        if found is None:
            raise ScheduleZeroError.of(Code.NOT_FOUND, f"There is no asset at {self.request.path}.")
        return found
