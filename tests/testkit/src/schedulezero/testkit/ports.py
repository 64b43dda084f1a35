"""Ports that nobody listens on."""

import random
import socket
from collections.abc import Iterator

# Below what systems hand out for outgoing connections and for port 0, so that none of those takes one in between.
_RANGE = range(15_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of the loopback address that are free now."""
    found: dict[int, None] = {}
    candidates = _shuffled()
    while len(found) < count:
        port = next(candidates)
        if _is_free(port):
            found[port] = None
    return list(found)


def _shuffled() -> Iterator[int]:
    return iter(random.SystemRandom().sample(_RANGE, len(_RANGE)))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
