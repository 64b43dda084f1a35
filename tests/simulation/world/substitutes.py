"""What the real services reach for by themselves, and must not: chance, the wall clock, files, the log."""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import structlog

from schedulezero.protocol.values import InstanceState
from schedulezero.runtime.clock import to_datetime
from schedulezero.runtime.service import Backoff

Instances = tuple[InstanceState, ...]


class MemoryFile:
    """As the registry's snapshot file, kept by the world."""

    kept: Instances = ()

    def __init__(self, _path: Path) -> None:
        pass

    def open(self) -> Instances:
        return type(self).kept

    def write(self, instances: Instances) -> None:
        type(self).kept = instances


@contextmanager
def substituted(
    random: Random, now: Callable[[], int], open_store: Callable[..., Any], faults: Mapping[str, Any]
) -> Iterator[None]:
    """Let every service take chance from `random`, the wall clock from `now`, and its store from `open_store`.

    Args:
        random: chance.
        now: the wall clock of handlers, in microseconds.
        open_store: what opens a store.
        faults: what else is put in the place of what, by its dotted name.
    """

    class Datetime(datetime):
        @classmethod
        def now(cls, _zone: Any = UTC) -> Any:
            return to_datetime(now())

    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=random.getrandbits(128), version=4)

    class File(MemoryFile):
        """This world's."""

    class Store:
        open = staticmethod(open_store)

    steady = partial(Backoff, rng=random)
    with ExitStack() as stack:
        for name, substitute in {
            "uuid.uuid4": uuid4,
            "schedulezero.handler.serve.datetime": Datetime,
            "schedulezero.registry.service.SnapshotFile": File,
            "schedulezero.runtime.service.loops.Backoff": steady,
            "schedulezero.scheduler.pipeline.Backoff": steady,
            "schedulezero.scheduler.pipeline.Random": lambda: Random(random.getrandbits(64)),
            "schedulezero.scheduler.service.Store": Store,
            **faults,
        }.items():
            stack.enter_context(patch(name, substitute))
        stack.enter_context(_silence())
        yield


@contextmanager
def _silence() -> Iterator[None]:
    """A trace of the world is kept elsewhere; a log line costs as much as an execution."""
    before, disabled = structlog.get_config(), logging.root.manager.disable
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.disable(disabled)
