"""Pending work meets free slots: the first in order goes to the live instance with the most room.

Of equals, the one that was given work longest ago.
"""

from msgspec import Raw

from schedulezero.protocol.handling import Execute
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import lifecycle
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.memory import Instance, Memory
from schedulezero.scheduler.core.model import Execution, Refill
from schedulezero.scheduler.core.queues import Queue


class Dispatcher:
    """Claims pending executions for instances, as far as there is room."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def dispatch(self, draft: Draft, now: int) -> None:
        """Hand out what can go out now, for every handler that is not paused."""
        if self._memory.pause is not None:
            return
        for handler_id in list(self._memory.queues):
            if handler_id not in self._memory.handler_pauses:
                self._dispatch_handler(draft, handler_id, now)

    def _dispatch_handler(self, draft: Draft, handler_id: str, now: int) -> None:
        waiting = [queue for queue in self._memory.queues[handler_id].values() if queue.total]
        instances = self._memory.live_instances_of(handler_id) if waiting else []
        while waiting and instances:
            queue = self._first(waiting, instances, now)
            if queue is None:
                break
            self._hand_out(draft, queue, instances, now)
        for queue in waiting:
            self._refill(draft, queue)

    def _first(self, queues: list[Queue], instances: list[Instance], now: int) -> Queue | None:
        """Return the queue whose head is first in order, of those that some instance has room for."""
        heads = [(head, queue) for queue in queues if (head := queue.head()) is not None]
        heads.sort(key=lambda pair: pair[0])
        return next((queue for _, queue in heads if _most_room(instances, queue.method_name, now) is not None), None)

    def _hand_out(self, draft: Draft, queue: Queue, instances: list[Instance], now: int) -> None:
        head = queue.head()
        instance = _most_room(instances, queue.method_name, now)
        assert head is not None
        assert instance is not None
        claimed = lifecycle.claim(self._memory, draft, self._memory.executions[head[2]], instance, now)
        draft.send(instance.info.boot_id, execute_message(claimed, self._memory.epoch))

    def _refill(self, draft: Draft, queue: Queue) -> None:
        if queue.wants_refill():
            queue.refilling = True
            draft.do(Refill(handler_id=queue.handler_id, method_name=queue.method_name))


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
    able = [i for i in instances if i.free_slots(now) > 0 and i.offers(method_name)]
    return max(able, key=lambda i: (i.free_slots(now), -i.last_claim), default=None)
