"""A real gateway on a free port, with a scheduler and a registry that answer as a test tells them to."""

import asyncio
import http.client
import itertools
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zmq
from msgspec import Raw
from prometheus_client import CollectorRegistry

from schedulezero.protocol.answers import (
    ExecutionPage,
    ExecutionStats,
    HandlerPage,
    PausedHandlers,
    SchedulePage,
    SchedulerHealth,
    ServiceInfo,
)
from schedulezero.protocol.commands import (
    Command,
    ExecutionList,
    ExecutionStatistics,
    HandlerList,
    HandlerPauses,
    RegistryCommand,
    ScheduleList,
    SchedulerCommand,
    SystemHealth,
)
from schedulezero.protocol.errors import Problem
from schedulezero.protocol.link.calls import Call, CommandServer
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.states import HandlerStatus, Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import ExecutionRecord, HandlerRecord, InstanceRecord, ScheduleRecord
from schedulezero.runtime.clock import ManualClock, from_datetime
from schedulezero.runtime.settings import SecuritySettings, Settings, WebSettings
from schedulezero.testkit.waiting import becomes
from schedulezero.web.service import WebService

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
_TIMEOUT = 10
_numbers = itertools.count()


class Fake:
    """A service: `answers` says what to each command, a struct, a Problem or a function; the others stay unanswered."""

    def __init__(self, answers: dict[type[Command[Any]], Any]) -> None:
        self.answers = answers
        self.asked: list[Any] = []
        self.held: list[Call] = []

    def serve(self, call: Call) -> None:
        self.asked.append(call.command)
        answer = self.answers.get(type(call.command))
        if callable(answer):
            answer = answer(call.command)
        if answer is None:
            self.held.append(call)
        elif isinstance(answer, Problem):
            call.refuse(answer)
        else:
            call.answer(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


@dataclass
class Stage:
    """The gateway, its neighbours, and the loop on which they all run, in a thread of its own."""

    scheduler: Fake
    registry: Fake
    settings: Settings
    loop: asyncio.AbstractEventLoop
    transport: str = "inproc"
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)
    clock: ManualClock = field(default_factory=lambda: ManualClock(from_datetime(NOW)))
    servers: dict[str, CommandServer] = field(default_factory=dict)
    publishers: dict[str, Publisher] = field(default_factory=dict)
    context: Any = None
    service: Any = None

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_TIMEOUT)

    async def open(self) -> None:
        self.context = zmq.Context()
        for name, fake, commands in (
            ("scheduler", self.scheduler, SchedulerCommand),
            ("registry", self.registry, RegistryCommand),
        ):
            info = ServiceInfo(service=name, version="1")
            self.servers[name] = CommandServer(self.context, [self._endpoint()], commands, info, fake.serve)
            self.publishers[name] = Publisher(self.context, [self._endpoint()], lambda: NOW)
        self.service = WebService(
            self.settings,
            self.clock,
            self.context,
            scheduler_endpoint=self.servers["scheduler"].addresses[0],
            registry_endpoint=self.servers["registry"].addresses[0],
            scheduler_events=self.publishers["scheduler"].addresses[0],
            registry_events=self.publishers["registry"].addresses[0],
            public_settings={"instance_name": self.settings.instance_name},
            metrics=self.metrics,
        )
        await self.service.start()

    def _endpoint(self) -> str:
        return f"inproc://stage-{next(_numbers)}" if self.transport == "inproc" else "tcp://127.0.0.1:*"

    async def close(self) -> None:
        await self.service.stop()
        for server in self.servers.values():
            server.close()
        for publisher in self.publishers.values():
            publisher.close()
        self.context.destroy(linger=0)

    def take_away(self, name: str) -> None:
        """End a service; when this returns, nothing that is sent to it is taken any more."""
        (address,) = self.servers[name].addresses

        async def given_back() -> bool:
            with self.context.socket(zmq.PAIR) as probe, suppress(zmq.ZMQError):
                probe.bind(address)
                return True
            return False

        async def away() -> None:
            self.servers[name].close()
            if self.transport == "inproc":
                # A thread of libzmq closes one socket after the other: once it has closed the first probe, the
                # connections of the service are ended too.
                for _ in range(2):
                    await becomes(given_back, what=f"the end of the {name}")

        self.run(away())

    @property
    def port(self) -> int:
        return int(self.service.url.rpartition(":")[2])

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Send a request as a plain client does; `body` as JSON with its Content-Type, `raw` as it is."""
        sent = dict(headers or {})
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT)
        try:
            connection.request(method, path, raw, sent)
            answer = connection.getresponse()
            return Answer(status=answer.status, headers=answer.headers, body=answer.read())
        finally:
            connection.close()


STATS = ExecutionStats(
    total_executions=4,
    success_count=3,
    error_count=1,
    success_rate=0.75,
    avg_duration_ms=10,
    p50_duration_ms=10,
    p95_duration_ms=10,
    p99_duration_ms=10,
    by_handler={},
    by_schedule={},
    since=None,
)


def _quiet_scheduler() -> dict[type[Command[Any]], Any]:
    return {
        SystemHealth: SchedulerHealth(version="1", database="ok", backlog=0, paused=None),
        HandlerPauses: PausedHandlers(handlers={}),
        ScheduleList: SchedulePage(schedules=(), count=0, limit=100, next_cursor=None, total=0),
        ExecutionList: ExecutionPage(records=(), count=0, limit=100, next_cursor=None),
        ExecutionStatistics: STATS,
    }


def make_execution(**changed: Any) -> ExecutionRecord:
    values: dict[str, Any] = {
        "execution_id": "e1",
        "schedule_id": None,
        "handler_id": "clock_tower",
        "instance_id": "i1",
        "method_name": "hour_strokes",
        "job_params": Raw(b"{}"),
        "status": Status.SUCCESS,
        "reason": None,
        "scheduled_for": NOW,
        "created_at": NOW,
        "started_at": NOW,
        "completed_at": NOW,
        "duration_ms": 12.0,
        "lateness_ms": 1.0,
        "attempt_number": 1,
        "max_attempts": 3,
        "result": Raw(b'"BONG BONG BONG"'),
        "error": None,
        "covers": None,
        "tags": (),
        "retry_of": None,
        "priority": 5,
        "ready_at": NOW,
    }
    return ExecutionRecord(**values | changed)


def make_schedule(**changed: Any) -> ScheduleRecord:
    values: dict[str, Any] = {
        "id": "quarters",
        "handler_id": "clock_tower",
        "method_name": "quarter_bells",
        "job_params": Raw(b"{}"),
        "trigger_config": IntervalTrigger(minutes=15),
        "trigger": "interval[0:15:00]",
        "args": ("clock_tower", "quarter_bells", Raw(b"{}")),
        "state": "active",
        "paused": False,
        "pause": None,
        "error": None,
        "next_fire_time": NOW,
        "last_fire_time": None,
        "last_status": None,
        "runs": 0,
        "version": 7,
        "created_at": NOW,
        "updated_at": NOW,
        "name": None,
        "description": None,
        "owner": None,
        "runbook_url": None,
        "tags": (),
        "priority": 5,
        "timeout_seconds": None,
        "retry": None,
        "expires_after_seconds": None,
        "overlap": "skip",
        "catch_up": "latest",
        "misfire_grace_seconds": 60,
        "max_catch_up": 100,
        "jitter_seconds": 0,
        "max_runs": None,
        "start_at": None,
        "end_at": None,
    }
    return ScheduleRecord(**values | changed)


def make_handler(**changed: Any) -> HandlerRecord:
    status = changed.get("status", HandlerStatus.CONNECTED)
    instance = InstanceRecord(
        instance_id="i1",
        boot_id="b1",
        address="tcp://127.0.0.1:5001",
        status=status,
        running=0,
        capacity=16,
        version=None,
        last_seen=NOW,
    )
    values: dict[str, Any] = {
        "id": "clock_tower",
        "address": "tcp://127.0.0.1:5001",
        "methods": ("hour_strokes", "quarter_bells"),
        "status": status,
        "instances": (instance,),
    }
    return HandlerRecord(**values | changed)


@dataclass(frozen=True)
class Samples:
    """Records with everything in them, of which a test changes what it is about."""

    now: datetime = NOW
    execution: Callable[..., ExecutionRecord] = make_execution
    schedule: Callable[..., ScheduleRecord] = make_schedule
    handler: Callable[..., HandlerRecord] = make_handler


@pytest.fixture
def samples() -> Samples:
    return Samples()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stage")
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_TIMEOUT)
    loop.close()


@pytest.fixture(params=["inproc"])
def stage(loop: asyncio.AbstractEventLoop, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """The stage; parametrized indirectly with `tcp`, the services are reached as from another process."""
    stage = Stage(
        scheduler=Fake(_quiet_scheduler()),
        registry=Fake({HandlerList: HandlerPage(handlers=(), count=0)}),
        settings=Settings(
            instance_name="Tower",
            web=WebSettings(port=0, docs_path=str(tmp_path / "documentation")),
            security=SecuritySettings(allowed_hosts=("tower.example",)),
        ),
        loop=loop,
        transport=request.param,
    )
    stage.run(stage.open())
    yield stage
    stage.run(stage.close())
