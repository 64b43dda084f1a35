"""Events over ZeroMQ, the side that tells: a publisher that counts, and knows whether anybody listens."""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

import msgspec
import zmq

from schedulezero.protocol.envelope import FEED, SYNC, encode_bulletin
from schedulezero.protocol.events import Event, Sequences, family
from schedulezero.protocol.link.calls import Context
from schedulezero.protocol.link.sockets import BindError, DrainedSocket, Frames, bind, open_socket

_REPEAT_SECONDS = 1.0
_BATCH_BYTES = 1024 * 1024
_BATCH_EVENTS = 256
_SUBSCRIBED, _LEFT = b"\x01", b"\x00"


class Publisher:
    """Publishes facts; each family has a sequence of its own, all of them the epoch of this publisher's life.

    Args:
        context: the process's ZeroMQ context.
        endpoints: where to listen; `addresses` has them as bound.
        now: the wall clock, aware and UTC.

    Raises:
        BindError: an endpoint is taken.
    """

    def __init__(self, context: Context, endpoints: Sequence[str], now: Callable[[], datetime]) -> None:
        socket = open_socket(context, zmq.XPUB, SNDHWM=10_000)
        self.epoch = uuid.uuid4().hex
        self._sequences: dict[str, int] = {}
        self._interest = _Interest()
        self._now = now
        try:
            self.addresses = tuple(bind(socket, endpoint) for endpoint in endpoints)
        except BindError:
            socket.close()
            raise
        self._socket = DrainedSocket(socket, self._receive)
        self._loop = asyncio.get_running_loop()
        self._repeat = self._loop.call_soon(self._repeat_sequences)

    def sequence(self, family_: str) -> int:
        """Return the number of the last event of a family, 0 before the first."""
        return self._sequences.get(family_, 0)

    def is_heard(self, family_: str) -> bool:
        """Return whether anybody subscribes to a family. Where nobody does, its events need not be made: pass over."""
        return self._interest.in_family(family_)

    def pass_over(self, family_: str, count: int) -> None:
        """Count events that nobody hears."""
        self._sequences[family_] = self.sequence(family_) + count

    def publish(self, events: Iterable[Event]) -> None:
        """Send events in their order; those of one family that follow one another share frames of about 1 MiB."""
        for name, group in groupby(events, key=family):
            if self.is_heard(name):
                self._send(name, group)
            else:
                self.pass_over(name, sum(1 for _ in group))

    def close(self) -> None:
        self._repeat.cancel()
        self._socket.close()

    def _send(self, name: str, events: Iterable[Event]) -> None:
        for batch in _batches(events):
            first = self.sequence(name) + 1
            self._sequences[name] = first + len(batch) - 1
            self._socket.send([name.encode(), encode_bulletin(self.epoch, first, self._now(), batch)])

    def _receive(self, messages: list[Frames]) -> None:
        for frames in messages:
            topic = self._interest.take(frames)
            if topic.startswith(SYNC.encode()):
                self._tell_sequences(topic)

    def _repeat_sequences(self) -> None:
        self._tell_sequences(FEED.encode())
        self._repeat = self._loop.call_later(_REPEAT_SECONDS, self._repeat_sequences)

    def _tell_sequences(self, topic: bytes) -> None:
        told = Sequences(epoch=self.epoch, time=self._now(), sequences=self._sequences)
        self._socket.send([topic, msgspec.json.encode(told)])


class _Interest:
    """What is subscribed to, as an XPUB socket tells it: the first who wants a topic, and that the last has left it."""

    def __init__(self) -> None:
        self._topics: set[bytes] = set()
        self._families: dict[str, bool] = {}

    def take(self, frames: Frames) -> bytes:
        """Take what the socket tells; return the topic that somebody subscribes to from now on, if that is it."""
        kind, topic = frames[0][:1], frames[0][1:]
        self._families.clear()
        if kind == _SUBSCRIBED:
            self._topics.add(topic)
            return topic
        if kind == _LEFT:
            self._topics.discard(topic)
        return b""

    def in_family(self, name: str) -> bool:
        """Return whether a topic that is subscribed to is this family, or its beginning, as ZeroMQ matches them."""
        found = self._families.get(name)
        if found is None:
            found = self._families[name] = any(name.encode().startswith(topic) for topic in self._topics)
        return found


def _batches(events: Iterable[Event]) -> Iterator[list[msgspec.Raw]]:
    """Subscribers disconnect from who sends a part over MAX_PART_BYTES; a single event stays below it."""
    batch: list[msgspec.Raw] = []
    size = 0
    for event in events:
        encoded = msgspec.json.encode(event)
        if batch and (size + len(encoded) > _BATCH_BYTES or len(batch) == _BATCH_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(msgspec.Raw(encoded))
        size += len(encoded)
    yield batch
