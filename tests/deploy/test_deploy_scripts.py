"""`build.sh` and `install.sh`: what they make, and what they say when they cannot."""

import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from schedulezero.testkit.programs import CONSOLE_SCRIPTS

DEPLOY = Path(__file__).parents[2] / "deploy"
SDK = "schedulezero-handler-sdk"
Environment = Callable[..., dict[str, str]]


def run(script: str, *arguments: object, environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = ["sh", DEPLOY / script, *map(str, arguments)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A directory with a file that bears the name of a wheel."""
    directory = tmp_path / "wheels"
    directory.mkdir()
    (directory / "schedulezero_handler_sdk-0.1.0-py3-none-any.whl").touch()
    return directory


def test_the_linter_has_nothing_to_say() -> None:
    scripts = sorted(DEPLOY.rglob("*.sh"))

    linted = subprocess.run(
        [CONSOLE_SCRIPTS / "shellcheck", "--enable=all", "--exclude=SC2250,SC2310,SC2312", *scripts],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert len(scripts) == 2
    assert linted.stdout + linted.stderr == ""


def test_pip_installs_where_there_is_no_uv(images: Any, building: Environment, tmp_path: Path) -> None:
    environ = building(UV="", PATH="/usr/bin:/bin")

    installed = run("install.sh", images["handler"].wheels, tmp_path / "venv", SDK, environ=environ)

    assert installed.returncode == 0, installed.stderr
    assert installed.stdout == f"installed {SDK} {version(SDK)} in {tmp_path}/venv\n"
    assert (tmp_path / "venv/bin/pip").exists()


@pytest.mark.slow
def test_extras_are_installed_too(images: Any, building: Environment, tmp_path: Path) -> None:
    wanted = "schedulezero-scheduler-core[mysql]"

    installed = run("install.sh", images["scheduler"].wheels, tmp_path / "venv", wanted, environ=building())

    assert installed.returncode == 0, installed.stderr
    probe = subprocess.run([tmp_path / "venv/bin/python", "-c", "import pymysql"], capture_output=True, timeout=60)
    assert probe.returncode == 0


def test_the_usage_is_told_where_arguments_are_missing(building: Environment) -> None:
    for script, arguments in (("build.sh", []), ("install.sh", ["wheels", "venv"])):
        refused = run(script, *arguments, environ=building())

        assert refused.returncode == 2
        assert refused.stderr.startswith(f"{script}: usage: {script} WHEELS")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"wheels": "absent"}, "there is no directory {wheels}; let build.sh make it"),
        ({"name": "schedulezero-handler"}, "{wheels} has no wheel of schedulezero-handler; let build.sh make it"),
        ({"venv": "."}, "{venv} is there already; name a new directory, or remove it"),
        ({"PYTHON": "no-such-python"}, "there is no no-such-python; install Python 3.12 or newer, or name one with"),
        ({"PYTHON": "false"}, "is older than Python 3.12; name a newer one with PYTHON=…"),
    ],
    ids=["no wheels", "no such wheel", "target is there", "no Python", "old Python"],
)
def test_what_cannot_be_installed_is_one_line_with_the_remedy(
    building: Environment, wheels: Path, tmp_path: Path, change: dict[str, str], complaint: str
) -> None:
    source, venv = tmp_path / change.get("wheels", "wheels"), tmp_path / change.get("venv", "venv")
    chosen = {"PYTHON": change["PYTHON"]} if "PYTHON" in change else {}

    refused = run("install.sh", source, venv, change.get("name", SDK), environ=building(**chosen))

    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("install.sh: ")
    assert complaint.format(wheels=source, venv=venv) in line


def test_two_versions_of_a_wheel_are_refused(building: Environment, wheels: Path, tmp_path: Path) -> None:
    (wheels / "schedulezero_handler_sdk-0.2.0-py3-none-any.whl").touch()

    refused = run("install.sh", wheels, tmp_path / "venv", SDK, environ=building())

    assert refused.returncode == 2
    assert refused.stderr == f"install.sh: {wheels} has several wheels of schedulezero_handler_sdk; leave one of each\n"


def test_nothing_is_left_of_an_installation_that_fails(
    building: Environment, wheels: Path, tmp_path: Path, uv: str
) -> None:
    """The wheel is an empty file."""
    failed = run("install.sh", wheels, tmp_path / "venv", SDK, environ=building(UV=uv))

    assert failed.returncode != 0
    assert not (tmp_path / "venv").exists()


def test_without_uv_nothing_is_built_and_it_is_said_why(building: Environment, tmp_path: Path) -> None:
    refused = run("build.sh", tmp_path / "wheels", environ=building(UV="no-such-uv"))

    assert refused.returncode == 2
    assert (
        refused.stderr
        == "build.sh: there is no no-such-uv; install it (pip install uv), or name it with UV=/path/to/uv\n"
    )
