"""What the session machine is told of time, and what it tells its shell to do."""

from datetime import datetime
from typing import NamedTuple

from schedulezero.handler.outcomes import Work
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.handling import FromInstance


class Moment(NamedTuple):
    """An instant on both clocks: `at` for people, aware and UTC; `seconds`, monotonic, for deadlines."""

    at: datetime
    seconds: float


class Send(Frozen):
    """Send a message to the connection `peer`."""

    peer: bytes
    message: FromInstance


class Start(Frozen):
    """Begin an attempt. The runner reports its end exactly once, as an Outcome, whatever becomes of it."""

    work: Work


class Stop(Frozen):
    """Stop an execution as well as it can be stopped."""

    execution_id: str


Instruction = Send | Start | Stop
