"""Bodies that are too large: every client can read that they are, and the connection is good for more."""

import http.client
import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from schedulezero.protocol.commands import RunBatch, RunNow

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}


def run_of(size: int) -> dict[str, Any]:
    return {"handler_id": "reports", "method_name": "do_work", "job_params": {"text": "x" * size}}


@pytest.mark.parametrize("size", [2 * MIB + 1, 9 * MIB, 40 * MIB])
@pytest.mark.parametrize("path", ["/api/run_now", "/api/schedule"])
def test_a_body_above_the_limit_is_413_in_json(stage: Any, path: str, size: int) -> None:
    answer = stage.ask("POST", path, raw=b"x" * size, headers=JSON)

    assert (answer.status, answer.error["code"]) == (413, "payload_too_large")
    assert str(2 * MIB) in answer.error["message"]


def test_a_batch_may_be_larger(stage: Any) -> None:
    stage.scheduler.answers[RunBatch] = Raw(b'{"execution_ids":[],"status":"accepted"}')

    fits = stage.ask("POST", "/api/run_now/batch", {"runs": [run_of(1_000_000)] * 7})
    exceeds = stage.ask("POST", "/api/run_now/batch", {"runs": [run_of(1_000_000)] * 9})

    assert (fits.status, exceeds.status) == (202, 413)
    assert len(stage.scheduler.asked) == 1


def test_the_connection_serves_on_after_a_413(stage: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    try:
        connection.request("POST", "/api/run_now", b"x" * 9 * MIB, JSON)
        first = connection.getresponse()
        first.read()
        connection.request("GET", "/api/health/live")
        second = connection.getresponse()
        second.read()
    finally:
        connection.close()

    assert (first.status, second.status) == (413, 200)


def test_a_chunked_body_above_the_limit_is_413(stage: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    try:
        chunks = (b"x" * MIB for _ in range(9))
        connection.request("POST", "/api/run_now", chunks, JSON, encode_chunked=True)
        answer = connection.getresponse()
        error = json.loads(answer.read())["error"]
    finally:
        connection.close()

    assert (answer.status, error["code"]) == (413, "payload_too_large")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("expect", [[], ["-H", "Expect:"]])
def test_curl_reads_the_413(stage: Any, tmp_path: Path, expect: list[str]) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"x" * 9 * MIB)

    sent = ["curl", "-sS", "-w", "%{http_code}", "-H", "Content-Type: application/json", *expect]
    done = subprocess.run(
        [*sent, "--data-binary", f"@{body}", f"{stage.service.url}/api/run_now"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout.endswith("413")
    assert "payload_too_large" in done.stdout


@pytest.mark.parametrize("length", [b"1000000000000", b"9" * 5000])
def test_a_body_that_is_declared_beyond_all_measure_is_refused_at_once(stage: Any, length: bytes) -> None:
    with socket.create_connection(("127.0.0.1", stage.port), timeout=10) as client:
        client.sendall(
            b"POST /api/run_now HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %s\r\n\r\n" % length
        )
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_an_endless_body_is_refused_and_the_connection_closed(stage: Any) -> None:
    received = b""
    with socket.create_connection(("127.0.0.1", stage.port), timeout=10) as client:
        client.sendall(b"POST /api/run_now HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (MIB, b"x" * MIB)
        try:
            for _ in range(200):
                client.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            received = b"refused"

    assert received == b"refused"
    assert stage.ask("GET", "/api/health/live").status == 200


def test_job_params_above_their_limit_are_413_and_named(stage: Any) -> None:
    answer = stage.ask("POST", "/api/run_now", run_of(MIB))

    assert (answer.status, answer.error["code"]) == (413, "payload_too_large")
    assert answer.error["details"][0]["path"] == "job_params"


def test_job_params_above_their_limit_are_named_in_a_batch(stage: Any) -> None:
    answer = stage.ask("POST", "/api/run_now/batch", {"runs": [run_of(1), run_of(MIB)]})

    assert answer.error["details"][0]["path"] == "runs[1].job_params"


def test_job_params_at_their_limit_are_accepted(stage: Any) -> None:
    stage.scheduler.answers[RunNow] = Raw(b'{"status":"accepted","execution_id":"e"}')
    size = MIB - len(json.dumps(run_of(0)["job_params"]))

    assert stage.ask("POST", "/api/run_now", run_of(size)).status == 202
