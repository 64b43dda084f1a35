"""Events over ZeroMQ, the side that hears: a subscriber that notices what it missed, a mirror that mends it."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import zmq

from schedulezero.protocol.envelope import FEED, SYNC, Bulletin, decode_bulletin
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.events import Sequences
from schedulezero.protocol.link.calls import Context
from schedulezero.protocol.link.sockets import DrainedSocket, Frames, open_socket
from schedulezero.protocol.validation import decode

_RETRY_SECONDS = 0.5
_log = logging.getLogger("schedulezero.link")


class Subscriber:
    """Receives events of some families of one publisher.

    Args:
        context: the process's ZeroMQ context.
        endpoint: the publisher's.
        families: such as `execution`.
        on_bulletin: called with family and bulletin, in order; its events are not yet decoded.
        on_gap: called with a family, the first and the last sequence number that never came; both 0 when the
            publisher began a new epoch.
        on_position: called every second with a family, the publisher's epoch and its last sequence number.
        on_effect: called once, when the subscription has taken effect: every event from then on is heard, or missed
            and told of.
    """

    def __init__(
        self,
        context: Context,
        endpoint: str,
        families: Iterable[str],
        on_bulletin: Callable[[str, Bulletin], None],
        on_gap: Callable[[str, int, int], None],
        on_position: Callable[[str, str, int], None] | None = None,
        on_effect: Callable[[], None] | None = None,
    ) -> None:
        socket = open_socket(context, zmq.SUB, RCVHWM=10_000)
        self._families = tuple(families)
        self._sync = f"{SYNC}{uuid.uuid4().hex}" if on_effect is not None else None
        for topic in (*self._families, FEED, self._sync):
            if topic is not None:
                socket.setsockopt_string(zmq.SUBSCRIBE, topic)
        self._on_bulletin, self._on_gap, self._on_position = on_bulletin, on_gap, on_position
        self._on_effect = on_effect
        self._epoch: str | None = None
        self._seen: dict[str, int] = {}
        socket.connect(endpoint)
        self._socket = DrainedSocket(socket, self._receive)

    def close(self) -> None:
        self._socket.close()

    def _receive(self, messages: list[Frames]) -> None:
        for frames in messages:
            try:
                topic, body = frames
                self._take(topic.decode(), body)
            except (ScheduleZeroError, ValueError) as error:
                _log.warning("refused an event: %s", error)

    def _take(self, topic: str, body: bytes) -> None:
        if topic == FEED:
            self._catch_up(decode(body, Sequences))
        elif topic == self._sync:
            self._catch_up(decode(body, Sequences))
            self._take_effect()
        elif topic in self._families:
            bulletin = decode_bulletin(body)
            self._enter(bulletin.epoch, {topic: bulletin.seq - 1})
            self._notice(topic, bulletin.seq - 1)
            self._seen[topic] = max(self._seen.get(topic, 0), bulletin.seq + len(bulletin.events) - 1)
            self._on_bulletin(topic, bulletin)

    def _take_effect(self) -> None:
        assert self._sync is not None
        assert self._on_effect is not None
        self._socket.socket.setsockopt_string(zmq.UNSUBSCRIBE, self._sync)
        self._sync = None
        self._on_effect()

    def _catch_up(self, told: Sequences) -> None:
        self._enter(told.epoch, told.sequences)
        for name in self._families:
            last = told.sequences.get(name, 0)
            self._notice(name, last)
            if self._on_position is not None:
                self._on_position(name, told.epoch, last)

    def _enter(self, epoch: str, sequences: dict[str, int]) -> None:
        if epoch == self._epoch:
            return
        first_contact, self._epoch = self._epoch is None, epoch
        self._seen = {name: sequences[name] for name in self._families if name in sequences}
        if not first_contact:
            for name in self._families:
                self._on_gap(name, 0, 0)

    def _notice(self, name: str, last: int) -> None:
        seen = self._seen.setdefault(name, last)
        if last > seen:
            self._seen[name] = last
            self._on_gap(name, seen + 1, last)


class Mirror:
    """Keeps a copy of what a publisher's family tells: subscribe, fetch a snapshot, apply what is newer.

    After a gap or a new epoch it fetches again. Events that come meanwhile are held back.

    Args:
        context: the process's ZeroMQ context.
        endpoint: the publisher's.
        family_: the one family that is followed.
        event_type: the union of its events.
        fetch: returns the snapshot; raises ScheduleZeroError while it cannot be had.
        position: the epoch and sequence number that a snapshot carries.
        on_snapshot: called with each snapshot: all that was known before is void.
        on_event: called with each newer event.
    """

    def __init__(
        self,
        context: Context,
        endpoint: str,
        family_: str,
        event_type: Any,
        fetch: Callable[[], Awaitable[Any]],
        position: Callable[[Any], tuple[str, int]],
        on_snapshot: Callable[[Any], None],
        on_event: Callable[[Any], None],
    ) -> None:
        self._event_type = event_type
        self._fetch, self._position = fetch, position
        self._on_snapshot, self._on_event = on_snapshot, on_event
        self._applied: tuple[str, int] | None = None
        self._held: list[Bulletin] = []
        self._stale = asyncio.Event()
        self._stale.set()
        self._subscriber = Subscriber(context, endpoint, [family_], self._hear, self._lost, self._compare)
        self._task = asyncio.create_task(self._refresh_for_ever(), name=f"mirror of {family_}")

    async def close(self) -> None:
        self._subscriber.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _lost(self, _family: str, _first: int, _last: int) -> None:
        self._applied = None
        self._stale.set()

    def _compare(self, family_: str, epoch: str, last: int) -> None:
        """What was published between the snapshot and the subscription's start shows here alone."""
        if self._applied is not None and (epoch != self._applied[0] or last > self._applied[1]):
            self._lost(family_, 0, 0)

    def _hear(self, _family: str, bulletin: Bulletin) -> None:
        if self._applied is None:
            self._held.append(bulletin)
        else:
            self._apply(bulletin)

    def _apply(self, bulletin: Bulletin) -> None:
        assert self._applied is not None
        epoch, seen = self._applied
        if bulletin.epoch != epoch:
            return
        if bulletin.seq > seen + 1:
            # Published after the snapshot, before the subscription took effect.
            self._lost("", 0, 0)
            return
        for seq, raw in enumerate(bulletin.events, bulletin.seq):
            if seq > seen:
                self._on_event(decode(raw, self._event_type))
        self._applied = (epoch, max(seen, bulletin.seq + len(bulletin.events) - 1))

    async def _refresh_for_ever(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            # What came so far was published before the snapshot is taken.
            self._held.clear()
            try:
                snapshot = await self._fetch()
                if not self._stale.is_set():
                    self._start_from(snapshot)
            except ScheduleZeroError as error:
                _log.info("no snapshot yet: %s", error)
                self._stale.set()
                await asyncio.sleep(_RETRY_SECONDS)

    def _start_from(self, snapshot: Any) -> None:
        self._applied = self._position(snapshot)
        self._on_snapshot(snapshot)
        held, self._held = self._held, []
        for bulletin in held:
            self._hear("", bulletin)
