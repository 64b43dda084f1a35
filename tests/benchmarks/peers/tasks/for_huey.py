"""Huey's."""

import os

from huey import Huey, RedisHuey, SqliteHuey

from ...marks import mark
from ..surroundings import DIRECTORY, REDIS_PORT, STORAGE


def _open() -> Huey:
    if os.environ[STORAGE] == "redis":
        return RedisHuey("bench", host="127.0.0.1", port=int(os.environ[REDIS_PORT]), utc=False)
    # As durable as ours: flushed to the disk with each transaction.
    return SqliteHuey("bench", filename=f"{os.environ[DIRECTORY]}/huey.db", utc=False, fsync=True)


huey = _open()


@huey.task()
def noop(n: int = 0) -> int:
    """Do nothing."""
    mark(n)
    return n
