"""A run of all tests ends with what is missing, and fails where nothing shows a promise of the seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_it(): ...

@pytest.mark.skip(reason="needs a lighthouse; install with apt-get install lighthouse")
def test_that(): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\ntestpaths = tests\naddopts = -p schedulezero.testkit.not_run_here\n"
    )
    return tmp_path


def promise(project: Path, test: str) -> None:
    page = project / "docs_site/reference/from-the-seed.md"
    page.parent.mkdir(parents=True)
    page.write_text(f"# Seed\n\n## All\n\n| seed | here | shown by |\n|---|---|---|\n| it | is here | `{test}` |\n")


def run(project: Path, *arguments: str, ci: str = "") -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=project,
        env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.returncode, ended.stdout


def test_what_could_not_run_is_told_with_the_remedy(project: Path) -> None:
    code, said = run(project)

    assert code == 0
    assert "NOT RUN HERE: 1 of the tests: needs a lighthouse; install with apt-get install lighthouse" in said


def test_in_ci_every_test_has_to_run(project: Path) -> None:
    code, said = run(project, ci="true")

    assert code == 1
    assert "With CI=true every test has to run." in said


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "shared out"])
def test_a_promise_that_nothing_shows_fails_a_run_of_all_tests(project: Path, workers: tuple[str, ...]) -> None:
    promise(project, "test_some::test_other")

    code, said = run(project, *workers)

    assert code == 1
    assert "NOT SHOWN: docs_site/reference/from-the-seed.md names test_some::test_other" in said


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "shared out"])
def test_a_promise_that_is_shown_is_no_word_worth(project: Path, workers: tuple[str, ...]) -> None:
    promise(project, "test_some::test_it")

    code, said = run(project, *workers)

    assert code == 0
    assert "NOT SHOWN" not in said


def test_a_run_of_some_tests_does_not_ask_for_the_others(project: Path) -> None:
    promise(project, "test_some::test_other")

    assert run(project, "tests/test_some.py")[0] == 0
    assert run(project, "-k", "test_it")[0] == 0
