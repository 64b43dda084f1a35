"""The configuration files of three deployments, which run side by side on one machine."""

import subprocess
from itertools import combinations
from pathlib import Path

import pytest

from schedulezero.runtime.settings import FIELDS, Loaded, insecure_binds, load
from schedulezero.testkit.programs import CONSOLE_SCRIPTS

DEPLOYMENTS = Path(__file__).parents[2] / "deploy/deployments"
NAMES = ("dev", "test", "production")
PORTS = [key for key in FIELDS if key.endswith("port")]


def loaded(name: str) -> Loaded:
    return load(environ={}, config_path=str(DEPLOYMENTS / f"{name}.yaml"))


def ports(name: str) -> list[int]:
    settings = loaded(name).settings
    return [int(str(FIELDS[key].of(settings))) for key in PORTS]


def test_there_is_a_file_for_each_of_the_three() -> None:
    assert {file.stem for file in DEPLOYMENTS.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
    file = DEPLOYMENTS / f"{name}.yaml"
    command = [CONSOLE_SCRIPTS / "schedulezero", "config", "check", "--config", file]

    checked = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=60)

    assert (checked.returncode, checked.stdout) == (0, f"{file}: the settings are good\n")


def test_no_two_share_a_port_or_a_file() -> None:
    for one, other in combinations(NAMES, 2):
        ours, theirs = loaded(one).settings, loaded(other).settings

        assert set(ports(one)) & set(ports(other)) == set()
        assert ours.database_url != theirs.database_url
        assert ours.registry_file != theirs.registry_file


@pytest.mark.parametrize("name", NAMES)
def test_the_ports_are_those_that_the_name_has_without_a_file(name: str, tmp_path: Path) -> None:
    built_in = load(environ={}, config_path=None, deployment=name).settings

    assert ports(name) == [FIELDS[key].of(built_in) for key in PORTS]


@pytest.mark.parametrize("name", NAMES)
def test_no_other_machine_can_reach_any_of_them(name: str) -> None:
    assert insecure_binds(loaded(name).settings) == ()
