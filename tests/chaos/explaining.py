"""Why something ran or did not, asked of a scheduler on its own socket."""

import asyncio
from datetime import datetime

import zmq

from schedulezero.protocol.answers import Explanation
from schedulezero.protocol.commands import ScheduleExplain
from schedulezero.protocol.link.calls import CommandClient, Context
from schedulezero.testkit.deployment import Deployment


def explained(deployment: Deployment, schedule_id: str, at: datetime) -> Explanation:
    """Return what the scheduler says of an instant of a schedule."""
    return asyncio.run(_ask(deployment, ScheduleExplain(schedule_id=schedule_id, at=at.isoformat())))


async def _ask(deployment: Deployment, command: ScheduleExplain) -> Explanation:
    context: Context = zmq.Context()
    client = CommandClient(context, deployment.endpoint("SCHEDULEZERO_SCHEDULER_PORT"), "the scheduler")
    try:
        return await client.call(command)
    finally:
        client.close()
        context.destroy(linger=0)
