"""`compose.yaml`: all of the system, closed to the outside but for the pages."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from schedulezero.handler.settings import Overrides, read_settings
from schedulezero.runtime.settings import FIELDS, insecure_binds, load
from schedulezero.testkit.programs import CONSOLE_SCRIPTS

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = ("registry", "scheduler", "web")
OURS = (*SERVICES, "reports")


def linted(file: Path) -> "subprocess.CompletedProcess[str]":
    """The schema comes with the linter, so that no other host is asked."""
    command = [CONSOLE_SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_it_fits_the_schema_of_compose_files() -> None:
    checked = linted(DEPLOY / "compose.yaml")

    assert checked.returncode == 0, checked.stdout


def test_a_fault_would_be_found(tmp_path: Path) -> None:
    faulty = tmp_path / "compose.yaml"
    faulty.write_text((DEPLOY / "compose.yaml").read_text().replace("depends_on:", "depend_on:"))

    assert "depend_on" in linted(faulty).stdout


@pytest.mark.parametrize("name", OURS)
def test_each_service_is_built_from_its_dockerfile(composition: dict[str, Any], name: str) -> None:
    build = composition["services"][name]["build"]

    assert (DEPLOY / build["context"]).resolve() == DEPLOY.parent
    assert (DEPLOY.parent / build["dockerfile"]).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_the_variables_of_a_service_are_settings(composition: dict[str, Any], name: str) -> None:
    settings = load(environ=composition["services"][name]["environment"]).settings

    assert settings.security.insecure_bind
    assert insecure_binds(settings)


def test_the_variables_of_the_handler_are_those_of_the_sdk(composition: dict[str, Any]) -> None:
    settings = read_settings("reports", composition["services"]["reports"]["environment"], Overrides())

    assert (settings.registry, settings.bind) == ("tcp://registry:4242", "tcp://eth0:0")
    assert settings.advertise is None


def test_services_find_each_other_by_their_names(composition: dict[str, Any]) -> None:
    told = [one["environment"] for one in composition["services"].values() if "environment" in one]
    hosts = {variables[name] for variables in told for name in variables if name.endswith("_HOST")}

    assert hosts == {"registry", "scheduler"}


def test_only_the_pages_and_prometheus_are_published_and_on_this_machine_alone(composition: dict[str, Any]) -> None:
    published = {name: one["ports"] for name, one in composition["services"].items() if "ports" in one}

    assert published == {"web": ["127.0.0.1:8888:8888"], "prometheus": ["127.0.0.1:9090:9090"]}
    assert composition["networks"]["inside"] == {"internal": True}
    assert {name for name, one in composition["services"].items() if one["networks"] != ["inside"]} == set(published)


@pytest.mark.parametrize("name", OURS)
def test_a_service_may_do_no_more_than_it_needs(composition: dict[str, Any], name: str) -> None:
    service = composition["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["stop_grace_period"].removesuffix("s")) > FIELDS["drain_seconds"].default


def test_what_a_service_keeps_is_on_a_volume(composition: dict[str, Any], dockerfiles: dict[str, Any]) -> None:
    for name in SERVICES:
        service = composition["services"][name]
        dockerfile = dockerfiles[Path(service["build"]["dockerfile"]).stem]
        mounted = [volume.split(":") for volume in service.get("volumes", ())]

        assert [target for _, target in mounted] == [one.text for one in dockerfile.final.all("VOLUME")]
        assert {source for source, _ in mounted} <= set(composition["volumes"])


def test_a_service_waits_for_the_health_of_those_that_have_a_check(
    composition: dict[str, Any], dockerfiles: dict[str, Any]
) -> None:
    waited_for = {
        (other, condition["condition"])
        for one in composition["services"].values()
        for other, condition in one.get("depends_on", {}).items()
    }

    assert waited_for == {("registry", "service_healthy"), ("scheduler", "service_healthy")}
    assert all(dockerfiles[other].final.last("HEALTHCHECK").text != "NONE" for other, _ in waited_for)


def test_prometheus_asks_each_service_by_its_name_and_port(composition: dict[str, Any]) -> None:
    ports = {"web": "web.port", "registry": "registry.metrics_port", "scheduler": "scheduler.metrics_port"}
    (mounted, *_) = composition["services"]["prometheus"]["volumes"]
    (job,) = yaml.safe_load((DEPLOY / mounted.partition(":")[0]).read_text())["scrape_configs"]

    targets = {target for group in job["static_configs"] for target in group["targets"]}

    assert targets == {f"{name}:{FIELDS[key].default}" for name, key in ports.items()}
