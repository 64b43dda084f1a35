"""Who may import whom, where the time may be read, and what each distribution may bring with it."""

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(file.parent for folder in ("packages", "services") for file in ROOT.glob(f"{folder}/*/pyproject.toml"))
MEMBERS = [*SHIPPED, ROOT / "tests/testkit"]
SOURCES = sorted(file for member in SHIPPED for file in (member / "src").rglob("*.py"))

# The import table of the architecture: what of ours each distribution may depend on.
OURS = {
    "schedulezero-protocol": set(),
    "schedulezero-runtime": {"schedulezero-protocol"},
    "schedulezero-registry": {"schedulezero-runtime"},
    "schedulezero-scheduler-core": {"schedulezero-runtime"},
    "schedulezero-web": {"schedulezero-runtime"},
    "schedulezero-handler-sdk": {"schedulezero-protocol"},
    "schedulezero-client": set(),
    "schedulezero-registry-service": {"schedulezero-registry"},
    "schedulezero-scheduler": {"schedulezero-scheduler-core"},
    "schedulezero-web-gateway": {"schedulezero-web"},
    "schedulezero": {
        "schedulezero-scheduler",
        "schedulezero-registry-service",
        "schedulezero-web-gateway",
        "schedulezero-handler-sdk",
        "schedulezero-client",
    },
    "schedulezero-testkit": {"schedulezero"},
}

WALL_CLOCK = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
}
# The runtime's clock is for the services. A handler's process has its own: its SDK stands on the protocol alone.
CLOCKS = {
    "packages/runtime/src/schedulezero/runtime/clock.py",
    "packages/handler-sdk/src/schedulezero/handler/processes.py",
    "packages/handler-sdk/src/schedulezero/handler/serve.py",
    "packages/handler-sdk/src/schedulezero/handler/testing.py",
}


def project(member: Path) -> dict[str, object]:
    tables: dict[str, dict[str, object]] = tomllib.loads((member / "pyproject.toml").read_text())
    return tables["project"]


def readings_of_the_wall_clock(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if (owner, node.attr) in WALL_CLOCK:
                yield f"line {node.lineno}: {owner}.{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"line {node.lineno}: from time import {a.name}" for a in node.names if "time" in a.name)


def test_the_import_contracts_are_kept() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_distribution_depends_on_what_the_table_permits(member: Path) -> None:
    told = project(member)
    dependencies = told["dependencies"]
    assert isinstance(dependencies, list)

    ours = {name for name in dependencies if name.startswith("schedulezero")}

    assert ours == OURS[str(told["name"])]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_distribution_leaves_the_namespace_open_and_says_what_it_is(member: Path) -> None:
    inits = {file.relative_to(member / "src").as_posix() for file in (member / "src").rglob("__init__.py")}

    assert not inits & {"schedulezero/__init__.py", "schedulezero/service/__init__.py"}
    assert list((member / "src").rglob("py.typed"))
    assert (member / "README.md").read_text().startswith(f"# {project(member)['name']}")


def test_test_modules_have_names_of_their_own() -> None:
    files = {file for folder in ("packages", "services", "tests") for file in (ROOT / folder).rglob("test_*.py")}
    names = Counter(file.name for file in files)

    assert [name for name, count in names.items() if count > 1] == []


def test_only_the_clocks_read_the_wall_clock() -> None:
    found = {
        f"{file.relative_to(ROOT)} {reading}"
        for file in SOURCES
        if file.relative_to(ROOT).as_posix() not in CLOCKS
        for reading in readings_of_the_wall_clock(file.read_text())
    }

    assert found == set()


@pytest.mark.parametrize(
    "source",
    ["datetime.now(UTC)", "datetime.datetime.utcnow()", "x = time.time", "from time import time_ns", "date.today()"],
)
def test_reading_the_wall_clock_is_noticed(source: str) -> None:
    assert list(readings_of_the_wall_clock(source))


@pytest.mark.parametrize("source", ["time.monotonic()", "clock.now()", "from time import monotonic", "self._time()"])
def test_other_clocks_are_left_alone(source: str) -> None:
    assert not list(readings_of_the_wall_clock(source))
