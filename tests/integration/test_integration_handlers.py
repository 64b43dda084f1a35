"""Handlers that go, come back, or are slandered: work reaches whoever is really there."""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
import zmq

from schedulezero.handler import Context, Handler
from schedulezero.protocol.commands import HandlerDeregister, HandlerList
from schedulezero.protocol.events import Sequences
from schedulezero.protocol.states import HandlerStatus, Status
from schedulezero.protocol.values import InstanceRecord
from schedulezero.testkit.parts import Parts, running_parts
from schedulezero.testkit.waiting import becomes


def handler_of(begun: asyncio.Event | None = None) -> Handler:
    handler = Handler("work")

    @handler.method
    async def noop() -> None:
        """Do nothing."""

    @handler.method(retry={"base_seconds": 0.05, "jitter": 0})
    async def hold(ctx: Context) -> int:
        """Last for ever in the first attempt."""
        if begun is not None and ctx.attempt == 1:
            begun.set()
            await asyncio.Event().wait()
        return ctx.attempt

    return handler


async def instances(parts: Parts) -> dict[str, InstanceRecord]:
    page = await parts.registry.call(HandlerList())
    return {one.instance_id: one for handler in page.handlers for one in handler.instances}


def test_work_of_an_instance_that_was_cut_off_is_done_by_its_next_boot(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_parts(tmp_path) as parts:
            begun = asyncio.Event()
            await parts.serve(handler_of(begun), "work-1")
            id_ = (await parts.run("work", "hold")).execution_id
            await begun.wait()

            await parts.cut("work-1")
            await parts.serve(handler_of(), "work-1")

            record = await parts.ended(id_)
            assert (record.status, bytes(record.result)) == (Status.SUCCESS, b"2")
            assert [attempt.status for attempt in record.attempts] == ["lost", "success"]

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_an_instance_that_was_said_to_be_gone_and_is_not_gets_work_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_parts(tmp_path) as parts:
            await parts.serve(handler_of(), "work-1")
            boot_id = (await instances(parts))["work-1"].boot_id

            await parts.registry.call(HandlerDeregister(instance_id="work-1", boot_id=boot_id))

            async def back() -> bool:
                return (await instances(parts))["work-1"].status is HandlerStatus.CONNECTED

            await becomes(back, what="its return")
            assert (await instances(parts))["work-1"].boot_id == boot_id
            assert (await parts.run("work", "noop", wait_seconds=5)).status == "success"

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_work_of_a_handler_that_is_away_waits_for_it_over_a_restart_of_the_scheduler(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_parts(tmp_path) as parts:
            await parts.serve(handler_of(), "work-1")
            await parts.cut("work-1")
            waiting = (await parts.run("work", "noop")).execution_id
        async with running_parts(tmp_path) as parts:
            assert (await parts.execution(waiting)).status is Status.PENDING

            await parts.serve(handler_of(), "work-2")

            assert (await parts.ended(waiting)).status is Status.SUCCESS

    asyncio.run(asyncio.wait_for(scenario(), 30))


JUNK = {
    "one part": [b"handler"],
    "three parts": [b"handler", b"{}", b"more"],
    "not JSON": [b"handler", b"junk"],
    "another version": [b"handler", b'{"v":2}'],
    "a topic that is no text": [b"handler\xff", b"{}"],
    "a position that is none": [b"feed", b"junk"],
}


@pytest.mark.parametrize("frames", JUNK.values(), ids=list(JUNK))
def test_junk_from_a_publisher_is_refused_and_logged_and_what_follows_is_heard(
    tmp_path: Path, frames: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        with context, context.socket(zmq.PUB) as publisher:
            port = publisher.bind_to_random_port("tcp://127.0.0.1")
            async with running_parts(tmp_path, events=f"tcp://127.0.0.1:{port}") as parts:

                async def refused() -> bool:
                    publisher.send_multipart(frames)
                    return "refused an event" in caplog.text

                await becomes(refused, what="the log line")
                serving = asyncio.create_task(parts.serve(handler_of(), "work-1"))

                async def served() -> bool:
                    publisher.send_multipart([b"feed", new_position()])
                    return serving.done()

                await becomes(served, what="the handler, which is found by a snapshot after the new position")
                await serving

    with caplog.at_level(logging.WARNING, "schedulezero.link"):
        asyncio.run(asyncio.wait_for(scenario(), 30))


def new_position() -> bytes:
    """What a publisher repeats, of an epoch that nobody has heard of."""
    told = Sequences(epoch=uuid4().hex, time=datetime.now(UTC), sequences={"handler": 1})
    return msgspec.json.encode(told)
