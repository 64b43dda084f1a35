"""What the clients send, what they return, and what they raise, against a server on a real socket."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from schedulezero.client import AsyncClient, Client, ClientError, Unreachable, WaitTimeout


@dataclass
class Server:
    """Notes each request, and gives `answers` one after the other, the last one again and again."""

    url: str = ""
    answers: list[tuple[int, object]] = field(default_factory=lambda: [(200, {})])
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Exchange(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            told.seen.append((self.command, self.path, json.loads(self.rfile.read(length) or "null")))
            told.keys.append(self.headers.get("Idempotency-Key"))
            status, answer = told.answers[0] if len(told.answers) == 1 else told.answers.pop(0)
            body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as http:
        told.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield told
        http.shutdown()
        thread.join()


def both(server: Server, call: str, *args: Any, **options: Any) -> list[Any]:
    """Make the call with each client, and return what they returned."""

    async def awaited() -> Any:
        async with AsyncClient(server.url) as client:
            return await getattr(client, call)(*args, **options)

    with Client(server.url) as client:
        return [getattr(client, call)(*args, **options), asyncio.run(awaited())]


def test_both_clients_have_the_same_calls() -> None:
    calls = [{name for name in vars(client) if not name.startswith("_")} for client in (Client, AsyncClient)]

    assert calls[0] == calls[1]


def test_running_a_job_sends_it_with_its_options(server: Server) -> None:
    server.answers = [(200, {"status": "success", "execution_id": "e1"})]

    answers = both(server, "run_now", "reports", "build", {"n": 1}, wait_seconds=2, idempotency_key="k", priority=9)

    job = {"handler_id": "reports", "method_name": "build", "job_params": {"n": 1}, "wait_seconds": 2, "priority": 9}
    assert server.seen == [("POST", "/api/run_now", job)] * 2
    assert server.keys == ["k", "k"]
    assert answers == [{"status": "success", "execution_id": "e1"}] * 2


def test_scheduling_a_job_returns_its_id(server: Server) -> None:
    server.answers = [(201, {"status": "success", "schedule_id": "s1"})]

    answers = both(server, "create_schedule", "reports", "build", {"type": "interval", "hours": 1}, max_runs=1)

    assert server.seen[0][2]["trigger_config"] == {"type": "interval", "hours": 1}
    assert server.seen[0][2]["max_runs"] == 1
    assert answers == ["s1", "s1"]


def test_a_batch_returns_the_execution_ids_in_order(server: Server) -> None:
    server.answers = [(202, {"status": "accepted", "execution_ids": ["b", "a"]})]

    assert both(server, "run_batch", [{"handler_id": "h", "method_name": "m"}]) == [["b", "a"], ["b", "a"]]


def test_filters_are_a_query_string_without_those_left_out(server: Server) -> None:
    server.answers = [(200, {"records": [{"execution_id": "e1"}], "count": 1})]

    answers = both(server, "executions", status=["error", "timeout"], tag="x y", handler_id=None)

    assert {path for _, path, _ in server.seen} == {"/api/executions?status=error%2Ctimeout&tag=x+y"}
    assert answers[0] == [{"execution_id": "e1"}]


def test_an_id_of_any_text_stays_one_part_of_the_path(server: Server) -> None:
    both(server, "delete_schedule", "a/b?c")

    assert [path for _, path, _ in server.seen] == ["/api/schedules/a%2Fb%3Fc"] * 2


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("2026-11-23T06:00", "2026-11-23T06%3A00"),
        (datetime(2026, 11, 23, 6), "2026-11-23T06%3A00%3A00"),
        (datetime(2026, 11, 23, 6, tzinfo=timezone(timedelta(hours=1))), "2026-11-23T06%3A00%3A00%2B01%3A00"),
    ],
)
def test_an_instant_is_explained_as_it_was_written(server: Server, at: str | datetime, sent: str) -> None:
    explained = {"decision": "not_due", "reason": "not_due", "text": "It is not due: …", "evidence": {}}
    server.answers = [(200, explained)]

    answers = both(server, "explain", "a/b", at)

    assert server.seen == [("GET", f"/api/schedules/a%2Fb/explain?at={sent}", None)] * 2
    assert answers == [explained] * 2


def test_waiting_returns_the_execution_once_it_has_ended(server: Server) -> None:
    going = (200, {"execution_id": "e1", "status": "running"})
    server.answers = [going, going, (200, {"execution_id": "e1", "status": "error"})]

    with Client(server.url) as client:
        assert client.wait("e1")["status"] == "error"
    assert len(server.seen) == 3


def test_waiting_ends_with_an_error_that_names_the_execution(server: Server) -> None:
    server.answers = [(200, {"execution_id": "e1", "status": "pending"})]

    with pytest.raises(WaitTimeout, match="e1 has not ended yet; it is pending"):
        both(server, "wait", "e1", timeout=0)


def test_a_refusal_carries_what_the_server_said(server: Server) -> None:
    details = [{"path": "trigger_config.hour", "message": "25 is not an hour"}]
    server.answers = [(422, {"error": {"code": "invalid_value", "message": "one field", "details": details}})]

    with Client(server.url) as client, pytest.raises(ClientError) as refused:
        client.health()

    assert (refused.value.code, refused.value.status, list(refused.value.details)) == ("invalid_value", 422, details)
    assert str(refused.value) == "one field (invalid_value); trigger_config.hour: 25 is not an hour"


@pytest.mark.parametrize("answer", ["<html>", [1], {"message": "no"}])
def test_another_program_at_the_url_is_said_to_be_one(server: Server, answer: object) -> None:
    server.answers = [(404, answer)]

    with Client(server.url) as client, pytest.raises(ClientError, match="no answer of ScheduleZero"):
        client.health()


def test_a_server_that_is_not_there_is_unreachable() -> None:
    async def awaited() -> None:
        async with AsyncClient("http://127.0.0.1:1") as client:
            await client.health()

    with Client("http://127.0.0.1:1") as client, pytest.raises(Unreachable, match="cannot be reached"):
        client.health()
    with pytest.raises(Unreachable, match="cannot be reached"):
        asyncio.run(awaited())
