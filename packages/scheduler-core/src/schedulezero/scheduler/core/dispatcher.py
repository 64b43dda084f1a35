"""Pending work meets free slots: the first in order goes to the live instance with the most room.

Of equals, the one that was given work longest ago. Where no slot is free, what may wait at an instance goes ahead.
"""

from collections import defaultdict

from msgspec import Raw

from schedulezero.protocol.handling import Execute
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import lifecycle
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.lines import Line
from schedulezero.scheduler.core.memory import Instance, Memory
from schedulezero.scheduler.core.model import Effect, Execution, ReadLine, Refill
from schedulezero.scheduler.core.pace import may_wait_there
from schedulezero.scheduler.core.queues import Queue


class Dispatcher:
    """Claims pending executions for instances, as far as there is room."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def dispatch(self, draft: Draft, now: int) -> None:
        """Hand out what can go out now, for every handler that is not paused; ask for more where little is left."""
        if self._memory.pause is None:
            for handler_id, instances in self._with_room(now).items():
                if handler_id not in self._memory.handler_pauses:
                    self._dispatch_handler(draft, handler_id, instances, now)
        for place in self._memory.take_short():
            place.refilling = True
            draft.do(_more_of(place))

    def _with_room(self, now: int) -> dict[str, list[Instance]]:
        """Return the instances that have room, of each handler for which something waits."""
        found: defaultdict[str, list[Instance]] = defaultdict(list)
        for instance in self._memory.instances.values() if self._memory.queues else ():
            if instance.info.handler_id in self._memory.queues and instance.room_ahead(now) > 0:
                found[instance.info.handler_id].append(instance)
        return found

    def _dispatch_handler(self, draft: Draft, handler_id: str, instances: list[Instance], now: int) -> None:
        waiting = list(self._memory.queues[handler_id].values())
        while (pair := self._first(waiting, instances, now)) is not None:
            execution, instance = pair
            claimed = lifecycle.claim(self._memory, draft, execution, instance, now)
            draft.send(instance.info.boot_id, execute_message(claimed, self._memory.epoch))

    def _first(self, queues: list[Queue], instances: list[Instance], now: int) -> tuple[Execution, Instance] | None:
        """Return the first execution in order that some instance has room for, with that instance.

        None goes ahead of one that may not: it would keep it from its slot.
        """
        may_go_ahead = True
        heads = [(head, queue.method_name) for queue in queues if (head := queue.head()) is not None]
        for head, method_name in sorted(heads):
            execution, instance = self._memory.executions[head[2]], _most_room(instances, method_name, now)
            if instance is None:
                continue
            may_go_ahead = may_go_ahead and may_wait_there(execution)
            if instance.free_slots(now) > 0 or may_go_ahead:
                return execution, instance
        return None


def execute_message(execution: Execution, epoch: int) -> Execute:
    """Return what hands the execution's current claim to the instance that it names."""
    assert execution.boot_id is not None
    return Execute(
        execution_id=execution.id,
        attempt=execution.attempt,
        claim=execution.claim,
        boot_id=execution.boot_id,
        shard=execution.shard,
        epoch=epoch,
        method=execution.method_name,
        params=Raw(execution.params.encode()),
        idempotency_key=execution.id,
        max_attempts=execution.retry.max_attempts,
        schedule_id=execution.schedule_id,
        scheduled_for=to_datetime(execution.fire_time) if execution.fire_time is not None else None,
        timeout_seconds=execution.timeout_seconds,
    )


def _most_room(instances: list[Instance], method_name: str, now: int) -> Instance | None:
    able = [i for i in instances if i.room_ahead(now) > 0 and i.offers(method_name)]
    return max(able, key=lambda i: (i.free_slots(now), -i.last_claim), default=None)


def _more_of(place: Queue | Line) -> Effect:
    if isinstance(place, Line):
        return ReadLine(schedule_id=place.schedule_id)
    return Refill(handler_id=place.handler_id, method_name=place.method_name)
