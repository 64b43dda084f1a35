"""What surrounds the work of every program: how it ends by a signal, and how it tells why it cannot start."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from schedulezero.runtime.errors import StartError


@contextmanager
def ending_well() -> Iterator[None]:
    """End the process with exit code 0 where SIGINT or SIGTERM comes before or after its services run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(0) from None


@contextmanager
def faults_told(prog: str) -> Iterator[None]:
    """Tell what keeps the process from starting on standard error, a line each, and end it with exit code 2."""
    try:
        yield
    except StartError as error:
        sys.stderr.writelines(f"{prog}: {line}\n" for line in str(error).splitlines())
        raise SystemExit(2) from None
