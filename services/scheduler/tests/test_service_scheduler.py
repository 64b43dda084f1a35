"""The scheduler as a process of its own."""

import json
import signal
import socket
from typing import Any

import pytest

MODULE = "schedulezero.service.scheduler"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_ends_it_well(served: Any, ended: Any, number: signal.Signals) -> None:
    process = served.start(MODULE, until='"name": "metrics"')

    health = json.loads(served.get("SCHEDULER_METRICS_PORT", "/health"))
    metrics = served.get("SCHEDULER_METRICS_PORT", "/metrics")

    assert health["status"] == "ok"
    assert "schedulezero_build_info" in metrics
    assert ended(process, number) == 0


@pytest.mark.parametrize("variable", ["SCHEDULER_PORT", "SCHEDULER_EVENTS_PORT", "SCHEDULER_METRICS_PORT"])
def test_a_port_that_is_taken_is_one_line_that_names_its_setting(served: Any, variable: str) -> None:
    with socket.create_server(("127.0.0.1", served.ports[variable])):
        refused = served.run(MODULE)

    (line,) = refused.stderr.splitlines()
    assert refused.returncode == 2
    assert line.startswith("schedulezero-scheduler: ")
    assert f"SCHEDULEZERO_{variable}" in line


def test_a_bad_setting_is_one_line_that_names_it(served: Any) -> None:
    refused = served.run(MODULE, SCHEDULEZERO_TORNADO_PROT="1")

    assert refused.returncode == 2
    assert refused.stderr == (
        "schedulezero-scheduler: SCHEDULEZERO_TORNADO_PROT: there is no such variable; "
        "did you mean SCHEDULEZERO_TORNADO_PORT?\n"
    )
