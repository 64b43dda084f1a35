"""Each service from its wheel alone, in an environment of its own, with settings from the environment only."""

import json
import re
import sqlite3
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from schedulezero.service.web_gateway.announcement import announced

ROOT = Path(__file__).parents[2]
SERVICES = ("registry", "scheduler", "web")
OURS = {
    "registry": {"registry-service", "registry", "runtime", "protocol"},
    "scheduler": {"scheduler", "scheduler-core", "runtime", "protocol"},
    "web-gateway": {"web-gateway", "web", "runtime", "protocol"},
    "handler": {"handler-sdk", "protocol"},
}
WITHOUT = {
    "registry": {"alembic", "apscheduler", "httpx", "sqlalchemy", "tornado"},
    "scheduler": {"httpx", "tornado"},
    "web-gateway": {"alembic", "apscheduler", "httpx", "sqlalchemy"},
    "handler": {"apscheduler", "prometheus-client", "pyyaml", "sqlalchemy", "structlog", "tornado"},
}


def files_of(directory: Path) -> set[Path]:
    return {path.relative_to(directory) for path in directory.rglob("*")}


@pytest.mark.parametrize("name", OURS)
def test_an_environment_holds_one_service_and_no_library_of_another(images: Any, name: str) -> None:
    held = images[name].distributions()

    assert {one for one in held if one.startswith("schedulezero")} == {f"schedulezero-{one}" for one in OURS[name]}
    assert {one.lower() for one in held} & WITHOUT[name] == set()


@pytest.mark.parametrize("name", OURS)
def test_third_parties_have_the_versions_that_the_tests_ran_with(images: Any, name: str) -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    versions = {(package["name"], package["version"]) for package in locked if "registry" in package["source"]}

    held = {(re.sub(r"[._]", "-", one).lower(), version) for one, version in images[name].distributions().items()}
    assert {one for one in held if not one[0].startswith("schedulezero")} <= versions


def test_a_job_runs_across_a_restart_and_everything_ends_well(composed: Any) -> None:
    environments = {name: files_of(image.venv) for name, image in composed.images.items()}
    composed.start()

    first = composed.api.run("reports", "build", {"month": "2026-11"}, wait_seconds=20)
    restarted = composed.programs["scheduler"].end()
    composed.programs["scheduler"].start()
    composed.await_work()
    second = composed.api.run("reports", "build", {"month": "2026-12"}, wait_seconds=20)
    kept = composed.api.execution(first["execution_id"])
    exit_codes = {name: program.end() for name, program in reversed(composed.programs.items())}

    assert (first["status"], first["result"]) == ("success", {"file": "/reports/2026-11.pdf", "copies": 1})
    assert (second["status"], kept["status"]) == ("success", "success")
    assert restarted == 0
    assert exit_codes == dict.fromkeys(composed.programs, 0)
    assert {name: files_of(image.venv) for name, image in composed.images.items()} == environments
    assert [name for name in composed.programs if files_of(composed.working_directory(name))] == []


def test_the_health_checks_tell_whether_the_services_can_work(composed: Any) -> None:
    composed.start()

    while_all_run = {name: composed.healthy(name) for name in SERVICES}
    composed.programs["scheduler"].end()
    without_scheduler = {name: composed.healthy(name) for name in SERVICES}

    assert while_all_run == dict.fromkeys(SERVICES, 0)
    assert without_scheduler == {"registry": 0, "scheduler": 1, "web": 1}


def test_prometheus_may_ask_the_gateway_by_the_name_it_has_in_the_network(running: Any) -> None:
    answers = {host: running.api.get("/metrics", headers={"Host": f"{host}:8888"}) for host in ("web", "elsewhere")}

    assert {host: answer.status_code for host, answer in answers.items()} == {"web": 200, "elsewhere": 403}


def test_every_log_line_is_an_object_with_its_action_and_ids(running: Any) -> None:
    """What the gateway tells the person who has started it goes to standard output, and is no log line."""
    told = announced(running.api.url, ()).splitlines()

    for name in SERVICES:
        lines = [json.loads(line) for line in running.programs[name].text.splitlines() if line not in told]
        assert lines, name
        assert all({"action", "level", "service", "timestamp"} <= line.keys() for line in lines), name
        assert {line["service"] for line in lines} == {name}

    (linked,) = running.programs["scheduler"].lines("instance.linked", handler_id="reports")
    ids = {name: linked[name] for name in ("handler_id", "instance_id", "boot_id")}
    assert running.programs["registry"].lines("handler.connected", **ids)


def test_the_database_can_be_copied_while_it_is_in_use(running: Any, tmp_path: Path) -> None:
    running.api.run("reports", "build", {"month": "2026-11"}, wait_seconds=20)
    copy = tmp_path / "copy.db"
    page = (ROOT / "docs_site/deployment/systemd.md").read_text()
    ((file, command, target),) = re.findall(r"-m sqlite3 (\S+) \"(VACUUM INTO '(\S+)')\"", page)

    database = running.state("scheduler") / Path(file).name
    python = running.images["scheduler"].venv / "bin/python"
    vacuum = [python, "-m", "sqlite3", database, command.replace(target, str(copy))]
    subprocess.run(vacuum, check=True, capture_output=True, timeout=30)

    with closing(sqlite3.connect(copy)) as copied:
        rows = copied.execute("SELECT count(*) FROM executions").fetchone()
    assert rows == (len(running.api.executions()),)
