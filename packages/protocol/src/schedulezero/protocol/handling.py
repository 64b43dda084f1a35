"""What a scheduler and a handler instance say to each other over their direct link.

The instance binds a ROUTER; each scheduler connects one DEALER to each boot of an instance, and the first thing
it sends is :class:`Hello`. A frame carries many messages, see :class:`schedulezero.protocol.envelope.Parcel`.

An execution on this link is always named by its claim: `execution_id`, `attempt` (1 is the first) and `claim`, a
number that is new for each time the execution is handed out. Whatever carries an older claim is history.
"""

from typing import Literal

from msgspec import field

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.values import Failure, Json, Time, null


class Message(Frozen, tag_field="type", omit_defaults=True):
    """Base of everything on the link."""


class Claimed(Message):
    """Base of what concerns one claim."""

    execution_id: str
    attempt: int
    claim: int


# -- from a scheduler -----------------------------------------------------------------------------------------------


class Hello(Message, tag="hello"):
    """Open the conversation with one boot of an instance; answered by Welcome or, for another boot, by Stranger."""

    scheduler_id: str
    instance_id: str
    boot_id: str


class Execute(Claimed, tag="execute"):
    """Run a method once. `idempotency_key` is the same for every attempt; `scheduled_for` is null for a run by hand.

    `epoch` is the fencing epoch of the scheduler that owns `shard`: what is lower than an instance has seen of that
    shard comes from a scheduler that no longer owns it, and is refused.
    """

    boot_id: str
    shard: int
    epoch: int
    method: str
    params: Json
    idempotency_key: str
    max_attempts: int = 1
    schedule_id: str | None = None
    scheduled_for: Time | None = None
    timeout_seconds: float | None = None


class Cancel(Claimed, tag="cancel"):
    """Stop an execution. If it still runs, its outcome will say `cancelled`, or what it became before."""


class Ack(Claimed, tag="ack"):
    """The outcome of this claim is durable (or obsolete): forget it."""


class Probe(Message, tag="probe"):
    """Ask for a Pulse, with this number in it."""

    nonce: int


class Drain(Message, tag="drain"):
    """Finish what you have, take nothing new, then stop."""


# -- from an instance -----------------------------------------------------------------------------------------------


class Welcome(Message, tag="welcome"):
    """Answers Hello. `holding` are the claims that this boot runs, has queued, or has an unacknowledged outcome of."""

    instance_id: str
    boot_id: str
    capacity: int
    holding: tuple[tuple[str, int, int], ...] = ()
    draining: bool = False


class Stranger(Message, tag="stranger"):
    """Answers a Hello or an Execute that was meant for another boot than this."""

    instance_id: str
    boot_id: str


class Outcome(Claimed, tag="outcome"):
    """How an attempt ended. It is sent again after every reconnection until acknowledged.

    `retry_after_seconds` is what `Retry(after=…)` asked for; `final` forbids another attempt (`Fail`).
    """

    status: Literal["success", "error", "timeout", "cancelled"]
    started_at: Time
    completed_at: Time
    result: Json = field(default_factory=null)
    error: Failure | None = None
    retry_after_seconds: float | None = None
    final: bool = False


class Refused(Claimed, tag="refused"):
    """The work was not begun and will not be: it may be given to another instance at once, the attempt not counted."""

    reason: Literal["draining", "full", "stale", "unknown_method"]


class Report(Claimed, tag="report"):
    """A line that the job has logged; `event` is `progress` for its progress."""

    at: Time
    level: str
    event: str
    fields: Json = field(default_factory=null)


class Pulse(Message, tag="pulse"):
    """Sent every second, and in answer to a Probe: the program is alive. `nonce` is 0 unless probed."""

    boot_id: str
    running: int
    draining: bool = False
    nonce: int = 0


ToInstance = Hello | Execute | Cancel | Ack | Probe | Drain
FromInstance = Welcome | Stranger | Outcome | Refused | Report | Pulse
