"""The events of scheduler and registry, handed to each listener as it asked, without their data being read."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Protocol

import msgspec
from msgspec import Raw

from schedulezero.protocol.envelope import Bulletin
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.link.calls import Context
from schedulezero.protocol.link.feed import Subscriber
from schedulezero.protocol.validation import decode
from schedulezero.protocol.values import Value
from schedulezero.runtime.logging import get_logger
from schedulezero.web.live.messages import LiveEvent
from schedulezero.web.live.outbox import Gap
from schedulezero.web.live.patterns import REGISTRY_FAMILIES, SCHEDULER_FAMILIES

_GOODBYE_SECONDS = 2.0
"""How long listeners have to take what waits for them when the server stops."""

_REACH_SECONDS = 1.0
"""How long a new listener waits for publishers that are not heard yet."""

_log = get_logger()


class _Fact(Value):
    """An event as it is published; its data stay as they were written."""

    type: str
    data: Raw


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One event; its message is made once, for the first listener that wants it."""

    family: str
    type: str
    epoch: str
    seq: int
    time: datetime
    data: Raw

    @cached_property
    def message(self) -> bytes:
        return msgspec.json.encode(
            LiveEvent(type=self.type, epoch=self.epoch, seq=self.seq, time=self.time, data=self.data)
        )


class Listener(Protocol):
    """Who is told of events."""

    def hear(self, event: Heard) -> None:
        """Take an event; must return at once."""

    def miss(self, gap: Gap) -> None:
        """Take note that events never came."""

    def end(self) -> None:
        """Send what waits, and leave."""


class Feed:
    """Passes events on to its listeners. The publishers are followed as long as there are any, so that events which
    nobody looks at are not made.

    Args:
        context: the process's ZeroMQ context.
        scheduler_events: where the scheduler publishes; it need not be there yet.
        registry_events: where the registry publishes, likewise.
    """

    def __init__(self, context: Context, *, scheduler_events: str, registry_events: str) -> None:
        self._context = context
        self._publishers = ((scheduler_events, SCHEDULER_FAMILIES), (registry_events, REGISTRY_FAMILIES))
        self._followed: tuple[_Followed, ...] = ()
        self._listeners: set[Listener] = set()
        self._deserted = asyncio.Event()
        self._deserted.set()

    async def add(self, listener: Listener) -> None:
        """Tell `listener` of events; every one that is published after this returns will be heard.

        A publisher that is away is not waited for: once it is heard, a gap tells what it may have said before.
        """
        self._listeners.add(listener)
        self._deserted.clear()
        if not self._followed:
            self._followed = tuple(_Followed(self._context, *publisher, feed=self) for publisher in self._publishers)
        followed = self._followed
        await asyncio.wait([publisher.heard for publisher in followed], timeout=_REACH_SECONDS)
        for publisher in followed:
            if not publisher.heard.done():
                publisher.heard.add_done_callback(partial(self._tell_late, listener, publisher.families))

    def remove(self, listener: Listener) -> None:
        """Tell it nothing more."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._deserted.set()
            self.close()

    def hear(self, family: str, bulletin: Bulletin) -> None:
        """Pass on the events of a bulletin."""
        for seq, raw in enumerate(bulletin.events, bulletin.seq):
            self._pass_on(family, bulletin, seq, raw)

    def miss(self, family: str, first: int, last: int) -> None:
        """Pass on that events never came."""
        gap = Gap(family=family, first=first, last=last)
        for listener in tuple(self._listeners):
            listener.miss(gap)

    async def drain(self) -> None:
        """Let the listeners take what waits for them, and leave."""
        for listener in tuple(self._listeners):
            listener.end()
        with contextlib.suppress(TimeoutError):  # a client that does not read is not waited for
            await asyncio.wait_for(self._deserted.wait(), _GOODBYE_SECONDS)

    def close(self) -> None:
        """Follow the publishers no longer."""
        followed, self._followed = self._followed, ()
        for publisher in followed:
            publisher.close()

    def _tell_late(self, listener: Listener, families: Iterable[str], heard: "asyncio.Future[None]") -> None:
        if not heard.cancelled() and listener in self._listeners:
            for family in families:
                listener.miss(Gap(family=family, first=0, last=0))

    def _pass_on(self, family: str, bulletin: Bulletin, seq: int, raw: Raw) -> None:
        try:
            fact = decode(raw, _Fact)
        except ScheduleZeroError as error:
            _log.warning("live.event_refused", family=family, seq=seq, error=str(error))
            self.miss(family, seq, seq)
            return
        event = Heard(family=family, type=fact.type, epoch=bulletin.epoch, seq=seq, time=bulletin.time, data=fact.data)
        for listener in tuple(self._listeners):
            listener.hear(event)


class _Followed:
    """A publisher that is followed; `heard` is done when the subscription has taken effect."""

    def __init__(self, context: Context, endpoint: str, families: Sequence[str], *, feed: Feed) -> None:
        self.families = families
        self.heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._subscriber = Subscriber(
            context, endpoint, families, feed.hear, feed.miss, on_effect=lambda: self.heard.set_result(None)
        )

    def close(self) -> None:
        self._subscriber.close()
        self.heard.cancel()
