"""The life of an execution: its statuses, and the one table of the transitions between them.

Nothing else in the project decides which status may follow which. A pair that is not in :data:`TRANSITIONS`
raises :class:`IllegalTransition` and changes nothing.
"""

from enum import StrEnum


class Status(StrEnum):
    """Where an execution stands. The scheduler alone moves it."""

    PENDING = "pending"
    """Decided and stored, waiting for a handler. A crash leaves it so; it is dispatched after the restart."""
    RUNNING = "running"
    """Claimed for one attempt on one instance. After a crash the handler is asked whether it still has it."""
    RETRYING = "retrying"
    """An attempt did not succeed and another is due at `ready_at`. A crash leaves it so."""
    SUCCESS = "success"
    ERROR = "error"
    """Attempts used up, or lost with `on_lost` off: the dead letters, which can be replayed."""
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """Decided not to run; the :class:`Reason` says why."""


class Step(StrEnum):
    """What moves an execution from one status to the next."""

    CLAIM = "claim"
    REQUEUE = "requeue"
    SUCCEED = "succeed"
    FAIL = "fail"
    TIME_OUT = "time_out"
    RETRY = "retry"
    CANCEL = "cancel"
    SKIP = "skip"


class Reason(StrEnum):
    """Why an instant was skipped."""

    OVERLAP = "overlap"
    MISFIRE = "misfire"
    PAUSED = "paused"
    EXPIRED = "expired"
    NO_HANDLER = "no_handler"
    QUARANTINED = "quarantined"


class HandlerStatus(StrEnum):
    """What is known of a handler instance, and of a handler: the best of its instances."""

    CONNECTED = "Connected"
    DRAINING = "Draining"
    """Finishes what it has and takes nothing new."""
    UNRESPONSIVE = "Unresponsive"
    """Its connection lives, its program is silent: it gets no new work and is not lost."""
    DISCONNECTED = "Disconnected"


FINAL = frozenset({Status.SUCCESS, Status.ERROR, Status.TIMEOUT, Status.CANCELLED, Status.SKIPPED})
"""Statuses that nothing leaves. A replay is a new execution."""

TRANSITIONS: dict[tuple[Status, Step], Status] = {
    (Status.PENDING, Step.CLAIM): Status.RUNNING,
    (Status.PENDING, Step.CANCEL): Status.CANCELLED,
    (Status.PENDING, Step.SKIP): Status.SKIPPED,
    (Status.RUNNING, Step.SUCCEED): Status.SUCCESS,
    (Status.RUNNING, Step.FAIL): Status.ERROR,
    (Status.RUNNING, Step.TIME_OUT): Status.TIMEOUT,
    (Status.RUNNING, Step.CANCEL): Status.CANCELLED,
    (Status.RUNNING, Step.RETRY): Status.RETRYING,
    # The instance refused the work before it began (draining, or a new boot), so the attempt does not count.
    (Status.RUNNING, Step.REQUEUE): Status.PENDING,
    (Status.RETRYING, Step.CLAIM): Status.RUNNING,
    (Status.RETRYING, Step.CANCEL): Status.CANCELLED,
    (Status.RETRYING, Step.SKIP): Status.SKIPPED,
}


class IllegalTransition(Exception):
    """A step that the table does not allow from this status: a fault of this program, never of a user."""


def after(status: Status, step: Step) -> Status:
    """Return the status that `step` leads to from `status`.

    Raises:
        IllegalTransition: the table has no such pair.
    """
    try:
        return TRANSITIONS[status, step]
    except KeyError:
        raise IllegalTransition(f"an execution that is {status} cannot {step}") from None
