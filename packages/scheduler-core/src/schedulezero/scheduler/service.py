"""The scheduler as a service: its database, its sockets, its loops, from start to stop."""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version

from schedulezero.protocol.answers import Directory, ServiceInfo
from schedulezero.protocol.commands import HandlerLost, RegistrySnapshot, SchedulerCommand
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.events import RegistryEvent
from schedulezero.protocol.handling import Hello
from schedulezero.protocol.link.calls import CommandClient, CommandServer, Context
from schedulezero.protocol.link.feed import Mirror
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.link.sockets import BindError
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceInfo, InstanceState
from schedulezero.runtime.clock import Clock, to_datetime
from schedulezero.runtime.errors import StartError
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import LoopMetrics, SchedulerMetrics
from schedulezero.runtime.service import Loops
from schedulezero.runtime.settings import Endpoints, Settings
from schedulezero.scheduler.cleaner import Cleaner
from schedulezero.scheduler.commands import Commands
from schedulezero.scheduler.core.inputs import DirectoryRead, InstanceTold, LineRead, Refilled, Upcoming
from schedulezero.scheduler.core.memory import Limits
from schedulezero.scheduler.core.model import Answer, ReadAhead, ReadLine, Refill, ReportLost, Schedule, replace
from schedulezero.scheduler.effects import Effects
from schedulezero.scheduler.explaining import Explaining
from schedulezero.scheduler.links import Links
from schedulezero.scheduler.pipeline import Pipeline
from schedulezero.scheduler.queries import Queries
from schedulezero.scheduler.store import OutcomeUnknown, Store, StoreError, StoreUnavailable
from schedulezero.scheduler.webhooks import Deliverer, Terms, Visitor

_REFILL_PAUSE = 0.5
_STATES = ("active", "paused", "quarantined", "finished")
_log = get_logger()


class SchedulerService:
    """Decides due instants, keeps the ledger, hands out the work and publishes what became of it.

    Args:
        settings: its database, where it listens and where the registry is.
        clock: what it tells the time by.
        context: the process's ZeroMQ context.
        metrics: what it measures.
        loop_metrics: where the failures of its loops are counted.
        endpoints: where it listens, if not where the settings say.
        registry: where the registry is, if not where the settings say.
    """

    name = "scheduler"

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        context: Context,
        *,
        metrics: SchedulerMetrics,
        loop_metrics: LoopMetrics,
        endpoints: Sequence[Endpoints] = (),
        registry: Endpoints | None = None,
    ) -> None:
        self._settings, self._clock, self._context, self._metrics = settings, clock, context, metrics
        self._endpoints = tuple(endpoints) or (settings.scheduler.listening,)
        self._registry_at = registry or settings.registry.connecting
        self._info = ServiceInfo(service=self.name, version=version("schedulezero-scheduler-core"))
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._directory: dict[str, InstanceState] = {}
        self._directory_read = False
        self._loops = Loops(metrics=loop_metrics)
        self.addresses: tuple[Endpoints, ...] = ()
        """Where it listens, as bound; empty until it has started."""

    async def start(self) -> None:
        """Open, migrate and own the database, load what is unfinished, listen.

        Raises:
            StartError: the database cannot be used or is another scheduler's, or an address is taken.
        """
        settings = self._settings
        open_store = partial(Store.open, owner=self._owner, lease_seconds=settings.scheduler.lease_seconds)
        try:
            self._store = await asyncio.to_thread(open_store, settings.database_url)
        except StoreUnavailable as error:
            remedy = "see that it runs and that its disk has room, then start again"
            raise StartError.of(Code.UNAVAILABLE, f"{error}; {remedy}") from error
        try:
            await self._begin()
        except BaseException:
            await self._close_store()
            raise

    async def stop(self) -> None:
        """Take no more commands, let what was accepted become durable, leave the shards, close.

        What runs on instances goes on there, and is adopted by the next scheduler.
        """
        self._server.close()
        self._deliverer.close()
        try:
            await self._loops.stop()
            await self._deliverer.finish()
            await self._mirror.close()
            await self._pipeline.stop()
            await self._commands.close()
        finally:
            self._links.close()
            self._registry.close()
            self._publisher.close()
            await self._close_store()

    async def wait_failed(self) -> None:
        """Wait as long as all is well. Raises FatalError when one of its loops has ended."""
        await self._loops.wait_failed()

    def health(self) -> Mapping[str, object]:
        """Return what /health shows."""
        status = "ok" if self.addresses and self._pipeline.memory is not None else "starting"
        return {"status": status, "service": self._info.service, "version": self._info.version}

    async def _close_store(self) -> None:
        """Leave the shards, which otherwise come free with the end of the lease, or of this process on SQLite."""
        try:
            await asyncio.to_thread(self._store.close)
        except StoreError as error:
            _log.warning("scheduler.shards_not_left", error=str(error))

    # -- start ---------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        settings, clock = self._settings, self._clock
        limits = Limits(
            max_pending=settings.scheduler.max_pending,
            timezone=settings.timezone,
            webhook=settings.scheduler.webhook,
        )
        publisher = self._publisher = _bound("SCHEDULEZERO_SCHEDULER_EVENTS_PORT", self._open_publisher)
        self._links = Links(self._context, lambda what: self._pipeline.feed(what), clock.monotonic)
        self._registry = CommandClient(self._context, self._registry_at.commands, "the registry")
        effects = Effects(
            self._links,
            publisher,
            self._metrics,
            answer_schedule=self._answer_schedule,
            read_more=self._read_more,
            report_lost=self._report_lost,
            deliver=lambda receiver: self._deliverer.owe(receiver),
        )
        self._pipeline = Pipeline(
            self._store,
            clock,
            limits,
            perform=effects.perform,
            reloaded=self._begin_anew,
            metrics=self._metrics,
            lease_seconds=settings.scheduler.lease_seconds,
        )
        self._deliverer = self._open_deliverer()
        self._queries = Queries(self._store.reader, clock, settings.timezone)
        explaining = Explaining(self._store.history, clock, settings.timezone)
        ours = self._info.version
        self._commands = Commands(self._pipeline, self._queries, explaining, self._store, self._links, clock, ours)
        try:
            self._server = _bound("SCHEDULEZERO_SCHEDULER_PORT", self._open_server)
        except StartError:
            self._registry.close()
            publisher.close()
            raise
        await self._pipeline.start()
        self._follow_registry()
        for loop in (self._links, _Renewal(self._pipeline, self._store), _Gauges(self._pipeline, self._metrics)):
            self._loops.start(loop)
        self._loops.start(Cleaner(self._pipeline, self._store, clock, settings.database))
        self._loops.start(self._deliverer)
        pairs = zip(self._server.addresses, publisher.addresses, strict=True)
        self.addresses = tuple(Endpoints(commands=commands, events=events) for commands, events in pairs)
        _log.info("scheduler.listening", commands=[address.commands for address in self.addresses])

    def _open_publisher(self) -> Publisher:
        endpoints = [endpoint.events for endpoint in self._endpoints]
        return Publisher(self._context, endpoints, lambda: to_datetime(self._clock.now()))

    def _open_server(self) -> CommandServer:
        endpoints = [endpoint.commands for endpoint in self._endpoints]
        return CommandServer(self._context, endpoints, SchedulerCommand, self._info, self._commands.serve)

    def _open_deliverer(self) -> Deliverer:
        settings, store, clock = self._settings.scheduler, self._store, self._clock
        terms = Terms(
            version=self._info.version, secret=settings.webhook_secret, max_attempts=settings.webhook_max_attempts
        )
        visitor = Visitor(store.notifications, store.reader, clock, terms)
        return Deliverer(store.notifications, visitor.visit, self._pipeline.committer.run, clock, self._metrics)

    def _begin_anew(self) -> None:
        """A machine that was loaded knows of no connection, and effects of what was committed before may be missing."""
        self._deliverer.read_again()
        self._introduce_everybody()

    # -- handlers ------------------------------------------------------------------------------------------------

    def _follow_registry(self) -> None:
        async def fetch() -> Directory:
            return await self._registry.call(RegistrySnapshot())

        self._mirror = Mirror(
            self._context,
            self._registry_at.events,
            "handler",
            RegistryEvent,
            fetch,
            position=lambda directory: (directory.epoch, directory.seq),
            on_snapshot=lambda directory: self._take_directory(directory.instances),
            on_event=lambda event: self._take_instance(event.data),
        )

    def _take_directory(self, instances: Sequence[InstanceState]) -> None:
        self._directory = {state.info.boot_id: state for state in instances}
        self._directory_read = True
        self._pipeline.feed(DirectoryRead(instances=tuple(instances)))
        for state in instances:
            self._reach(state)

    def _take_instance(self, state: InstanceState) -> None:
        self._directory[state.info.boot_id] = state
        self._pipeline.feed(InstanceTold(state=state))
        self._reach(state)

    def _reach(self, state: InstanceState) -> None:
        if state.status is HandlerStatus.DISCONNECTED:
            self._links.leave(state.info.boot_id)
        else:
            self._links.reach(state.info)

    def _introduce_everybody(self) -> None:
        """Tell a machine that was loaded the handlers, and greet them again."""
        if self._directory_read:
            self._pipeline.feed(DirectoryRead(instances=tuple(self._directory.values())))
        self._links.begin(self._hello)

    def _hello(self, info: InstanceInfo) -> Hello:
        return Hello(scheduler_id=self._owner, instance_id=info.instance_id, boot_id=info.boot_id)

    # -- effects that look something up --------------------------------------------------------------------------

    def _answer_schedule(self, answer: Answer, schedule: Schedule) -> None:
        self._commands.answer_later(answer.ticket, self._commands.read(self._queries.record_of, schedule))

    def _read_more(self, wanted: Refill | ReadLine | ReadAhead) -> None:
        self._commands.start(self._feed_more(wanted))

    async def _feed_more(self, wanted: Refill | ReadLine | ReadAhead) -> None:
        """Read until it succeeds: nobody asks a second time."""
        while True:
            try:
                self._pipeline.feed(await self._commands.read(self._read, wanted))
                return
            except StoreError as error:
                _log.warning("scheduler.refill_failed", error=str(error))
                await asyncio.sleep(_REFILL_PAUSE)

    def _read(self, wanted: Refill | ReadLine | ReadAhead) -> Refilled | LineRead | Upcoming:
        """Read what is wanted; of queues and lines twice a window, since up to one of it may be held already."""
        reader, limits = self._store.reader, Limits()
        if isinstance(wanted, ReadAhead):
            return self._read_ahead(wanted)
        if isinstance(wanted, ReadLine):
            turns = reader.line(wanted.schedule_id, limit=2 * limits.line)
            return LineRead(schedule_id=wanted.schedule_id, executions=turns)
        found = reader.pending(wanted.handler_id, wanted.method_name, limit=2 * limits.window)
        return Refilled(handler_id=wanted.handler_id, method_name=wanted.method_name, executions=found)

    def _read_ahead(self, wanted: ReadAhead) -> Upcoming:
        if wanted.limit == 0:
            return Upcoming(schedules=[], through=wanted.after, asked=wanted.asked)
        return replace(self._store.reader.upcoming(wanted.after, limit=wanted.limit), asked=wanted.asked)

    def _report_lost(self, lost: ReportLost) -> None:
        self._commands.start(self._tell_lost(lost))

    async def _tell_lost(self, lost: ReportLost) -> None:
        try:
            await self._registry.call(HandlerLost(instance_id=lost.instance_id, boot_id=lost.boot_id), timeout=2)
        except ScheduleZeroError as error:
            _log.info("registry.not_told", instance_id=lost.instance_id, error=str(error))


class _Renewal:
    """Keeps the shards ours."""

    name = "scheduler.renewal"
    interval = 1.0

    def __init__(self, pipeline: Pipeline, store: Store) -> None:
        self._pipeline, self._store = pipeline, store

    async def run_once(self) -> None:
        """Renew; where the database is away, try again a second later, whatever has failed how often."""
        try:
            await self._pipeline.committer.renew(self._store.ownership.renew)
        except (StoreUnavailable, OutcomeUnknown) as error:
            _log.warning("scheduler.renewal_failed", error=str(error))


class _Gauges:
    """Counts what is there."""

    name = "scheduler.gauges"
    interval = 1.0

    def __init__(self, pipeline: Pipeline, metrics: SchedulerMetrics) -> None:
        self._pipeline, self._metrics = pipeline, metrics

    async def run_once(self) -> None:
        memory = self._pipeline.memory
        if memory is None:
            return
        for state in _STATES:
            self._metrics.schedules.labels(state).set(memory.agenda.states[state])
        for handler_id in memory.known:
            self._metrics.executions_pending.labels(handler_id).set(memory.pending_of(handler_id))


def _bound[S](variable: str, open_: Callable[[], S]) -> S:
    try:
        return open_()
    except BindError as error:
        raise StartError.of(Code.UNAVAILABLE, f"the scheduler {error} with {variable}") from error
