"""The first command that anybody types: what it says on a machine where something is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make; install with apt-get install make")


class Machine:
    """A checkout, and programs that are there or that fail."""

    def __init__(self, directory: Path) -> None:
        self.checkout, self._programs = directory / "checkout", directory / "bin"
        (self.checkout / ".ci").mkdir(parents=True)
        self._programs.mkdir()
        for name in ("Makefile", ".ci/ready"):
            shutil.copy(ROOT / name, self.checkout / name)
        for name in ("make", "sh", "awk", "touch", "mkdir", "cp"):
            found = shutil.which(name)
            assert found is not None
            (self._programs / name).symlink_to(found)

    def has(self, name: str, script: str) -> None:
        """Put a program there."""
        program = self._programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.checkout,
            env={"PATH": str(self._programs), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=30,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def told(run: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that is ours."""
    (line,) = (line for line in run.stderr.splitlines() if not line.startswith(("make", "Downloading")))
    return line


# A python3 that makes an environment with a pip that is there, or fails as it says.
VENV = """
case "$*" in
    "-m venv .uv") mkdir -p .uv/bin && cp "$0" .uv/bin/python ;;
    "-m pip --version") exit {has_pip} ;;
    *) exit 1 ;;
esac
"""


def test_without_a_target_make_lists_what_there_is(machine: Machine) -> None:
    listed = machine.make()

    assert listed.returncode == 0
    names = [line.split()[1] for line in listed.stdout.splitlines()]
    assert {"run", "test", "lint", "types", "contracts", "build"} <= set(names)


@pytest.mark.parametrize(
    ("python3", "remedy"),
    [
        (None, "there is no python3; install it"),
        ("exit 1", "python3 lacks its venv module; install it (Debian, Ubuntu: apt-get install python3-venv)"),
        (VENV.format(has_pip=1), "python3 lacks pip; install it"),
        (VENV.format(has_pip=0), "uv cannot be downloaded from PyPI, .uv/pip.log says why"),
    ],
)
def test_what_uv_lacks_is_one_line_with_the_remedy(machine: Machine, python3: str | None, remedy: str) -> None:
    if python3 is not None:
        machine.has("python3", python3)

    refused = machine.make("run")

    assert refused.returncode == 2
    assert told(refused).startswith(f"ScheduleZero: {remedy}")


def test_a_python_that_cannot_be_had_is_one_line_with_the_remedy(machine: Machine) -> None:
    machine.has("uv", "echo much noise >&2; exit 2")

    refused = machine.make("run")

    assert refused.returncode == 2
    assert "no Python 3.12 or newer is here and none can be downloaded; install one" in told(refused)


@pytest.mark.parametrize(("given", "options"), [([], ""), (["PORT=8889"], " --port 8889")])
def test_run_starts_the_demo_without_what_only_developers_need(
    machine: Machine, given: list[str], options: str
) -> None:
    machine.has("uv", '[ "$1" = run ] && echo "$@"; exit 0')

    ran = machine.make("run", *given)

    assert ran.stdout == f"run -p >=3.12 --no-dev schedulezero up --demo{options}\n"
    assert ran.returncode == 0


def test_the_checks_stop_at_the_first_that_fails(machine: Machine) -> None:
    shutil.copy(ROOT / ".ci/run", machine.checkout / ".ci/run")
    machine.has("uv", '[ "$1" = run ] && echo "$4 $CI"; [ "$4" != mypy ]')
    environment = {"PATH": f"{machine._programs}{os.pathsep}/usr/bin{os.pathsep}/bin"}

    ran = subprocess.run([".ci/run"], cwd=machine.checkout, env=environment, capture_output=True, text=True, timeout=30)

    assert ran.stdout.splitlines() == ["ruff true", "ruff true", "mypy true"]
    assert ran.returncode == 2
