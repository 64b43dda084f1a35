"""The page about reliability names for each promise the tests that show it, and they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs_site/concepts/reliability.md").read_text()
PROMISED = PAGE.partition("## What is promised\n")[2].partition("\n## ")[0]


def test_each_promise_names_a_test() -> None:
    promises = [line for line in PROMISED.splitlines() if line.startswith("| ")][1:]

    assert promises
    assert [line for line in promises if not named(line)] == []


def test_each_test_that_is_named_is_there() -> None:
    files = {
        file.stem: file.read_text() for folder in ("tests", "packages") for file in (ROOT / folder).rglob("test_*.py")
    }

    assert [name for name in named(PAGE) if not is_there(files, *name)] == []


def named(text: str) -> list[tuple[str, str]]:
    """Return module and function of the tests that a text names."""
    return re.findall(r"`(test_\w+)::(test_\w+)`", text)


def is_there(files: dict[str, str], module: str, function: str) -> bool:
    return f"def {function}(" in files.get(module, "")
