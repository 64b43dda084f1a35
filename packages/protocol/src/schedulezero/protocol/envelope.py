"""What stands around commands, handler messages and events: version, correlation, sequence.

Frames, each a row of message parts:

    command     REQ/DEALER -> ROUTER   ["", request...]     parts after the empty one are joined before decoding
    answer      ROUTER -> REQ/DEALER   ["", reply...]
    link        DEALER <-> ROUTER      [parcel]
    event       XPUB -> SUB            [family, bulletin]   or ["feed", sequences]   or ["sync:…", sequences]

A part is at most :data:`MAX_PART_BYTES`; libzmq disconnects a peer that sends more. Longer requests and replies
are cut into parts, at most :data:`MAX_REQUEST_BYTES` in all.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, UnsetType

from schedulezero.protocol.commands import Command
from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError, invalid_value
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.handling import FromInstance, ToInstance
from schedulezero.protocol.validation import decode
from schedulezero.protocol.values import Time

VERSION = 1
MAX_PART_BYTES = 4 * 1024 * 1024
MAX_REQUEST_BYTES = 12 * 1024 * 1024
MAX_PARCEL_ITEMS = 256
MAX_PARCEL_BYTES = 1024 * 1024
FEED = "feed"
"""The topic on which a publisher repeats its :class:`~schedulezero.protocol.events.Sequences`."""
SYNC = "sync:"
"""What a topic begins with whose subscription is answered with the sequences at once, once, under that topic.

A publisher takes the subscriptions of a peer in their order, so that the answer says: those before have taken effect.
The name follows those of all families: libzmq repeats subscriptions to a publisher that has come back by their bytes.
"""

_CUT_BYTES = 2 * 1024 * 1024
_encoder = msgspec.json.Encoder()


class _Versioned(Frozen):
    v: int


class Request(_Versioned, kw_only=True):
    """A command on its way. `id` correlates the reply; `caller` is who asks, for the audit trail."""

    id: str
    body: Raw
    caller: str = "local"


class Reply(_Versioned, kw_only=True, omit_defaults=True):
    """The answer to the request of the same `id`: `ok`, or `error`."""

    id: str
    ok: Raw | UnsetType = UNSET
    error: Problem | UnsetType = UNSET


class Parcel[M](_Versioned, kw_only=True):
    """The messages of one frame between a scheduler and an instance, in order."""

    messages: list[M]


class Bulletin(_Versioned, kw_only=True):
    """Events of one family: the first has sequence number `seq`, each next one more."""

    epoch: str
    seq: int
    time: Time
    events: list[Raw]


def encode_request(id_: str, command: Command[object], caller: str = "local") -> list[bytes]:
    """Return the parts of a request, without the empty delimiter.

    Raises:
        ScheduleZeroError: it is too large to be sent.
    """
    data = _encoder.encode(Request(v=VERSION, id=id_, body=Raw(_encoder.encode(command)), caller=caller))
    _check_size(len(data))
    return _cut(data)


def decode_request(parts: Sequence[bytes]) -> Request:
    """Read a request; its `body` is still to be decoded.

    Raises:
        ScheduleZeroError: it is not an envelope, too large, or of another version.
    """
    _check_size(sum(len(part) for part in parts))
    return _read(b"".join(parts), Request)


def encode_answer(id_: str, answer: object) -> list[bytes]:
    """Return the parts of a reply that carries an answer, a struct or its JSON as Raw."""
    return _cut(_encoder.encode(Reply(v=VERSION, id=id_, ok=Raw(_encoder.encode(answer)))))


def encode_refusal(id_: str, problem: Problem) -> list[bytes]:
    """Return the parts of a reply that carries a problem."""
    return _cut(_encoder.encode(Reply(v=VERSION, id=id_, error=problem)))


def decode_reply(parts: Sequence[bytes]) -> Reply:
    """Read a reply.

    Raises:
        ScheduleZeroError: it is not an envelope, says neither `ok` nor `error`, or is of another version.
    """
    reply = _read(b"".join(parts), Reply)
    if reply.ok is UNSET and reply.error is UNSET:
        raise invalid_value("ok", "a reply carries either ok or error")
    return reply


def encode_parcels(messages: Iterable[ToInstance | FromInstance]) -> Iterator[bytes]:
    """Yield the frames that carry `messages`, in order: at most 256 in one, and 1 MiB but for a single larger one."""
    items: list[bytes] = []
    size = 0
    for message in messages:
        item = _encoder.encode(message)
        if items and (len(items) == MAX_PARCEL_ITEMS or size + len(item) > MAX_PARCEL_BYTES):
            yield _parcel(items)
            items, size = [], 0
        items.append(item)
        size += len(item)
    if items:
        yield _parcel(items)


def encode_parcel(messages: Sequence[ToInstance] | Sequence[FromInstance]) -> bytes:
    """Return the one frame that carries `messages`."""
    return _parcel([_encoder.encode(message) for message in messages])


def decode_to_instance(frame: bytes) -> list[ToInstance]:
    """Read what a scheduler sends. Raises ScheduleZeroError for anything else."""
    return _read(frame, Parcel[ToInstance]).messages


def decode_from_instance(frame: bytes) -> list[FromInstance]:
    """Read what an instance sends. Raises ScheduleZeroError for anything else."""
    return _read(frame, Parcel[FromInstance]).messages


def encode_bulletin(epoch: str, seq: int, time: datetime, events: Sequence[object]) -> bytes:
    """Return the frame after the topic."""
    return _encoder.encode({"v": VERSION, "epoch": epoch, "seq": seq, "time": time, "events": events})


def decode_bulletin(frame: bytes) -> Bulletin:
    """Read events; each is still to be decoded. Raises ScheduleZeroError for anything else."""
    return _read(frame, Bulletin)


def _read[E: _Versioned](data: bytes, type_: type[E]) -> E:
    try:
        envelope = decode(data, type_)
    except ScheduleZeroError:
        # What another version sends may not fit our shapes; then the version is what is wrong.
        _check_version(decode(data, _Versioned).v)
        raise
    _check_version(envelope.v)
    return envelope


def _check_size(size: int) -> None:
    if size > MAX_REQUEST_BYTES:
        message = f"a request is at most {MAX_REQUEST_BYTES} bytes, not {size}"
        raise ScheduleZeroError.of(Code.PAYLOAD_TOO_LARGE, message)


def _check_version(version: int) -> None:
    if version != VERSION:
        message = f"protocol version {version} is not spoken here, only {VERSION}"
        raise ScheduleZeroError.of(Code.UNSUPPORTED_VERSION, message, path="v")


def _parcel(items: list[bytes]) -> bytes:
    return b'{"v":%d,"messages":[%b]}' % (VERSION, b",".join(items))


def _cut(data: bytes) -> list[bytes]:
    if len(data) <= _CUT_BYTES:
        return [data]
    return [data[start : start + _CUT_BYTES] for start in range(0, len(data), _CUT_BYTES)]
