"""Every item of the seed has its row, and every row a test that runs, or an item of the roadmap."""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pytest

from schedulezero.testkit.shown_by import Row, named_tests, rows_by_section

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs_site/reference/from-the-seed.md").read_text()
ROWS = rows_by_section(PAGE)
ALL_ROWS = list(chain.from_iterable(ROWS.values()))

Function = ast.FunctionDef | ast.AsyncFunctionDef


# -- what the seed has, what the repository has ---------------------------------------------------------------------


def seed_items() -> dict[str, list[str]]:
    """The items of the seed by section, as they were read from it."""
    sections = re.split(r"\n(?=[^-\n])", (Path(__file__).parent / "seed_items.txt").read_text().strip())
    return {title: [line.removeprefix("- ") for line in lines] for title, *lines in map(str.splitlines, sections)}


def planned() -> set[str]:
    """The items that the roadmap has under next."""
    cells = re.findall(r"\|([^|\n]+)\|$", (ROOT / "docs_site/roadmap.md").read_text(), re.MULTILINE)
    return {item.strip() for cell in cells for item in cell.split(";")}


def sources_of_tests() -> Iterator[tuple[str, str]]:
    for folder in ("packages", "services", "tests"):
        for file in sorted((ROOT / folder).rglob("test_*.py")):
            yield file.stem, file.read_text(encoding="utf-8")


def never_run(modules: Iterable[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """Return every test of these modules, and those of them that no run of `make test` would run."""
    known: set[str] = set()
    idle: set[str] = set()
    for name, source in modules:
        tree = ast.parse(source)
        for test, marks in each_test(tree, module_marks(tree)):
            known.add(f"{name}::{test.name}")
            if any(map(keeps_from_running, marks)) or begins_with_skip(test):
                idle.add(f"{name}::{test.name}")
    return known, idle


def each_test(parent: ast.Module | ast.ClassDef, marks: list[ast.expr]) -> Iterator[tuple[Function, list[ast.expr]]]:
    for node in parent.body:
        if isinstance(node, ast.ClassDef):
            yield from each_test(node, marks + node.decorator_list)
        elif isinstance(node, Function) and node.name.startswith("test_"):
            yield node, marks + node.decorator_list


def module_marks(tree: ast.Module) -> list[ast.expr]:
    """What `pytestmark = …` gives to every test of a module, one mark or a list."""
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["pytestmark"]
    ]
    return [mark for value in values for mark in (value.elts if isinstance(value, ast.List) else [value])]


def keeps_from_running(mark: ast.expr) -> bool:
    """Whether it skips always, expects a failure always, or leaves the test to the slow tier."""
    name = ast.unparse(mark.func if isinstance(mark, ast.Call) else mark)
    given = mark.args if isinstance(mark, ast.Call) else []
    if name == "pytest.mark.skipif":
        return isinstance(given[0], ast.Constant) and bool(given[0].value)
    return name in ("pytest.mark.skip", "pytest.mark.slow") or (name == "pytest.mark.xfail" and not given)


def begins_with_skip(test: Function) -> bool:
    return any(ast.unparse(line).startswith(("pytest.skip(", "pytest.xfail(")) for line in test.body)


def named_files(row: Row) -> list[str]:
    """The files and folders of the repository that a row points to."""
    tops = {path.name for path in ROOT.iterdir()} | {"deploy", "islands"}
    return [code for code in re.findall(r"`([\w./-]+)`", row.here) if code.partition("/")[0] in tops]


# -- the tests ------------------------------------------------------------------------------------------------------


def test_every_item_of_the_seed_has_its_row() -> None:
    assert {title: [row.item for row in rows] for title, rows in ROWS.items()} == seed_items()


def test_every_row_names_a_test_or_an_item_of_the_roadmap() -> None:
    assert [row.item for row in ALL_ROWS if bool(row.tests) == bool(row.next)] == []


def test_every_test_that_is_named_is_there_and_runs() -> None:
    known, idle = never_run(sources_of_tests())

    assert named_tests(PAGE) - known == set()
    assert named_tests(PAGE) & idle == set()


def test_what_is_to_come_is_on_the_roadmap() -> None:
    assert {row.next for row in ALL_ROWS if row.next} - planned() == set()


@pytest.mark.parametrize("row", [row for row in ALL_ROWS if named_files(row)], ids=lambda row: row.item)
def test_every_file_that_is_named_is_there(row: Row) -> None:
    absent = {"config.yaml", "handler_registry.yaml", "docs_site_build"}  # made when it runs or is built

    assert [name for name in named_files(row) if name not in absent and not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.skip\ndef test_it(): ...",
        "@pytest.mark.skip(reason='later')\nasync def test_it(): ...",
        "@pytest.mark.xfail(strict=True)\ndef test_it(): ...",
        "@pytest.mark.slow\ndef test_it(): ...",
        "@pytest.mark.skipif(True, reason='later')\ndef test_it(): ...",
        "pytestmark = pytest.mark.skip\ndef test_it(): ...",
        "pytestmark = [pytest.mark.timeout(9), pytest.mark.slow]\ndef test_it(): ...",
        "@pytest.mark.skip\nclass TestIt:\n    def test_it(self): ...",
        "def test_it():\n    pytest.skip('later')",
    ],
)
def test_a_test_that_never_runs_would_be_noticed(source: str) -> None:
    assert never_run([("test_some", source)]) == ({"test_some::test_it"}, {"test_some::test_it"})


@pytest.mark.parametrize(
    "source",
    [
        "def test_it(): ...",
        "@pytest.mark.skipif(shutil.which('curl') is None, reason='needs curl')\ndef test_it(): ...",
        "@pytest.mark.parametrize('one', [1, 2])\ndef test_it(one): ...",
        "def test_it():\n    if absent:\n        pytest.skip('needs it')",
    ],
)
def test_a_test_that_may_run_is_one_that_shows_something(source: str) -> None:
    assert never_run([("test_some", source)]) == ({"test_some::test_it"}, set())
