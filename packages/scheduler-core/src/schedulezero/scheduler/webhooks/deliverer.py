"""The loop that delivers notifications: sets out visits, each in a thread, and writes down what came of them."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from schedulezero.runtime.clock import Clock
from schedulezero.runtime.logging import get_logger
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.core.model import SECOND
from schedulezero.scheduler.store import StoreError
from schedulezero.scheduler.store.notifications import Notifications
from schedulezero.scheduler.webhooks.receivers import Bounds, Receivers
from schedulezero.scheduler.webhooks.verdicts import Verdict
from schedulezero.scheduler.webhooks.visits import Report

_LONGEST_SLEEP = 1.0
"""Seconds: the wall clock may be stepped while we sleep, so it is looked at this often."""
_LAST_VISITS_SECONDS = 1.0
"""What visits under way are given when the scheduler stops; what they had not done is done again."""
_NAMED_IN_A_LINE = 10
_log = get_logger()


class InWriter(Protocol):
    """Runs something in the thread that writes, between the commits: :meth:`.Committer.run`."""

    def __call__[T](self, task: Callable[[], T]) -> Coroutine[Any, Any, T]: ...


class Deliverer:
    """Delivers what is owed to webhooks, as a supervised loop; `interval` lets what ends together be settled together.

    Args:
        notifications: what is owed, and where it is settled.
        visit: visits a receiver; called in a thread of its own, which may block.
        in_writer: what settles.
        clock: the present.
        metrics: where deliveries are counted.
        bounds: how much goes on at a time.
    """

    name = "scheduler.webhooks"
    interval = 0.05

    def __init__(
        self,
        notifications: Notifications,
        visit: Callable[[str], Report],
        in_writer: InWriter,
        clock: Clock,
        metrics: SchedulerMetrics,
        bounds: Bounds | None = None,
    ) -> None:
        self._notifications, self._visit, self._in_writer = notifications, visit, in_writer
        self._clock, self._metrics = clock, metrics
        self._bounds = bounds or Bounds()
        self._receivers = Receivers(self._bounds)
        self._pending = 0
        self._uncounted = True
        self._unread = True
        self._overflown = False
        self._closing = False
        self._visits: set[asyncio.Task[None]] = set()
        self._reports: list[Report] = []
        self._news = asyncio.Event()

    def owe(self, receiver: str) -> None:
        """Deliver to a receiver: a notification for it has just become durable."""
        self._count(self._pending + 1)
        self._overflown |= not self._receivers.owe(receiver, self._clock.now())
        self._news.set()

    def read_again(self) -> None:
        """Read anew who is owed anything: a commit whose outcome was not known has told nothing of it."""
        self._uncounted = self._unread = True
        self._news.set()

    async def run_once(self) -> None:
        """Settle what came back, set out to whom it is time to, and wait for something to happen."""
        if self._uncounted:
            await self._count_all()
        if self._unread:
            await self._read()
        await self._settle()
        self._set_out()
        await self._wait()

    def close(self) -> None:
        """Set out no more."""
        self._closing = True
        self._news.set()

    async def finish(self) -> None:
        """After the last round: settle what the visits under way still bring, and leave the rest to the next start."""
        if self._visits:
            await asyncio.wait(self._visits, timeout=_LAST_VISITS_SECONDS)
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        try:
            await self._settle()
        except StoreError as error:
            _log.warning("webhook.not_settled", error=str(error))

    # -- a round -------------------------------------------------------------------------------------------------

    async def _count_all(self) -> None:
        self._uncounted = False
        try:
            # In the writer's thread it falls between two commits, so that none is counted twice or left out.
            self._count(await self._in_writer(self._notifications.count))
        except StoreError:
            self._uncounted = True
            raise

    async def _read(self) -> None:
        self._unread, most = False, self._bounds.known
        try:
            receivers = await asyncio.to_thread(self._notifications.receivers, most)
        except StoreError:
            self._unread = True
            raise
        held = [self._receivers.owe(receiver, self._clock.now()) for receiver in receivers]
        self._overflown = len(held) == most or not all(held)

    async def _settle(self) -> None:
        if not self._reports:
            return
        reports = list(self._reports)
        verdicts = [verdict for report in reports for verdict in report.verdicts]
        removed = [one.notification.id for one in verdicts if one.outcome != "failed"]
        postponed = [one.notification for one in verdicts if one.outcome == "failed"]
        if verdicts:
            await self._in_writer(partial(self._notifications.settle, removed, postponed))
        del self._reports[: len(reports)]
        self._count(self._pending - len(removed))
        for report in reports:
            self._take(report)

    def _take(self, report: Report) -> None:
        for verdict in report.verdicts:
            self._metrics.webhook_deliveries.labels(verdict.outcome).inc()
        _log_what_went_wrong(report)
        forgotten = self._receivers.came_back(
            report.receiver,
            self._clock.now(),
            due=report.due,
            failed=report.failed,
            slow=report.slow,
            asked_seconds=report.asked_seconds,
        )
        self._unread |= forgotten and self._overflown

    def _set_out(self) -> None:
        while not self._closing and (receiver := self._receivers.set_out(self._clock.now())) is not None:
            task = asyncio.create_task(self._bring_report(receiver), name=f"visit {receiver}")
            self._visits.add(task)
            task.add_done_callback(self._visits.discard)

    async def _wait(self) -> None:
        departure = self._receivers.next_departure()
        seconds = None
        if departure is not None:
            seconds = min(max(departure - self._clock.now(), 0) / SECOND, _LONGEST_SLEEP)
        if not (self._closing or self._unread):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        self._news.clear()

    # -- visits --------------------------------------------------------------------------------------------------

    async def _bring_report(self, receiver: str) -> None:
        try:
            report = await _in_own_thread(partial(self._visit, receiver))
        except StoreError as error:
            _log.warning("webhook.not_read", receiver=receiver, error=str(error))
            report = Report(receiver=receiver, due=self._clock.now(), failed=True)
        except Exception:  # the boundary of a visit: it fails alone, and is made again
            _log.exception("webhook.visit_failed", receiver=receiver)
            report = Report(receiver=receiver, due=self._clock.now(), failed=True)
        self._reports.append(report)
        self._news.set()

    def _count(self, pending: int) -> None:
        self._pending = pending
        self._metrics.notifications_pending.set(pending)


def _log_what_went_wrong(report: Report) -> None:
    """A line for each reason. The path of a URL may be a secret, so the receiver is all that is told of it."""
    by_reason: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in report.verdicts:
        if verdict.outcome == "given_up":
            by_reason[verdict.why].append(verdict)
        elif verdict.outcome == "failed":
            failed = verdict.notification
            _log.info("webhook.failed", receiver=report.receiver, why=verdict.why, attempt=failed.attempt)
    for why, given_up in by_reason.items():
        _log.warning(
            "webhook.given_up",
            receiver=report.receiver,
            why=why,
            count=len(given_up),
            execution_ids=[one.notification.execution_id for one in given_up[:_NAMED_IN_A_LINE]],
        )


async def _in_own_thread[T](function: Callable[[], T]) -> T:
    """Call `function` in a daemon thread: unlike an executor's, it lets the process end while a host is silent."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def call() -> None:
        try:
            tell = partial(_unless_cancelled, done, partial(done.set_result, function()))
        except Exception as error:
            tell = partial(_unless_cancelled, done, partial(done.set_exception, error))
        # The loop may have ended meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=call, name="webhook", daemon=True).start()
    return await done


def _unless_cancelled(done: "asyncio.Future[Any]", tell: Callable[[], None]) -> None:
    if not done.cancelled():
        tell()
