"""What Prometheus reads of this process."""

import asyncio
from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from schedulezero.web.http.handler import Frame, ProgramHandler
from schedulezero.web.routes import Reply


class MetricsHandler(ProgramHandler):
    """`GET /metrics`."""

    route_name = "/metrics"

    def initialize(self, frame: Frame, registry: CollectorRegistry) -> None:
        self.frame, self.registry = frame, registry

    async def respond(self, path: Mapping[str, str]) -> Reply:
        # Off the loop: rendering some thousand series takes longer than a service may stand still.
        text = await asyncio.to_thread(generate_latest, self.registry)
        return Reply(body=text, content_type=CONTENT_TYPE_PLAIN_0_0_4)
