"""What keeps a service from starting: one clear line that names the remedy."""

import errno
from collections.abc import Sequence
from typing import Self

from schedulezero.protocol.errors import Code, Detail, Problem, ScheduleZeroError


class StartError(ScheduleZeroError):
    """A service cannot start; `str(error)` is for the operator, the command line ends with exit code 2."""


class SettingsError(StartError):
    """The settings cannot be used: one line a fault, each naming the setting, its source and the remedy."""

    @classmethod
    def listing(cls, faults: Sequence[Detail]) -> Self:
        """Build the error of one or more faults; their messages are its lines."""
        message = "\n".join(fault.message for fault in faults)
        return cls(Problem(code=Code.INVALID_VALUE, message=message, details=tuple(faults)))


def cannot_listen(cause: OSError, *, address: str, port: int, variable: str) -> StartError:
    """Say why `address`:`port` cannot be listened on, and that the environment variable `variable` chooses another."""
    if cause.errno == errno.EADDRINUSE:
        reason = "is taken by another program; stop it, or choose another"
    else:
        reason = f"cannot be listened on ({cause.strerror or cause}); choose another"
    return StartError.of(Code.UNAVAILABLE, f"{address} port {port} {reason} with {variable}")
