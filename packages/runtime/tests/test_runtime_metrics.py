"""The names dashboards rely on, and the server that shows them, over real sockets."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from schedulezero.runtime.errors import StartError
from schedulezero.runtime.metrics import (
    HttpMetrics,
    LoopMetrics,
    MetricsServer,
    RegistryMetrics,
    SchedulerMetrics,
    process_registry,
)
from schedulezero.runtime.metrics import server as server_module

GET_METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def server(port: int, registry: CollectorRegistry | None = None, **health: object) -> MetricsServer:
    return MetricsServer(
        registry=registry or CollectorRegistry(),
        health=lambda: health,
        address="127.0.0.1",
        port=port,
        variable="SCHEDULEZERO_SCHEDULER_METRICS_PORT",
    )


def serving(running: MetricsServer, then: Callable[[], Awaitable[bytes]]) -> bytes:
    async def scenario() -> bytes:
        await running.start()
        try:
            return await asyncio.wait_for(then(), 10)
        finally:
            await asyncio.wait_for(running.stop(), 10)

    return asyncio.run(scenario())


def asked(
    request: bytes, registry: CollectorRegistry | None = None, **health: object
) -> tuple[int, Mapping[str, str], bytes]:
    port = free_port()

    async def exchange() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    head, _, body = serving(server(port, registry, **health), exchange).partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), dict(field.split(": ", 1) for field in fields), body


def test_every_metric_has_its_documented_name_and_labels() -> None:
    registry = process_registry()
    scheduler, handlers = SchedulerMetrics.on(registry), RegistryMetrics.on(registry)
    http, loops = HttpMetrics.on(registry), LoopMetrics.on(registry)

    scheduler.executions.labels(handler="h", method="m", status="success").inc()
    scheduler.execution_duration.labels(handler="h", method="m").observe(0.2)
    scheduler.fire_lateness.observe(0.001)
    scheduler.schedules.labels(state="active").set(1)
    scheduler.executions_pending.labels(handler="h").set(0)
    scheduler.commit_batch_size.observe(5)
    scheduler.commit_seconds.observe(0.002)
    scheduler.webhook_deliveries.labels(outcome="delivered").inc()
    scheduler.notifications_pending.set(0)
    handlers.handlers.labels(status="Connected").set(1)
    http.request_duration.labels(method="GET", route="/api/health", status="200").observe(0.01)
    loops.failures.labels(loop="planner").inc()

    samples = {
        (name, frozenset(labels))
        for family in registry.collect()
        for name, labels, *_ in family.samples
        if name.startswith("schedulezero_") and not name.endswith(("_bucket", "_sum", "_created"))
    }
    assert samples == {
        ("schedulezero_executions_total", frozenset({"handler", "method", "status"})),
        ("schedulezero_execution_duration_seconds_count", frozenset({"handler", "method"})),
        ("schedulezero_fire_lateness_seconds_count", frozenset()),
        ("schedulezero_schedules", frozenset({"state"})),
        ("schedulezero_executions_pending", frozenset({"handler"})),
        ("schedulezero_webhook_deliveries_total", frozenset({"outcome"})),
        ("schedulezero_notifications_pending", frozenset()),
        ("schedulezero_handlers", frozenset({"status"})),
        ("schedulezero_commit_batch_size_count", frozenset()),
        ("schedulezero_commit_seconds_count", frozenset()),
        ("schedulezero_build_info", frozenset({"version", "python"})),
        ("schedulezero_http_request_duration_seconds_count", frozenset({"method", "route", "status"})),
        ("schedulezero_loop_failures_total", frozenset({"loop"})),
    }


def test_metrics_are_served_as_prometheus_text() -> None:
    registry = CollectorRegistry()
    RegistryMetrics.on(registry).handlers.labels(status="Connected").set(3)

    status, fields, body = asked(b"GET /metrics?x=1 HTTP/1.1\r\n\r\n", registry)

    assert status == 200
    assert fields["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    (family,) = text_string_to_metric_families(body.decode())
    assert (family.name, family.samples[0].value) == ("schedulezero_handlers", 3.0)


@pytest.mark.parametrize(("word", "expected"), [("ok", 200), ("degraded", 503)])
def test_health_is_json_and_only_ok_is_200(word: str, expected: int) -> None:
    status, fields, body = asked(b"GET /health HTTP/1.1\r\n\r\n", status=word, handlers=2)

    assert (status, fields["Content-Type"]) == (expected, "application/json")
    assert json.loads(body) == {"status": word, "handlers": 2}


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics/x HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
        (b"rubbish\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    ],
)
def test_anything_else_is_refused(request_bytes: bytes, expected: int) -> None:
    status, fields, _ = asked(request_bytes)

    assert status == expected
    assert fields.get("Allow") == ("GET" if expected == 405 else None)


def test_a_silent_peer_is_cut_off_and_the_server_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_EXCHANGE_SECONDS", 0.05)
    port = free_port()

    async def both() -> bytes:
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", port)
        silent_writer.write(b"GET /metr")
        assert await silent.read() == b""
        silent_writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET_METRICS)
        answer = await reader.read()
        writer.close()
        return answer

    assert serving(server(port), both).startswith(b"HTTP/1.1 200 OK\r\n")


async def is_ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


def test_stopping_ends_open_exchanges_at_once_and_frees_the_port() -> None:
    port = free_port()

    async def scenario() -> bool:
        first, again = server(port), server(port)
        await first.start()
        open_reader, open_writer = await asyncio.open_connection("127.0.0.1", port)
        open_writer.write(b"GET /metr")
        later_reader, later_writer = await asyncio.open_connection("127.0.0.1", port)
        later_writer.write(GET_METRICS)
        await later_reader.read()  # the earlier connection has been taken up by now
        await asyncio.wait_for(first.stop(), 2)
        ended = await asyncio.wait_for(is_ended(open_reader), 2)
        for writer in (open_writer, later_writer):
            writer.close()
        await again.start()
        await again.stop()
        return ended

    assert asyncio.run(scenario())


def test_a_failing_health_check_ends_its_exchange_and_nothing_else() -> None:
    port = free_port()
    answers = iter([{}, {"status": "ok"}])

    def health() -> Mapping[str, object]:
        answer = next(answers)
        if not answer:
            raise LookupError("broken")
        return answer

    running = MetricsServer(
        registry=CollectorRegistry(), health=health, address="127.0.0.1", port=port, variable="SCHEDULEZERO_X"
    )

    async def twice() -> bytes:
        heard = b""
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /health HTTP/1.1\r\n\r\n")
            heard = await reader.read()
            writer.close()
        return heard

    assert serving(running, twice).endswith(b'{"status": "ok"}')


def test_port_zero_is_off() -> None:
    async def scenario() -> None:
        off = server(0)
        await off.start()
        await off.stop()

    asyncio.run(scenario())


def test_a_taken_port_names_the_variable_that_chooses_another() -> None:
    with closing(socket.socket()) as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]

        with pytest.raises(StartError) as caught:
            asyncio.run(server(port).start())

    assert str(caught.value) == (
        f"127.0.0.1 port {port} is taken by another program; stop it, "
        "or choose another with SCHEDULEZERO_SCHEDULER_METRICS_PORT"
    )


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    elsewhere = MetricsServer(
        registry=CollectorRegistry(), health=dict, address="192.0.2.1", port=free_port(), variable="SCHEDULEZERO_X"
    )

    with pytest.raises(StartError, match="cannot be listened on"):
        asyncio.run(elsewhere.start())
