"""What happens to the scheduler: the events that the shell feeds to the machine."""

from typing import Any

from schedulezero.protocol.commands import Command, ScheduleCreate
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.handling import FromInstance, Welcome
from schedulezero.protocol.values import InstanceState, Pause
from schedulezero.scheduler.core.model import (
    Execution,
    IdempotencyKey,
    KnownHandler,
    PastPauses,
    Place,
    Schedule,
    Spell,
    Ticket,
)


class Upcoming(Frozen):
    """Active schedules in the order in which they are due, as asked for by a ReadAhead.

    There are no others between where it was to begin and `through`, which is None where there are none behind it.
    """

    schedules: list[Schedule]
    through: Place | None
    asked: tuple[int, int] | None = None


class Loaded(Frozen):
    """What the database holds, at the start.

    `pending` counts what each (handler, method) has, `unfinished` what each schedule has; `executions` are all that
    run or retry and a window of the pending ones; of those that wait their turn, `left` counts what each schedule has
    besides them, which `pending` does not count. `epoch` is the fencing epoch under which this scheduler owns its
    shards. `upcoming` are the first schedules to come due, `states` counts them all; `unspelled` are those that are
    paused or quarantined and have no spell that says so. `spells` are those that last, and the newest `scheduler_up`.
    `resumed` tells that the same process goes on after a commit that failed.
    """

    epoch: int
    upcoming: Upcoming
    states: dict[str, int]
    executions: list[Execution]
    pending: dict[tuple[str, str], int]
    unfinished: dict[str, int]
    handlers: list[KnownHandler]
    pauses: dict[str | None, Pause]
    past_pauses: PastPauses = PastPauses()
    spells: tuple[Spell, ...] = ()
    unspelled: list[Schedule] = []
    left: dict[str, int] = {}
    resumed: bool = False


class Tick(Frozen):
    """Time has passed."""


class TimeLeapt(Frozen):
    """Time went on without the scheduler.

    Args:
        stood: for how long its process stood still, in microseconds.
        stepped: by how much its wall clock was put ahead, in microseconds; negative: back.
    """

    stood: int = 0
    stepped: int = 0


class Stopping(Frozen):
    """The scheduler is about to end, as it was told to."""


class Asked(Frozen):
    """A command.

    `found` is the execution that it names, where it names one that may have ended; `schedule` the schedule that it
    names, where memory does not tell, and `neighbours` the ids that stand beside it where there is none; `prior` an
    earlier use of its idempotency key; `digest` stands for its content.
    """

    command: Command[Any]
    caller: str
    ticket: Ticket
    found: Execution | None = None
    schedule: Schedule | None = None
    neighbours: tuple[str, ...] = ()
    prior: IdempotencyKey | None = None
    digest: str = ""


def schedule_named_by(command: Command[Any]) -> str | None:
    """Return the id of the schedule that a command is about, if it is about one that may be there."""
    if isinstance(command, ScheduleCreate):
        return command.schedule.schedule_id
    named: str | None = getattr(command, "schedule_id", None)
    return named


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


class LineRead(Frozen):
    """The first of a schedule's executions that wait their turn, in their order, as asked for by a ReadLine."""

    schedule_id: str
    executions: list[Execution]


Input = (
    Loaded
    | Tick
    | TimeLeapt
    | Stopping
    | Asked
    | DirectoryRead
    | InstanceTold
    | Linked
    | LinkLost
    | LinkSilent
    | Heard
    | Refilled
    | LineRead
    | Upcoming
)
