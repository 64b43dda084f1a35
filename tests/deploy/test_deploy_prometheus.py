"""The real Prometheus, as it is set up here, and what it makes of three running services."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

ROOT = Path(__file__).parents[2]
CONFIGURATIONS = sorted((ROOT / "deploy/prometheus").iterdir())
SERVICES = {
    "web": "SCHEDULEZERO_TORNADO_PORT",
    "registry": "SCHEDULEZERO_REGISTRY_METRICS_PORT",
    "scheduler": "SCHEDULEZERO_SCHEDULER_METRICS_PORT",
}
# The metrics that dashboards rely on: the service that measures each, its labels, and what its samples are called.
METRICS = {
    "schedulezero_executions_total": ("scheduler", {"handler", "method", "status"}, "counter"),
    "schedulezero_execution_duration_seconds": ("scheduler", {"handler", "method"}, "histogram"),
    "schedulezero_fire_lateness_seconds": ("scheduler", set(), "histogram"),
    "schedulezero_schedules": ("scheduler", {"state"}, "gauge"),
    "schedulezero_executions_pending": ("scheduler", {"handler"}, "gauge"),
    "schedulezero_commit_batch_size": ("scheduler", set(), "histogram"),
    "schedulezero_commit_seconds": ("scheduler", set(), "histogram"),
    "schedulezero_handlers": ("registry", {"status"}, "gauge"),
    "schedulezero_http_request_duration_seconds": ("web", {"method", "route", "status"}, "histogram"),
    "schedulezero_build_info": ("web", {"version", "python"}, "gauge"),
}
ADDED = {"__name__", "instance", "job", "service"}

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="needs Prometheus; install with apt-get install prometheus",
)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Three services and a handler, after executions of each end."""
    with Deployment(tmp_path_factory.mktemp("measured")) as system:
        system.start()
        system.handler("work-1").start()
        system.await_instances("work-1")
        system.api.run("work", "noop", wait_seconds=20)
        system.api.run("work", "fail_for_good", wait_seconds=20)
        schedule_id = system.api.schedule("work", "noop", {"type": "interval", "seconds": 1}, max_runs=1)
        eventually(
            lambda: [one for one in system.api.executions(schedule_id=schedule_id) if one["status"] == "success"],
            what="a run of the schedule",
        )
        yield system


def configured(system: Deployment, file: Path) -> Path:
    """`prometheus.yml` with the ports of this system, and more haste."""
    given = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    given["global"]["scrape_interval"] = "1s"
    for group in given["scrape_configs"][0]["static_configs"]:
        group["targets"] = [f"127.0.0.1:{system.ports[SERVICES[group['labels']['service']]]}"]
    file.write_text(yaml.safe_dump(given))
    return file


class Prometheus:
    """A Prometheus that scrapes a system."""

    def __init__(self, system: Deployment, directory: Path) -> None:
        (self._port,) = free_ports(1)
        command = [
            "prometheus",
            f"--config.file={configured(system, directory / 'prometheus.yml')}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        self.program = Program("prometheus", command, environ={"PATH": "/usr/bin:/bin"}, directory=directory)

    def get(self, path: str, **query: str) -> Any:
        answer = httpx.get(f"http://127.0.0.1:{self._port}/api/v1/{path}", params=query, trust_env=False, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def health(self) -> dict[str, str]:
        """The state of each target, by service."""
        return {one["labels"]["service"]: one["health"] for one in self.get("targets")["activeTargets"]}

    def series(self, metric: str) -> list[dict[str, str]]:
        """The labels of each sample of a metric that there is now."""
        return [one["metric"] for one in self.get("query", query=metric)["result"]]


@pytest.fixture(scope="module")
def prometheus(system: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped each of the three."""
    prometheus = Prometheus(system, tmp_path_factory.mktemp("prometheus"))
    prometheus.program.start()
    try:
        eventually(lambda: prometheus.program.said("Server is ready"), within=30, what="Prometheus")
        yield prometheus
    finally:
        prometheus.program.close()


def test_every_target_is_up(prometheus: Prometheus) -> None:
    def all_up() -> bool:
        assert prometheus.health() == dict.fromkeys(SERVICES, "up"), prometheus.program.tail
        return True

    assert eventually(all_up, within=30, what="three targets")


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_can_be_asked_for_with_its_labels(prometheus: Prometheus, metric: str) -> None:
    service, labels, kind = METRICS[metric]
    sample = f"{metric}_count" if kind == "histogram" else metric

    series = eventually(lambda: prometheus.series(f'{sample}{{service="{service}"}}'), within=30, what=sample)

    assert {frozenset(one.keys() - ADDED) for one in series} == {frozenset(labels)}


def test_what_ran_is_counted_by_its_status(prometheus: Prometheus) -> None:
    query = 'sum by (method, status) (schedulezero_executions_total{handler="work"})'

    def counted() -> dict[tuple[str, str], str] | None:
        found = prometheus.get("query", query=query)["result"]
        return {(one["metric"]["method"], one["metric"]["status"]): one["value"][1] for one in found}

    assert eventually(counted, within=30, what="the counts") == {
        ("noop", "success"): "2",
        ("fail_for_good", "error"): "1",
    }


def test_what_the_page_says_to_watch_can_be_asked_for(prometheus: Prometheus) -> None:
    section = (ROOT / "docs_site/deployment/metrics-and-health.md").read_text().partition("## What to watch")[2]
    expressions = [code for row in re.findall(r"^\| .*$", section, re.M) for code in re.findall(r"`([^`]+)`", row)]

    kinds = {expression: prometheus.get("query", query=expression)["resultType"] for expression in expressions}

    assert kinds
    assert kinds == dict.fromkeys(expressions, "vector")


@pytest.mark.parametrize("service", SERVICES)
def test_promtool_finds_nothing_wrong_with_the_metrics(system: Deployment, service: str) -> None:
    text = httpx.get(f"http://127.0.0.1:{system.ports[SERVICES[service]]}/metrics", trust_env=False).text

    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)

    assert "schedulezero_build_info" in text
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_promtool_finds_nothing_wrong_with_the_configuration(file: Path) -> None:
    checked = subprocess.run(["promtool", "check", "config", file], capture_output=True, text=True, timeout=60)

    assert checked.returncode == 0, checked.stderr


def test_the_page_shows_the_configuration_as_it_is() -> None:
    page = (ROOT / "docs_site/deployment/prometheus.md").read_text()
    (shown,) = re.findall(r'^```yaml title="deploy/prometheus/prometheus.yml"\n(.*?)^```$', page, re.M | re.S)

    assert (ROOT / "deploy/prometheus/prometheus.yml").read_text().endswith(shown)
