"""Delivery over real HTTP from a real database: what is taken, what is tried again; and nobody waits for another."""

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schedulezero.handler import Handler
from schedulezero.protocol.commands import RunNow
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import Notify, RetryPolicy, RunRequest
from schedulezero.runtime.clock import ManualClock, SystemClock
from schedulezero.runtime.metrics import LoopMetrics, SchedulerMetrics
from schedulezero.runtime.service import Backoff, Loops
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.model import SECOND, Execution, InsertExecution, InsertNotification, Notification
from schedulezero.scheduler.core.notifications import receiver_of
from schedulezero.scheduler.store import Store
from schedulezero.scheduler.store.retention import Ages
from schedulezero.scheduler.webhooks import Deliverer, Terms, Visitor
from schedulezero.scheduler.webhooks.post import Unanswered, post
from schedulezero.scheduler.webhooks.receivers import Bounds
from schedulezero.scheduler.webhooks.visits import Report
from schedulezero.testkit.disk import Disk, Failure, unavailable, unknown_and_lost, unknown_and_stored
from schedulezero.testkit.parts import running_parts
from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.waiting import becomes
from schedulezero.testkit.webhooks import Webhook, drip, flood, hang, status

NOW = 1_790_000_000 * SECOND
DAY = 24 * 3600
SHORT = Backoff(first=0.05, most=0.1)
BOUNDS = Bounds(rest=SHORT)
SECRET = "a secret of enough letters"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'jobs.db'}", owner="tests")
    yield store
    store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


class Owing:
    """Puts ended executions and what is owed for them into the database."""

    def __init__(self, store: Store) -> None:
        self._store, self._ids = store, IdSource(Random(1))

    def __call__(self, *urls: str, now: int = NOW, result: str = "null") -> list[Notification]:
        owed = [self._one(url, now, result) for url in urls]
        self._store.writer.commit(
            [[InsertExecution(execution=ended), InsertNotification(notification=one)] for ended, one in owed]
        )
        return [one for _, one in owed]

    def _one(self, url: str, now: int, result: str) -> tuple[Execution, Notification]:
        ended = Execution(
            id=self._ids.next(now),
            shard=0,
            handler_id="h",
            method_name="m",
            params="{}",
            status=Status.SUCCESS,
            priority=5,
            created_at=now,
            ready_at=now,
            retry=RetryPolicy(),
            completed_at=now,
            result=result,
        )
        receiver = receiver_of(url)
        return ended, Notification(
            id=f"d-{ended.id}",
            shard=0,
            execution_id=ended.id,
            receiver=receiver,
            url=url,
            created_at=now,
            due_at=now,
        )


@pytest.fixture
def owe(store: Store) -> Owing:
    return Owing(store)


def visitor(store: Store, clock: Any, **terms: Any) -> Visitor:
    return Visitor(store.notifications, store.reader, clock, Terms(version="9", **{"timeout": 5.0, **terms}))


def outcomes(report: Report) -> list[str]:
    return [verdict.outcome for verdict in report.verdicts]


# -- one visit ------------------------------------------------------------------------------------------------------


def test_what_is_due_is_posted_in_order_and_signed(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook() as webhook:
        owed = owe(f"{webhook.origin}/a?x=1#part", webhook.origin)

        report = visitor(store, clock, secret=SECRET).visit(webhook.origin)

    assert outcomes(report) == ["delivered", "delivered"]
    assert (report.due, report.failed, report.slow) == (None, False, False)
    first, second = webhook.requests
    assert (first.path, second.path) == ("/a?x=1", "/")
    assert [first.delivery, second.delivery] == [one.id for one in owed]
    assert first.message["id"] == first.delivery
    assert first.message["data"]["execution_id"] == owed[0].execution_id
    assert first.headers["content-type"] == "application/json"
    assert first.headers["user-agent"] == "ScheduleZero/9"
    assert first.headers["x-schedulezero-signature"].startswith("sha256=")


def test_500_then_2xx_is_the_same_delivery(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook(status(500)) as webhook:
        owe(webhook.url)
        visits = visitor(store, clock)

        failed = visits.visit(webhook.origin)
        store.notifications.settle([], [verdict.notification for verdict in failed.verdicts])
        too_early = visits.visit(webhook.origin)
        clock.advance(20)
        delivered = visits.visit(webhook.origin)

    assert (outcomes(failed), failed.failed) == (["failed"], True)
    assert outcomes(too_early) == []
    assert too_early.due == failed.due == failed.verdicts[0].notification.due_at
    assert outcomes(delivered) == ["delivered"]
    first, second = webhook.requests
    assert (first.delivery, first.body) == (second.delivery, second.body)


def test_410_is_given_up_and_the_next_one_is_sent(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook(status(410)) as webhook:
        owe(webhook.url, webhook.url)

        report = visitor(store, clock).visit(webhook.origin)

    assert outcomes(report) == ["given_up", "delivered"]
    assert not report.failed


def test_a_receiver_that_fails_is_left_alone_with_what_else_it_is_owed(
    store: Store, clock: ManualClock, owe: Owing
) -> None:
    with Webhook(status(429, Retry_After="77")) as webhook:
        owe(*[webhook.url] * 40)

        report = visitor(store, clock).visit(webhook.origin)

    assert (outcomes(report), len(webhook.requests)) == (["failed"], 1)
    assert (report.due, report.failed, report.asked_seconds) == (NOW, True, 77)


def test_no_redirect_is_followed(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook() as elsewhere, Webhook(status(302, Location=elsewhere.url)) as webhook:
        owe(webhook.url)

        report = visitor(store, clock).visit(webhook.origin)

    assert (outcomes(report), report.verdicts[0].why) == (["failed"], "it answered 302")
    assert elsewhere.requests == []


@pytest.mark.parametrize("silence", [hang, drip])
def test_a_receiver_that_says_nothing_or_never_ends_is_left_in_time(
    store: Store, clock: ManualClock, owe: Owing, silence: Any
) -> None:
    with Webhook(silence) as webhook:
        owe(webhook.url)

        report = visitor(store, clock, timeout=0.3).visit(webhook.origin)

    assert (outcomes(report), report.verdicts[0].why) == (["failed"], "no answer within 0.3 s")


def test_the_body_of_an_answer_is_not_read_to_its_end(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook(flood, status(200, b"x" * 10_000_000)) as webhook:
        owe(webhook.url, webhook.url)

        report = visitor(store, clock).visit(webhook.origin)

    assert outcomes(report) == ["delivered", "delivered"]


def test_a_megabyte_of_result_is_sent_whole(store: Store, clock: ManualClock, owe: Owing) -> None:
    result = '"' + "x" * (1024 * 1024 - 2) + '"'
    with Webhook() as webhook:
        owe(webhook.url, result=result)

        assert outcomes(visitor(store, clock).visit(webhook.origin)) == ["delivered"]

    assert len(webhook.requests[0].message["data"]["result"]) == 1024 * 1024 - 2


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{free}/",
        "http://[:::]/",
        "http://" + "a" * 70 + ".invalid/",
        "http://256.256.256.256/",
        "https://..invalid/",
    ],
)
def test_who_cannot_be_reached_is_tried_again(store: Store, clock: ManualClock, owe: Owing, url: str) -> None:
    url = url.replace("{free}", str(free_ports(1)[0]))
    owe(url)

    report = visitor(store, clock).visit(receiver_of(url))

    assert (outcomes(report), report.failed) == (["failed"], True)
    assert report.verdicts[0].why


def test_what_is_no_http_is_a_failure(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook(lambda exchange: exchange.send(b"220 mail.example ESMTP\r\n" + b"y" * 100_000)) as webhook:
        owe(webhook.url)

        report = visitor(store, clock).visit(webhook.origin)

    assert outcomes(report) == ["failed"]
    assert len(report.verdicts[0].why) <= 200


def test_after_the_last_attempt_it_is_given_up(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook(status(500)) as webhook:
        owe(webhook.url)

        report = visitor(store, clock, max_attempts=1).visit(webhook.origin)

    assert (outcomes(report), report.due) == (["given_up"], None)


def test_what_a_failing_receiver_was_owed_for_a_day_is_given_up_with_it(
    store: Store, clock: ManualClock, owe: Owing
) -> None:
    with Webhook(status(500)) as webhook:
        owe(*[webhook.url] * 40)
        clock.advance(DAY + 1)
        [young] = owe(webhook.url, now=clock.now())

        report = visitor(store, clock).visit(webhook.origin)

    assert outcomes(report) == ["given_up"] * 40
    assert len(webhook.requests) == 1
    assert young.id not in {verdict.notification.id for verdict in report.verdicts}
    assert report.due is not None


def test_what_is_a_day_old_is_tried_once_more_and_may_be_taken(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook() as webhook:
        owe(webhook.url)
        clock.advance(2 * DAY)

        assert outcomes(visitor(store, clock).visit(webhook.origin)) == ["delivered"]


def test_an_execution_that_was_removed_is_told_no_more(store: Store, clock: ManualClock, owe: Owing) -> None:
    with Webhook() as webhook:
        owe(webhook.url)
        store.retention.clear_executions(Ages.all_before(NOW + 1), 10)

        report = visitor(store, clock).visit(webhook.origin)

    assert (outcomes(report), webhook.requests) == (["given_up"], [])
    assert "removed" in report.verdicts[0].why


def test_a_certificate_that_nobody_vouches_for_is_refused(
    store: Store, clock: ManualClock, owe: Owing, certificate: str
) -> None:
    with Webhook(certificate=certificate) as webhook:
        owe(webhook.url)

        report = visitor(store, clock).visit(webhook.origin)

    assert outcomes(report) == ["failed"]
    assert "certificate is not trusted" in report.verdicts[0].why
    assert webhook.requests == []


def test_a_certificate_that_is_vouched_for_is_trusted(
    certificate: str, monkeypatch: pytest.MonkeyPatch, fresh_trust: None
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    with Webhook(certificate=certificate) as webhook:
        assert post(webhook.url, {}, b"{}", timeout=5).status == 204


def test_over_tls_too_a_silent_receiver_is_left_in_time(
    certificate: str, monkeypatch: pytest.MonkeyPatch, fresh_trust: None
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    with (
        Webhook(drip, certificate=certificate) as webhook,
        pytest.raises(Unanswered, match=r"no answer within 0\.5 s"),
    ):
        post(webhook.url, {}, b"{}", timeout=0.5)


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl; install with apt-get install openssl")
    key, file = tmp_path / "key.pem", tmp_path / "both.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    request += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(file)]
    subprocess.run(request, check=True, capture_output=True, timeout=60)
    file.write_text(file.read_text() + key.read_text())
    return str(file)


@pytest.fixture
def fresh_trust() -> Iterator[None]:
    """The certificates of the machine are read once: let the test be before that, and others after it."""
    from schedulezero.scheduler.webhooks import post as module

    module._trust.cache_clear()
    yield
    module._trust.cache_clear()


# -- the loop -------------------------------------------------------------------------------------------------------


class Delivery:
    """A deliverer that runs over a store, without the rest of the scheduler."""

    def __init__(self, store: Store, bounds: Bounds, **terms: Any) -> None:
        self.registry = CollectorRegistry()
        self.store, self.owing, self._clock = store, Owing(store), SystemClock()
        visits = visitor(store, self._clock, **{"backoff": SHORT, **terms})
        self.deliverer = Deliverer(
            store.notifications,
            visits.visit,
            self._in_writer,
            self._clock,
            SchedulerMetrics.on(self.registry),
            bounds,
        )

    @staticmethod
    async def _in_writer[T](task: Callable[[], T]) -> T:
        return task()

    def owe(self, *urls: str) -> list[Notification]:
        owed = self.owing(*urls, now=self._clock.now())
        for one in owed:
            self.deliverer.owe(one.receiver)
        return owed

    def counted(self, outcome: str) -> float:
        return self.registry.get_sample_value("schedulezero_webhook_deliveries_total", {"outcome": outcome}) or 0

    @property
    def pending(self) -> float | None:
        return self.registry.get_sample_value("schedulezero_notifications_pending")

    async def settled(self) -> None:
        async def look() -> bool:
            return self.store.notifications.count() == 0 and self.pending == 0

        await becomes(look, what="everything to be settled")


def delivering(
    store: Store, test: Callable[[Delivery], Awaitable[None]], bounds: Bounds = BOUNDS, **terms: Any
) -> Delivery:
    """Run `test` while a deliverer runs."""

    async def scenario() -> Delivery:
        delivery = Delivery(store, bounds, **terms)
        loops = Loops(metrics=LoopMetrics.on(delivery.registry))
        loops.start(delivery.deliverer)
        try:
            await asyncio.wait_for(test(delivery), 60)
        finally:
            delivery.deliverer.close()
            await loops.stop()
            await delivery.deliverer.finish()
        return delivery

    return asyncio.run(scenario())


def test_what_comes_is_delivered_counted_and_removed(store: Store) -> None:
    async def test(delivery: Delivery) -> None:
        delivery.owe(*[webhook.url] * 100)
        await delivery.settled()

    with Webhook(status(503), status(410)) as webhook:
        delivery = delivering(store, test)

    assert (delivery.counted("delivered"), delivery.counted("failed"), delivery.counted("given_up")) == (99, 1, 1)
    assert len({taken.delivery for taken in webhook.requests}) == 100
    assert len(webhook.requests) == 101


def test_what_an_earlier_life_left_is_delivered(store: Store) -> None:
    with Webhook() as webhook:
        [owed] = Owing(store)(webhook.url)

        delivery = delivering(store, lambda delivery: delivery.settled())

    assert [taken.delivery for taken in webhook.requests] == [owed.id]
    assert delivery.counted("delivered") == 1


def test_nobody_waits_for_receivers_that_hang(store: Store) -> None:
    """Those that hang are known to after one visit; from then on there is always room for the others."""

    async def test(delivery: Delivery) -> None:
        delivery.owe(*[one.url for one in silent for _ in range(50)])
        for one in silent:
            await asyncio.to_thread(one.wait_for, 1)
        for number in range(1, 11):
            delivery.owe(well.url)
            await asyncio.to_thread(well.wait_for, number)
        tried = [len(one.requests) for one in silent]
        assert all(count < 50 for count in tried)

    with ExitStack() as stack:
        well = stack.enter_context(Webhook())
        silent = [stack.enter_context(Webhook(*[hang] * 50)) for _ in range(6)]
        delivery = delivering(store, test, timeout=0.5)

    assert delivery.counted("delivered") == 10


def test_the_loop_itself_is_never_held_up(store: Store) -> None:
    async def test(delivery: Delivery) -> None:
        delivery.owe(silent.url)
        await asyncio.to_thread(silent.wait_for, 1)
        turns = 0
        while not delivery.counted("failed"):
            turns += 1
            await asyncio.sleep(0)
        assert turns > 100

    with Webhook(*[hang] * 50) as silent:
        delivering(store, test, timeout=0.5)


def test_a_stop_does_not_wait_for_a_receiver_that_hangs_and_leaves_it_what_it_is_owed(store: Store) -> None:
    async def test(delivery: Delivery) -> None:
        delivery.owe(silent.url)
        await asyncio.to_thread(silent.wait_for, 1)

    with Webhook(hang) as silent:
        delivering(store, test, timeout=30)

    assert store.notifications.count() == 1


def test_a_stop_writes_down_what_is_delivered_in_its_last_moment(store: Store) -> None:
    asked_to_stop = Event()

    async def test(delivery: Delivery) -> None:
        delivery.owe(webhook.url)
        await asyncio.to_thread(webhook.wait_for, 1)
        asyncio.get_running_loop().call_later(0.1, asked_to_stop.set)

    def late(exchange: Any) -> None:
        asked_to_stop.wait(20)
        exchange.reply(204)

    with Webhook(late) as webhook:
        delivering(store, test)

    assert store.notifications.count() == 0


def test_more_receivers_than_are_held_are_served_in_the_end(store: Store) -> None:
    async def test(delivery: Delivery) -> None:
        delivery.owe(*[webhook.url for webhook in webhooks])
        await delivery.settled()

    with ExitStack() as stack:
        webhooks = [stack.enter_context(Webhook()) for _ in range(8)]
        delivering(store, test, Bounds(rest=SHORT, known=3))

    assert [len(webhook.requests) for webhook in webhooks] == [1] * 8


# -- with the whole scheduler ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [unavailable, unknown_and_lost, unknown_and_stored])
def test_an_end_whose_commit_fails_is_told_once_whatever_became_of_the_commit(
    tmp_path: Path, disk: Disk, failure: Failure
) -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()
    handler = Handler("work")

    @handler.method
    async def noop() -> None:
        pass

    @handler.method
    async def hold() -> None:
        begun.set()
        await let_go.wait()

    async def scenario(webhook: Webhook) -> None:
        async with running_parts(tmp_path) as parts:
            await parts.serve(handler, "work-1")
            notify = Notify(url=webhook.url, on=("success",))
            run = RunRequest(handler_id="work", method_name="hold", notify=notify)
            held = await parts.ask(RunNow(run=run))
            await begun.wait()
            disk.failures = [failure]
            let_go.set()

            [taken] = await asyncio.to_thread(webhook.wait_for, 1)

            record = await parts.ended(held.execution_id)
            assert (record.status, record.attempt_number) == (Status.SUCCESS, 1)
            assert taken.message["data"]["execution_id"] == held.execution_id
            await parts.run("work", "noop", wait_seconds=5)

    with Webhook() as webhook:
        asyncio.run(asyncio.wait_for(scenario(webhook), 60))
        assert len(webhook.requests) == 1
