"""Celery's."""

from celery import Celery

from ...marks import mark
from ..surroundings import redis_url

app = Celery("bench", broker=redis_url(0), backend=redis_url(1))
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)


@app.task(name="noop")
def noop(n: int = 0) -> int:
    """Do nothing."""
    mark(n)
    return n
