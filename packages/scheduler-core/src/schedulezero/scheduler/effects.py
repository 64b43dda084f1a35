"""What is done once a batch is durable: answers, messages to instances, events, and what they are counted as."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Sequence

from prometheus_client import Counter, Histogram

from schedulezero.protocol.events import Event, ExecutionFinished, family_of
from schedulezero.protocol.handling import Execute, ToInstance
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.states import Status
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.core.model import (
    SECOND,
    Answer,
    Deliver,
    Effect,
    Execution,
    Publish,
    ReadAhead,
    ReadLine,
    Refill,
    Refuse,
    ReportLost,
    Schedule,
    Send,
)
from schedulezero.scheduler.links import Links
from schedulezero.scheduler.records import execution_record, schedule_record


class Effects:
    """Performs effects: instances that are to begin something are told first, askers next, other instances then, and
    whoever listens last. Messages to one instance leave together, in order.

    Args:
        links: where messages go.
        publisher: where events go.
        metrics: where ended executions are counted.
        answer_schedule: answers a ticket with a schedule, whose record needs a look into the database.
        read_more: reads more of a queue or a line, or of the schedules.
        report_lost: tells the registry.
        deliver: sees that a receiver gets the notification that it is owed.
    """

    def __init__(
        self,
        links: Links,
        publisher: Publisher,
        metrics: SchedulerMetrics,
        *,
        answer_schedule: Callable[[Answer, Schedule], None],
        read_more: Callable[[Refill | ReadLine | ReadAhead], None],
        report_lost: Callable[[ReportLost], None],
        deliver: Callable[[str], None],
    ) -> None:
        self._links, self._publisher, self._metrics = links, publisher, metrics
        self._answer_schedule, self._read_more, self._report_lost = answer_schedule, read_more, report_lost
        self._deliver = deliver
        self._known_meters: dict[tuple[str, str, Status], tuple[Counter, Histogram]] = {}

    def perform(self, effects: Sequence[Effect]) -> None:
        """Perform what has become durable together."""
        parcels: dict[str, list[ToInstance]] = defaultdict(list)
        beginning: dict[str, None] = {}
        answers: list[Answer | Refuse] = []
        facts: list[Publish] = []
        for effect in effects:
            match effect:
                case Send():
                    parcels[effect.boot_id].append(effect.message)
                    if isinstance(effect.message, Execute):
                        beginning[effect.boot_id] = None
                case Publish():
                    facts.append(effect)
                case Answer() | Refuse():
                    answers.append(effect)
                case Refill() | ReadLine() | ReadAhead():
                    self._read_more(effect)
                case ReportLost():
                    self._report_lost(effect)
                case Deliver():
                    self._deliver(effect.receiver)
        for boot_id in beginning:
            self._links.send(boot_id, parcels.pop(boot_id))
        for answer in answers:
            self._answer(answer)
        for boot_id, messages in parcels.items():
            self._links.send(boot_id, messages)
        self._count(facts)
        self._publish(facts)

    def _answer(self, answer: Answer | Refuse) -> None:
        if isinstance(answer, Refuse):
            answer.ticket.refuse(answer.problem)
        elif isinstance(answer.value, Schedule):
            self._answer_schedule(answer, answer.value)
        elif isinstance(answer.value, Execution):
            answer.ticket.answer(execution_record(answer.value))
        else:
            answer.ticket.answer(answer.value)

    def _publish(self, facts: Sequence[Publish]) -> None:
        """Publish what somebody hears; of the rest no records are made, and the publisher counts it."""
        publisher, events = self._publisher, list[Event]()
        unheard = Tally[str]()
        for fact in facts:
            name = family_of(fact.event)
            if publisher.is_heard(name):
                events.append(_event(fact))
            else:
                unheard[name] += 1
        for name, count in unheard.items():
            publisher.pass_over(name, count)
        publisher.publish(events)

    def _meters(self, row: Execution) -> tuple[Counter, Histogram]:
        """Return what counts the ends of such executions and what measures their durations, looked up once for each."""
        key = (row.handler_id, row.method_name, row.status)
        found = self._known_meters.get(key)
        if found is None:
            counter = self._metrics.executions.labels(row.handler_id, row.method_name, row.status.value)
            durations = self._metrics.execution_duration.labels(row.handler_id, row.method_name)
            found = self._known_meters[key] = (counter, durations)
        return found

    def _count(self, facts: Sequence[Publish]) -> None:
        for fact in facts:
            if fact.event is ExecutionFinished and isinstance(fact.row, Execution):
                self._count_one(fact.row)

    def _count_one(self, row: Execution) -> None:
        counter, durations = self._meters(row)
        counter.inc()
        if row.status is Status.SKIPPED or row.started_at is None or row.completed_at is None:
            return
        durations.observe((row.completed_at - row.started_at) / SECOND)
        if row.fire_time is not None:
            self._metrics.fire_lateness.observe(max(row.started_at - row.fire_time, 0) / SECOND)


def _event(publish: Publish) -> Event:
    if isinstance(publish.row, Schedule):
        return publish.event(data=schedule_record(publish.row, None))
    return publish.event(data=execution_record(publish.row))
