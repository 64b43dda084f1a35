"""Handler instances: the SDK's session, jobs that end when the history says so, and a wire to the scheduler."""

from collections import deque
from collections.abc import Sequence

from schedulezero.handler import outcomes
from schedulezero.handler.errors import Fail, Retry
from schedulezero.handler.instructions import Instruction, Moment, Send, Start, Stop
from schedulezero.handler.outcomes import Work
from schedulezero.handler.session import Session
from schedulezero.protocol.handling import FromInstance, Outcome, ToInstance
from schedulezero.protocol.values import InstanceInfo, MethodSpec

from ..model.watch import Watch

_BEAT = 3.0
"""Seconds. A real one is a second; a pulse that tells nothing new costs as much as one that does."""
_METHODS = (MethodSpec(name="work"), MethodSpec(name="alone", concurrency=1))


class Wire:
    """One connection to one boot: what is under way in each direction, in order."""

    def __init__(self, peer: bytes) -> None:
        self.peer = peer
        self.to_instance: deque[ToInstance] = deque()
        self.to_scheduler: deque[FromInstance] = deque()


class Instance:
    """One boot of an instance.

    Args:
        info: what the registry says of it.
        watch: told what it begins.
        session: the SDK's, or one that a test has spoilt.
    """

    def __init__(self, info: InstanceInfo, watch: Watch, session: type[Session]) -> None:
        self.info = info
        methods = {method.name: method for method in info.methods}
        self.session = session(
            instance_id=info.instance_id, boot_id=info.boot_id, capacity=info.capacity, methods=methods
        )
        self.jobs: dict[str, Work] = {}
        self.wire: Wire | None = None
        self._watch = watch
        self._stopping: list[str] = []
        self._next_beat = 0.0

    @property
    def boot_id(self) -> str:
        return self.info.boot_id

    @property
    def is_busy(self) -> bool:
        """Whether it has a job, or something is under way on its wire."""
        return bool(self.jobs or (self.wire and (self.wire.to_instance or self.wire.to_scheduler)))

    def receive(self, peer: bytes, messages: Sequence[ToInstance], now: Moment) -> None:
        """Let messages of a connection arrive, of a former one perhaps."""
        self._perform(self.session.receive(peer, messages, now))
        self._stop_jobs(now)

    def end_job(self, execution_id: str, how: str, now: Moment) -> None:
        """Let a job return or raise."""
        outcome = _outcome(self.jobs.pop(execution_id), self.boot_id, how, now)
        self._perform(self.session.ended(outcome, now))
        self._stop_jobs(now)

    def pass_time(self, now: Moment) -> None:
        """Let deadlines come and beats be sent."""
        due = self.session.next_deadline
        if due is not None and due <= now.seconds:
            self._perform(self.session.tick(now))
        if now.seconds >= self._next_beat:
            self._next_beat = now.seconds + _BEAT
            self._perform(self.session.beat(now))
        self._stop_jobs(now)

    def drain(self) -> None:
        self._perform(self.session.drain())

    def disconnect(self) -> None:
        """Lose the connection, and with it what is under way."""
        if self.wire is not None:
            self.session.unreachable(self.wire.peer)
            self.wire = None

    def _perform(self, instructions: Sequence[Instruction]) -> None:
        for step in instructions:
            match step:
                case Send():
                    self._send(step)
                case Start(work=work):
                    execute = work.execute
                    self.jobs[execute.execution_id] = work
                    self._watch.begun(self.boot_id, execute.execution_id, execute.claim)
                case Stop():
                    self._stopping.append(step.execution_id)

    def _send(self, send: Send) -> None:
        if self.wire is not None and send.peer == self.wire.peer:
            self.wire.to_scheduler.append(send.message)
        else:
            self.session.unreachable(send.peer)

    def _stop_jobs(self, now: Moment) -> None:
        """Stopped jobs end soon, which may let others begin."""
        while self._stopping:
            execution_id = self._stopping.pop()
            if execution_id in self.jobs:
                self.end_job(execution_id, "stopped", now)


def described(number: int, handler_id: str, instance_id: str, capacity: int) -> InstanceInfo:
    """Return what the boot of this number says of itself."""
    return InstanceInfo(
        handler_id=handler_id,
        instance_id=instance_id,
        boot_id=f"boot-{number}",
        address=f"tcp://{instance_id}",
        methods=_METHODS,
        capacity=capacity,
    )


def _outcome(work: Work, boot_id: str, how: str, now: Moment) -> Outcome:
    at = now.at
    match how:
        case "success":
            return outcomes.succeeded(work, [boot_id, work.execute.claim], at)
        case "fail":
            return outcomes.failed(work, Fail("for good"), at)
        case "retry":
            return outcomes.failed(work, Retry("later", after=2), at)
        case _:
            return outcomes.failed(work, RuntimeError(how), at)
