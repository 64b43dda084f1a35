"""What happens to the scheduler: the events that the shell feeds to the machine."""

from typing import Any

from schedulezero.protocol.commands import Command
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.handling import FromInstance, Welcome
from schedulezero.protocol.values import InstanceState, Pause
from schedulezero.scheduler.core.model import Execution, IdempotencyKey, KnownHandler, Schedule, Ticket


class Loaded(Frozen):
    """What the database holds, at the start.

    `pending` counts what each (handler, method) has, `unfinished` what each schedule has; `executions` are all that
    run or retry and a window of the pending ones. `epoch` is the fencing epoch under which this scheduler owns its
    shards.
    """

    epoch: int
    schedules: list[Schedule]
    executions: list[Execution]
    pending: dict[tuple[str, str], int]
    unfinished: dict[str, int]
    handlers: list[KnownHandler]
    pauses: dict[str | None, Pause]


class Tick(Frozen):
    """Time has passed."""


class Asked(Frozen):
    """A command. `found` is the execution that it names, where it names one that may have ended; `prior` an earlier
    use of its idempotency key; `digest` stands for its content."""

    command: Command[Any]
    caller: str
    ticket: Ticket
    found: Execution | None = None
    prior: IdempotencyKey | None = None
    digest: str = ""


class DirectoryRead(Frozen):
    """The registry's snapshot."""

    instances: tuple[InstanceState, ...]


class InstanceTold(Frozen):
    """The registry told a change of one instance."""

    state: InstanceState


class Linked(Frozen):
    """An instance answered our Hello on a new connection."""

    welcome: Welcome


class LinkLost(Frozen):
    """A connection is gone and did not come back in time; `gone` where another boot answers there."""

    boot_id: str
    gone: bool = False


class LinkSilent(Frozen):
    """The connection lives, the program behind it says nothing."""

    boot_id: str


class Heard(Frozen):
    """What one instance said, in order."""

    boot_id: str
    messages: list[FromInstance]


class Refilled(Frozen):
    """More pending executions of one queue, in their order, as asked for by a Refill."""

    handler_id: str
    method_name: str
    executions: list[Execution]


Input = Loaded | Tick | Asked | DirectoryRead | InstanceTold | Linked | LinkLost | LinkSilent | Heard | Refilled
