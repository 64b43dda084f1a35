"""Session and runner joined on a running loop: everything of an instance but its sockets."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from schedulezero.handler.instructions import Instruction, Moment, Send, Start
from schedulezero.handler.method import Method
from schedulezero.handler.runner import Runner, Said
from schedulezero.handler.session import Session
from schedulezero.protocol.handling import FromInstance, Report, ToInstance

BEAT_SECONDS = 1.0
_log = logging.getLogger("schedulezero.handler")


class Engine:
    """Runs what schedulers ask for and tells them what became of it. Use it on the running loop alone.

    Args:
        session: fresh, of this boot.
        methods: what the session offers, by name.
        send: sends messages to a connection, in order; returns False when that peer cannot be reached.
        now: the wall clock, aware and UTC.
    """

    def __init__(
        self,
        session: Session,
        methods: Mapping[str, Method],
        send: Callable[[bytes, Sequence[FromInstance]], bool],
        now: Callable[[], datetime],
    ) -> None:
        self.session = session
        self.draining, self.finished = asyncio.Event(), asyncio.Event()
        self._send, self._now = send, now
        self._loop = asyncio.get_running_loop()
        self._runner = Runner(methods, self._hear, now)
        self._closed = False
        self._deadline: asyncio.TimerHandle | None = None
        self._next_beat = self._loop.call_later(BEAT_SECONDS, self._beat)

    def receive(self, arrived: Iterable[tuple[bytes, Sequence[ToInstance]]]) -> None:
        """Take what has come from each connection."""
        now = self._moment()
        self._perform([step for peer, messages in arrived for step in self.session.receive(peer, messages, now)])

    def drain(self) -> None:
        """Take nothing new from now on; `finished` is set when all is done and acknowledged."""
        self._perform(self.session.drain())

    async def close(self) -> None:
        """Stop, whatever still runs. What has no acknowledged outcome is lost, and retried by its policy."""
        self._closed = True
        self._next_beat.cancel()
        if self._deadline is not None:
            self._deadline.cancel()
        await self._runner.close()

    def _hear(self, said: list[Said]) -> None:
        now = self._moment()
        self._perform([step for item in said for step in self._hear_one(item, now)])

    def _hear_one(self, said: Said, now: Moment) -> list[Instruction]:
        if isinstance(said, Report):
            return self.session.reported(said)
        if said.error is not None:
            _log.warning("execution %s failed: %s: %s", said.execution_id, said.error.type, said.error.message)
        return self.session.ended(said, now)

    def _beat(self) -> None:
        self._next_beat = self._loop.call_later(BEAT_SECONDS, self._beat)
        self._perform(self.session.beat(self._moment()))

    def _tick(self) -> None:
        self._deadline = None
        self._perform(self.session.tick(self._moment()))

    def _perform(self, steps: Sequence[Instruction]) -> None:
        outgoing: dict[bytes, list[FromInstance]] = {}
        for step in steps:
            if isinstance(step, Send):
                outgoing.setdefault(step.peer, []).append(step.message)
            elif isinstance(step, Start):
                self._runner.start(step.work)
            else:
                self._runner.stop(step.execution_id)
        for peer, messages in outgoing.items():
            if not self._send(peer, messages):
                self.session.unreachable(peer)
        self._await_deadline()
        self._tell_of_drain()

    def _await_deadline(self) -> None:
        due = self.session.next_deadline
        if self._closed or due is None or (self._deadline is not None and self._deadline.when() <= due):
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_at(due, self._tick)

    def _tell_of_drain(self) -> None:
        if self.session.draining:
            self.draining.set()
            if self.session.finished:
                self.finished.set()

    def _moment(self) -> Moment:
        return Moment(self._now(), self._loop.time())
