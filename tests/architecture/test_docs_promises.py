"""What the pages promise of the project as a whole: its licence, its libraries, its size, its thanks."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import yaml

from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.scheduler.core.triggers import preview
from schedulezero.testkit.deployment import Deployment

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs_site"
DISTRIBUTIONS = sorted((*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")))
FRONTEND: dict[str, str] = json.loads((ROOT / "islands/package.json").read_text())["dependencies"]
A_DAY_OF_THE_SEED = 1_761_436_800_000_000  # 2025-10-26, in microseconds


def project(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())["project"]


def requirements() -> dict[str, str]:
    """The libraries of others that the distributions need: the versions they ask for, by name."""
    every = [requirement for file in DISTRIBUTIONS for requirement in project(file).get("dependencies", ())]
    parts = [re.fullmatch(r"([\w.-]+)(?:\[[^]]+\])?(.*)", requirement) for requirement in every]
    return {part[1]: part[2] for part in parts if part and not part[1].startswith("schedulezero")}


@pytest.mark.parametrize("file", DISTRIBUTIONS, ids=lambda file: file.parent.name)
def test_every_distribution_runs_on_python_3_12_and_is_free_under_the_mit_licence(file: Path) -> None:
    about = project(file)

    assert about["requires-python"] == ">=3.12"
    assert about["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_the_style_and_the_tests_are_checked_with_every_change() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    commands = subprocess.run(
        ["make", "-n", "lint", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    checks = (ROOT / ".ci/run").read_text()

    assert {"push", "pull_request"} <= set(workflow[True])  # YAML reads the key `on` as true
    assert {"run": ".ci/run"} in workflow["jobs"]["checks"]["steps"]
    assert {"lint", "types", "contracts", "test"} <= set(checks.split())
    assert "ruff format --check" in commands
    assert "pytest" in commands


def test_the_whole_system_is_small_while_it_idles(tmp_path: Path) -> None:
    with Deployment(tmp_path) as deployment:
        up = deployment.up("--demo")
        deployment.await_instances("handler_12345-demo", handler_id="handler_12345")
        process = psutil.Process(up.pid)
        family = [process, *process.children(recursive=True)]

        assert sum(one.memory_full_info().pss for one in family) < 150 * 1024**2


def test_the_first_page_says_how_far_it_can_be_trusted() -> None:
    first = (DOCS / "index.md").read_text()

    assert '!!! warning "Alpha"' in first
    assert "Do not trust it with critical work yet" in " ".join(first.split())


def test_the_libraries_are_those_of_the_stack() -> None:
    asked = requirements()

    assert asked["tornado"] >= ">=6.5"
    assert asked["apscheduler"].startswith("==4.0")
    assert {"pyzmq", "sqlalchemy", "pyyaml"} <= set(asked)


def test_the_frontend_stands_on_htmx_2_and_vuetify() -> None:
    assert FRONTEND["htmx.org"].startswith("2.0.")
    assert FRONTEND["vuetify"].startswith("4.")


@pytest.mark.parametrize(
    "config",
    [
        {"type": "date", "run_date": "2025-10-27T15:30:00"},
        {"type": "interval", "hours": 1, "minutes": 30},
        {"type": "cron", "hour": "*/2", "minute": "0"},
    ],
    ids=lambda config: config["type"],
)
def test_the_triggers_of_the_seed_are_accepted(config: dict[str, Any]) -> None:
    trigger: TriggerConfig = msgspec.convert(config, type=TriggerConfig)

    assert preview(trigger, after=A_DAY_OF_THE_SEED, count=1, timezone="UTC").fire_times


def test_it_says_how_to_take_part() -> None:
    assert "all welcome" in (ROOT / "CONTRIBUTING.md").read_text()
    assert "`CONTRIBUTING.md`" in (DOCS / "about.md").read_text()


def test_whatever_it_is_built_with_is_acknowledged() -> None:
    thanks = (DOCS / "about.md").read_text()
    named = {name.lower() for name in re.findall(r"\[([^]]+)\]\(http", thanks)}

    assert {name.lower().removesuffix(".org") for name in (*requirements(), *FRONTEND)} - named == set()
    assert {"tornado", "apscheduler", "zeromq", "pyzmq", "sqlalchemy", "htmx", "vuetify", "mkdocs material"} <= named
    for who in ("Alex Grönholm", "ZeroMQ community", "HTMX team"):
        assert f"**{who}**" in thanks
