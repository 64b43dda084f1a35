"""Taskiq's."""

from taskiq import TaskiqScheduler
from taskiq_redis import ListQueueBroker, ListRedisScheduleSource, RedisAsyncResultBackend

from ...marks import mark
from ..surroundings import redis_url

broker = ListQueueBroker(redis_url(0)).with_result_backend(RedisAsyncResultBackend(redis_url(1)))
source = ListRedisScheduleSource(redis_url(2))
scheduler = TaskiqScheduler(broker, [source])


@broker.task(task_name="noop")
async def noop(n: int = 0) -> int:
    """Do nothing."""
    mark(n)
    return n
