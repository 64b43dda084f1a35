"""Tests that several workers share: what belongs together stays together, and what needs quiet has it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import os
from pathlib import Path

import pytest

@pytest.mark.parametrize("n", range(4))
def test_it(n):
    with Path("said").open("a") as said:
        said.write(f"begins {os.environ['PYTEST_XDIST_WORKER']} {__file__}\\n")
        said.flush()
        os.sched_yield()
        said.write(f"ends {os.environ['PYTEST_XDIST_WORKER']} {__file__}\\n")
"""
FILES = (
    "browser/test_one.py",
    "browser/test_two.py",
    "simulation/test_worlds.py",
    *(f"unit/test_unit_{n}.py" for n in range(4)),
    "acceptance/test_acceptance_load.py",
)
ON_DATABASES = "acceptance/test_acceptance_kills.py"
TESTS_ON_DATABASES = TESTS.replace('"n", range(4)', '"kind", ["sqlite", "postgresql"]')
TESTS_ON_DATABASES = TESTS_ON_DATABASES.replace("test_it(n)", "test_it(kind)")
TESTS_ON_DATABASES = TESTS_ON_DATABASES.replace("{__file__}", "{__file__}@{kind}")
Said = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What tests say when they begin and end, in order: begins or ends, worker, file."""
    project = tmp_path_factory.mktemp("project")
    for file in FILES:
        path = project / "tests" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TESTS)
    (project / "tests" / ON_DATABASES).write_text(TESTS_ON_DATABASES)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "schedulezero.testkit.in_parallel", "-n", "3", "tests"],
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "--import-mode=importlib"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert f"{4 * len(FILES) + 2} passed" in ended.stdout, ended.stdout
    lines = (project / "said").read_text().splitlines()
    return [
        (word, worker, str(Path(file).relative_to(project / "tests"))) for word, worker, file in map(str.split, lines)
    ]


def test_a_folder_that_stands_on_something_costly_goes_to_one_worker(said: Said) -> None:
    assert len({worker for _, worker, file in said if file.startswith("browser/")}) == 1


def test_a_file_goes_to_one_worker(said: Said) -> None:
    for name in FILES[3:]:
        assert len({worker for _, worker, file in said if file == name}) == 1


def test_what_needs_quiet_comes_last_and_one_by_one(said: Said) -> None:
    quiet = [file.startswith("acceptance/") and not file.endswith("@postgresql") for _, _, file in said]
    first = quiet.index(True)
    assert all(quiet[first:])
    assert len(said) - first == 2 * 5
    assert [word for word, _, _ in said[first:]] == ["begins", "ends"] * 5


def test_what_needs_quiet_is_not_given_it_on_database_servers_again(said: Said) -> None:
    """It has it once, on SQLite; three times it would take too long."""
    assert [word for word, _, file in said if file == f"{ON_DATABASES}@postgresql"] == ["begins", "ends"]


def test_several_workers_took_part(said: Said) -> None:
    assert len({worker for _, worker, _ in said}) > 1
