"""The events of scheduler and registry, handed to each listener as it asked, without their data being read."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol, Self

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
    """Passes events on to its listeners."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._subscribers: list[Subscriber] = []
        self._deserted = asyncio.Event()
        self._deserted.set()

    @classmethod
    def connect(cls, context: Context, *, scheduler_events: str, registry_events: str) -> Self:
        """Begin to follow both publishers; neither needs to be there yet."""
        feed = cls()
        feed._subscribers = [
            Subscriber(context, scheduler_events, SCHEDULER_FAMILIES, feed.hear, feed.miss),
            Subscriber(context, registry_events, REGISTRY_FAMILIES, feed.hear, feed.miss),
        ]
        return feed

    def add(self, listener: Listener) -> None:
        """Tell `listener` of every event from now on."""
        self._listeners.add(listener)
        self._deserted.clear()

    def remove(self, listener: Listener) -> None:
        """Tell it nothing more."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._deserted.set()

    def hear(self, family: str, bulletin: Bulletin) -> None:
        """Pass on the events of a bulletin; they are not looked at while nobody listens."""
        if self._listeners:
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
        for subscriber in self._subscribers:
            subscriber.close()

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
