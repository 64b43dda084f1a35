"""Where the scheduler's time goes, stage by stage: its own parts called in one thread, with no process around them.

`python -m tests.benchmarks.core_stages [RUNS]` prints microseconds a run. The figures are processor time of one
thread, so they mean the same on a busy machine.
"""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import msgspec
from prometheus_client import CollectorRegistry

from schedulezero.protocol.commands import RunBatch
from schedulezero.protocol.envelope import decode_from_instance, decode_to_instance, encode_parcels
from schedulezero.protocol.events import Event
from schedulezero.protocol.handling import Execute, Outcome, Welcome
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceInfo, InstanceState, MethodSpec, RunRequest
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.machine import Machine
from schedulezero.scheduler.core.memory import Limits
from schedulezero.scheduler.core.model import SECOND, Step
from schedulezero.scheduler.effects import Effects
from schedulezero.scheduler.store import Store
from schedulezero.scheduler.weights import weight_of

RUNS = 10_000
_BATCH = 1_000
_BOOT = "boot-1"


TITLES = {
    "machine: accept": "commands decided",
    "machine: outcomes, dispatch": "outcomes decided, work handed out",
    "machine: refill": "a window of the queue taken in again",
    "decode outcomes": "outcomes read from the socket's bytes",
    "committer: weigh": "the backlog weighed",
    "effects: messages, events, metrics": "after the commit: messages, metrics, events that are heard",
    "writer: rows and commit": "writer: three rows, the figures by the minute, the transaction",
    "reader: refill": "reader: the queue's window read again",
}
"""What each stage is."""


class Stages:
    """A scheduler's parts, and the time that each has used."""

    def __init__(self, directory: Path) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.store = Store.open(f"sqlite:///{directory / 'stages.db'}", owner="stages")
        self.machine = Machine(Limits(), Random(1))
        self.frames: list[bytes] = []
        self.commits = self.writes = 0
        self._now = round(time.time() * SECOND)
        self._effects = Effects(
            self,  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
            SchedulerMetrics.on(CollectorRegistry()),
            answer_schedule=lambda *_: None,
            read_more=self._read_more,
            report_lost=lambda _: None,
            deliver=lambda _: None,
        )
        self._waiting: list[inputs.Input] = []
        self._connect()

    def timed[T](self, stage: str, do: Callable[[], T]) -> T:
        began = time.thread_time()
        try:
            return do()
        finally:
            self.seconds[stage] += time.thread_time() - began

    def feed(self, stage: str, event: inputs.Input) -> None:
        """Let the machine decide, commit, and perform."""
        self._now += 1_000
        step = self.timed(stage, lambda: self.machine.handle(event, self._now))
        self.timed("committer: weigh", lambda: weight_of(step))
        self._commit(step)
        self.timed("effects: messages, events, metrics", lambda: self._effects.perform(step.effects))
        while self._waiting:
            self.feed("machine: refill", self._waiting.pop())

    def _commit(self, step: Step) -> None:
        if step.changes:
            self.commits, self.writes = self.commits + 1, self.writes + len(step.changes)
            self.timed("writer: rows and commit", lambda: self.store.writer.commit([step.changes]))

    def _read_more(self, wanted: object) -> None:
        names = {"handler_id": wanted.handler_id, "method_name": wanted.method_name}  # type: ignore[attr-defined]
        limit = 2 * Limits().window
        found = self.timed("reader: refill", lambda: self.store.reader.pending(*names.values(), limit=limit))
        self._waiting.append(inputs.Refilled(executions=found, **names))

    # -- in the places of links and publisher: nobody hears -----------------------------------------------------------

    def send(self, _boot_id: str, messages: Iterable[object]) -> None:
        self.frames += encode_parcels(messages)  # type: ignore[arg-type]

    def is_heard(self, _family: str) -> bool:
        return False

    def pass_over(self, _family: str, _count: int) -> None: ...

    def publish(self, events: Sequence[Event]) -> None:
        assert not events

    # -- the instance ------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        method = MethodSpec(name="noop")
        info = InstanceInfo(
            handler_id="bench", instance_id="i", boot_id=_BOOT, address="tcp://x", methods=(method,), capacity=16
        )
        seen = datetime.now(UTC)
        state = InstanceState(info=info, status=HandlerStatus.CONNECTED, running=0, last_seen=seen)
        self.feed("connect", inputs.DirectoryRead(instances=(state,)))
        self.feed("connect", inputs.Linked(welcome=Welcome(instance_id="i", boot_id=_BOOT, capacity=16)))

    def answer(self) -> int:
        """Answer what was sent as an instance does, and let the scheduler hear it; return how many have ended."""
        sent, self.frames = self.frames, []
        executes = [m for frame in sent for m in decode_to_instance(frame) if isinstance(m, Execute)]
        answers = list(encode_parcels(map(_outcome, executes)))
        for frame in answers:
            heard = self.timed("decode outcomes", lambda frame=frame: decode_from_instance(frame))
            self.feed("machine: outcomes, dispatch", inputs.Heard(boot_id=_BOOT, messages=heard))
        return len(executes)


def _outcome(execute: Execute) -> Outcome:
    now = datetime.now(UTC)
    return Outcome(
        execution_id=execute.execution_id,
        attempt=execute.attempt,
        claim=execute.claim,
        status="success",
        result=msgspec.Raw(b"1"),
        started_at=now,
        completed_at=now,
    )


class _Ticket:
    def answer(self, _value: object) -> None: ...
    def refuse(self, problem: object) -> None:
        raise AssertionError(problem)


def measure(runs: int = RUNS) -> dict[str, float]:
    """Return microseconds a run by stage, and commits and row writes."""
    with tempfile.TemporaryDirectory() as directory:
        stages = Stages(Path(directory))
        stages.seconds.clear()
        stages.writes = stages.commits = 0
        run = RunRequest(handler_id="bench", method_name="noop", job_params=msgspec.Raw(b'{"n": 1}'))
        for _ in range(0, runs, _BATCH):
            command = RunBatch(runs=(run,) * _BATCH)
            stages.feed("machine: accept", inputs.Asked(command=command, caller="c", ticket=_Ticket()))
        ended = 0
        while ended < runs:
            ended += stages.answer()
        stages.store.close()
        found = {stage: round(seconds / runs * 1e6, 2) for stage, seconds in stages.seconds.items()}
        return {
            **found,
            "loop": round(sum(us for stage, us in found.items() if not stage.startswith(("writer", "reader"))), 2),
            "commits": stages.commits,
            "row writes a run": stages.writes / runs,
        }


if __name__ == "__main__":
    for name, value in measure(*(int(argument) for argument in sys.argv[1:])).items():
        sys.stdout.write(f"{value:10.2f}  {name}\n")
