"""Figures of all tests are told at the end of a run, also where several workers share the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.parametrize("plays", [700, 800])
def test_it(figure, plays):
    figure("{} plays, {} of them long", plays, 1)

def test_that(figure):
    figure("nothing to count")

def test_broken(figure):
    figure("{} plays, {} of them long", 100_000, 1)
    assert False
"""


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "shared out"])
def test_figures_of_the_same_words_are_added_up_and_those_of_failed_tests_left_out(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p schedulezero.testkit.figures\n")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *workers],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    told = [line for line in ended.stdout.splitlines() if line in ("1,500 plays, 2 of them long", "nothing to count")]
    assert told == ["1,500 plays, 2 of them long", "nothing to count"]
