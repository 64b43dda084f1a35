"""The gateway's life in a process."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from schedulezero.protocol.commands import RunNow
from schedulezero.runtime.errors import StartError
from schedulezero.runtime.settings import Settings, WebSettings
from schedulezero.web.http.guard import Guard
from schedulezero.web.service import WebService

JOB = {"handler_id": "a", "method_name": "b"}


def test_a_taken_port_is_one_line_that_names_the_remedy(stage: Any) -> None:
    service = WebService(
        replace(stage.settings, web=WebSettings(port=stage.port)),
        stage.clock,
        stage.context,
        scheduler_endpoint="inproc://a",
        registry_endpoint="inproc://b",
        scheduler_events="inproc://c",
        registry_events="inproc://d",
        public_settings={},
        metrics=CollectorRegistry(),
    )

    with pytest.raises(StartError) as caught:
        stage.run(service.start())

    assert "SCHEDULEZERO_TORNADO_PORT" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_request_under_way_is_answered_before_it_stops(stage: Any) -> None:
    reached = asyncio.Event()
    stage.scheduler.answers[RunNow] = lambda _: reached.set()

    async def stop_while_it_waits() -> None:
        await asyncio.wait_for(reached.wait(), 10)
        stopping = asyncio.create_task(stage.service.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        stage.scheduler.held[0].answer(Raw(b'{"status":"accepted","execution_id":"e"}'))
        await asyncio.wait_for(stopping, 10)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(stage.ask, "POST", "/api/run_now", JOB)
        stage.run(stop_while_it_waits())
        answer = asking.result(10)

    assert (answer.status, answer.json["execution_id"]) == (202, "e")


def test_it_takes_no_request_once_stopped(stage: Any) -> None:
    port = stage.port

    stage.run(stage.service.stop())

    with pytest.raises(ConnectionRefusedError):
        _connect(port)


def test_a_client_that_leaves_disturbs_nobody(stage: Any) -> None:
    with socket.create_connection(("127.0.0.1", stage.port)) as client:
        client.sendall(b"POST /api/run_now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")

    assert stage.ask("GET", "/api/health/live").status == 200


def test_listening_on_every_address_admits_each_of_them_but_no_other_name() -> None:
    guard = Guard.by(Settings(web=WebSettings(addr="0.0.0.0")))

    guard.check(method="GET", host="10.1.2.3:8888", origin=None)
    guard.check(method="GET", host="[fe80::1]", origin=None)
    with pytest.raises(Exception, match="allowed_hosts"):
        guard.check(method="GET", host="evil.example", origin=None)


def _connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
