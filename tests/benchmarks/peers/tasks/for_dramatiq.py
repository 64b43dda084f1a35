"""Dramatiq's."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from ...marks import mark
from ..surroundings import redis_url

broker = RedisBroker(url=redis_url(0))
broker.add_middleware(Results(backend=RedisBackend(url=redis_url(1))))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def noop(n: int = 0) -> int:
    """Do nothing."""
    mark(n)
    return n
