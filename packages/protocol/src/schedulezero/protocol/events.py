"""The facts that services publish, after the commit that they report.

They are hints: a subscriber that must be right fetches a snapshot. The part of a type before the dot is its
family; `seq` counts up within a publisher's family.
"""

from functools import cache

from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.values import ExecutionRecord, InstanceState, ScheduleRecord, Time


class Event(Frozen, tag_field="type"):
    """Base of the facts."""


class _OfExecution(Event):
    data: ExecutionRecord


class _OfSchedule(Event):
    data: ScheduleRecord


class _OfInstance(Event):
    data: InstanceState


class ExecutionCreated(_OfExecution, tag="execution.created"):
    pass


class ExecutionStarted(_OfExecution, tag="execution.started"):
    pass


class ExecutionRetrying(_OfExecution, tag="execution.retrying"):
    pass


class ExecutionFinished(_OfExecution, tag="execution.finished"):
    pass


class ScheduleCreatedEvent(_OfSchedule, tag="schedule.created"):
    pass


class ScheduleUpdated(_OfSchedule, tag="schedule.updated"):
    pass


class SchedulePaused(_OfSchedule, tag="schedule.paused"):
    pass


class ScheduleResumed(_OfSchedule, tag="schedule.resumed"):
    pass


class ScheduleDeleted(_OfSchedule, tag="schedule.deleted"):
    pass


class HandlerConnected(_OfInstance, tag="handler.connected"):
    """An instance registered, with all that it offers; also when one comes back."""


class HandlerDraining(_OfInstance, tag="handler.draining"):
    pass


class HandlerUnresponsive(_OfInstance, tag="handler.unresponsive"):
    pass


class HandlerDisconnected(_OfInstance, tag="handler.disconnected"):
    """An instance went away, or was lost, or was replaced by a later boot."""


RegistryEvent = HandlerConnected | HandlerDraining | HandlerUnresponsive | HandlerDisconnected
SchedulerEvent = (
    ExecutionCreated
    | ExecutionStarted
    | ExecutionRetrying
    | ExecutionFinished
    | ScheduleCreatedEvent
    | ScheduleUpdated
    | SchedulePaused
    | ScheduleResumed
    | ScheduleDeleted
)


def family(event: Event) -> str:
    """Return the topic family of an event, such as `execution`."""
    return family_of(type(event))


@cache
def family_of(type_: type[Event]) -> str:
    """Return the topic family of the events of a type."""
    return str(type_.__struct_config__.tag).partition(".")[0]


class Sequences(Frozen):
    """A publisher's current position in each of its families, repeated every second so that a lost tail is noticed."""

    epoch: str
    time: Time
    sequences: dict[str, int]
