"""What a test run ends with: the tests that could not run on this machine, and what to install for them.

A test that needs something which is not there is skipped with a reason such as "needs PostgreSQL; install with
apt-get install postgresql". With CI=true nothing may be missing, so that the run fails.

A run of all tests fails too where one that shows a promise of the seed is not among them; see `shown_by`.
"""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from schedulezero.testkit.shown_by import named_tests

_IN_CI = os.environ.get("CI") == "true"
_PAGE = "docs_site/reference/from-the-seed.md"
_NOT_SHOWN = pytest.StashKey[list[str]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    _compare(session.config, [item.nodeid for item in session.items])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Every worker collects the same; who shares the tests out collects nothing itself."""
    _compare(node.config, ids)


def pytest_sessionfinish(session: pytest.Session) -> None:
    is_incomplete = session.config.stash.get(_NOT_SHOWN, None) or (_IN_CI and _skipped(session.config))
    if is_incomplete and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name in config.stash.get(_NOT_SHOWN, ()):
        terminalreporter.write_line(f"NOT SHOWN: {_PAGE} names {name}, which no run collects", red=True)
    skipped = _skipped(config)
    for reason, count in sorted(Counter(skipped).items()):
        terminalreporter.write_line(f"NOT RUN HERE: {count} of the tests: {reason}", yellow=True)
    if not skipped:
        terminalreporter.write_line("NOT RUN HERE: nothing")
    elif _IN_CI:
        terminalreporter.write_line("With CI=true every test has to run.", red=True)


def _compare(config: pytest.Config, ids: Iterable[str]) -> None:
    config.stash[_NOT_SHOWN] = sorted(_promised(config) - set(map(_name, ids)))


def _promised(config: pytest.Config) -> set[str]:
    """The tests that the page names, where all tests are to run."""
    page = config.rootpath / _PAGE
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
    return named_tests(page.read_text(encoding="utf-8")) if is_whole and page.is_file() else set()


def _name(nodeid: str) -> str:
    """`module::function` of a test: `tests/a/test_b.py::TestC::test_d[e]` is `test_b::test_d`."""
    path, *_, function = nodeid.partition("[")[0].split("::")
    return f"{path.rpartition('/')[2].removesuffix('.py')}::{function}"


def _skipped(config: pytest.Config) -> list[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports: Iterable[pytest.TestReport | pytest.CollectReport] = reporter.stats.get("skipped", ()) if reporter else ()
    return [_reason(report) for report in reports]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
