"""Effects: who is told first, and what is made and counted of runs that nobody watches."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Raw
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from schedulezero.protocol.errors import Code, Problem
from schedulezero.protocol.events import (
    Event,
    ExecutionCreated,
    ExecutionFinished,
    ExecutionStarted,
)
from schedulezero.protocol.handling import Ack, Execute, ToInstance
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RetryPolicy
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.core.model import SECOND, Answer, Effect, Execution, Publish, Refuse, Send
from schedulezero.scheduler.effects import Effects

PENDING = Execution(
    id="e", shard=0, handler_id="h", method_name="m", params="{}", status=Status.PENDING, priority=5, created_at=0,
    ready_at=0, retry=RetryPolicy(),
)  # fmt: skip
DONE = replace(PENDING, status=Status.SUCCESS, started_at=1 * SECOND, completed_at=3 * SECOND, fire_time=0)
LIFE = (
    Publish(event=ExecutionCreated, row=PENDING),
    Publish(event=ExecutionStarted, row=replace(DONE, status=Status.RUNNING, completed_at=None)),
    Publish(event=ExecutionFinished, row=DONE),
)
EXECUTE = Execute(
    execution_id="e", attempt=1, claim=1, boot_id="idle", shard=0, epoch=1, method="m", params=Raw(b"{}"),
    idempotency_key="e",
)  # fmt: skip
ACK = Ack(execution_id="d", attempt=1, claim=1)


class Surroundings:
    """Links, publisher and askers in one, who write down what they are told in its order."""

    def __init__(self, heard: Sequence[str] = ()) -> None:
        self.told: list[str] = []
        self.sequences: dict[str, int] = {}
        self.registry = CollectorRegistry()
        self._heard = heard
        self.effects = Effects(
            self,  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
            SchedulerMetrics.on(self.registry),
            answer_schedule=lambda *_: None,
            read_more=lambda _: None,
            report_lost=lambda _: None,
            deliver=lambda _: None,
        )

    def send(self, boot_id: str, messages: Iterable[ToInstance]) -> None:
        self.told.append(f"{boot_id}: {', '.join(type(message).__name__ for message in messages)}")

    def answer(self, value: object) -> None:
        self.told.append(f"answer {value}")

    def refuse(self, problem: Problem) -> None:
        self.told.append(f"refusal {problem.message}")

    def is_heard(self, family: str) -> bool:
        return family in self._heard

    def pass_over(self, family: str, count: int) -> None:
        self.sequences[family] = self.sequences.get(family, 0) + count

    def publish(self, events: Iterable[Event]) -> None:
        self.told += [type(event).__name__ for event in events]

    def metric(self, name: str, **labels: str) -> Any:
        return self.registry.get_sample_value(name, labels)


def test_work_goes_out_before_answers_and_acknowledgements_after_them_each_in_order() -> None:
    around = Surroundings(heard=["execution"])
    effects: list[Effect] = [
        LIFE[0],
        Send(boot_id="busy", message=ACK),
        Answer(ticket=around, value="1"),
        Send(boot_id="idle", message=ACK),
        Refuse(ticket=around, problem=Problem(code=Code.CONFLICT, message="2")),
        Send(boot_id="idle", message=EXECUTE),
        Answer(ticket=around, value="3"),
    ]

    around.effects.perform(effects)

    assert around.told == [
        "idle: Ack, Execute",
        "answer 1",
        "refusal 2",
        "answer 3",
        "busy: Ack",
        "ExecutionCreated",
    ]


def test_runs_that_nobody_watches_are_numbered_and_measured_and_no_events_are_made_of_them() -> None:
    around = Surroundings(heard=["schedule"])

    around.effects.perform(LIFE)
    around.effects.perform(LIFE)

    assert around.told == []
    assert around.sequences == {"execution": 6}
    assert around.metric("schedulezero_executions_total", handler="h", method="m", status="success") == 2
    assert around.metric("schedulezero_execution_duration_seconds_sum", handler="h", method="m") == 4
    assert around.metric("schedulezero_fire_lateness_seconds_sum") == 2


def test_runs_that_somebody_watches_are_told_and_measured() -> None:
    around = Surroundings(heard=["execution"])

    around.effects.perform(LIFE)

    assert around.told == ["ExecutionCreated", "ExecutionStarted", "ExecutionFinished"]
    assert around.sequences == {}
    assert around.metric("schedulezero_executions_total", handler="h", method="m", status="success") == 1
