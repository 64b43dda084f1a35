"""What is done with a command: the directory decides, then everyone is told."""

from collections.abc import Callable
from typing import cast

from schedulezero.protocol import answers
from schedulezero.protocol.commands import Command, HandlerGet, HandlerList, RegistrySnapshot
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.events import HandlerUnresponsive, RegistryEvent
from schedulezero.protocol.frozen import Frozen
from schedulezero.protocol.link.calls import Call
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.values import InstanceInfo
from schedulezero.registry.directory import Change, Directory, Event, Tick
from schedulezero.registry.moment import Moment
from schedulezero.runtime.clock import Clock
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import RegistryMetrics

_FAMILY = "handler"
_log = get_logger()


class Registrar:
    """Answers calls from the directory, and publishes, logs and counts what has changed in it.

    Args:
        directory: decides.
        clock: tells the moment of each event.
        publisher: tells subscribers.
        metrics: tells how many handlers there are.
        mark: called when there is something new to remember over a restart.
    """

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        *,
        publisher: Publisher,
        metrics: RegistryMetrics,
        mark: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._publisher = publisher
        self._metrics = metrics
        self._mark = mark
        self._recount = True

    def serve(self, call: Call) -> None:
        """Answer one call, or refuse it."""
        try:
            call.answer(self._answer(call.command))
        except ScheduleZeroError as error:
            _log.info("registry.refused", command=_tag(call.command), code=error.code, reason=str(error))
            call.refuse(error.problem)

    def tick(self) -> None:
        """Let time pass in the directory, and bring the metrics up to date."""
        self._apply(Tick())
        if self._recount:
            self._recount = False
            for status, number in self._directory.counts().items():
                self._metrics.handlers.labels(status).set(number)

    def _answer(self, command: Command[object]) -> object:
        match command:
            case HandlerList():
                return self._directory.page()
            case HandlerGet():
                return self._directory.detail(command.handler_id)
            case RegistrySnapshot():
                return answers.Directory(
                    epoch=self._publisher.epoch,
                    seq=self._publisher.sequence(_FAMILY),
                    instances=self._directory.instances(),
                )
            case _:
                return self._apply(cast(Event, command)).answer

    def _apply(self, event: Event) -> Change:
        change = self._directory.handle(event, Moment.of(self._clock))
        self._publisher.publish(change.facts)
        if change.dirty:
            self._recount = True
            self._mark()
        for fact in change.facts:
            _log_fact(fact)
        if change.contested is not None:
            _log_contest(change.contested)
        return change


def _log_fact(fact: RegistryEvent) -> None:
    say = _log.warning if isinstance(fact, HandlerUnresponsive) else _log.info
    info = fact.data.info
    say(
        _tag(fact),
        handler_id=info.handler_id,
        instance_id=info.instance_id,
        boot_id=info.boot_id,
        address=info.address,
    )


def _log_contest(info: InstanceInfo) -> None:
    _log.warning(
        "registry.instance_id_contested",
        handler_id=info.handler_id,
        instance_id=info.instance_id,
        remedy="two processes run under this instance id: give each its own SCHEDULEZERO_HANDLER_INSTANCE_ID, or none",
    )


def _tag(value: Frozen) -> str:
    return str(value.__struct_config__.tag)
