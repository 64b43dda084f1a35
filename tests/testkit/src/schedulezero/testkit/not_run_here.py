"""What a test run ends with: the tests that could not run on this machine, and what to install for them.

A test that needs something which is not there is skipped with a reason such as "needs PostgreSQL; install with
apt-get install postgresql". With CI=true nothing may be missing, so that the run fails.
"""

import os
from collections import Counter
from collections.abc import Iterable

import pytest

_IN_CI = os.environ.get("CI") == "true"


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _IN_CI and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped = _skipped(config)
    for reason, count in sorted(Counter(skipped).items()):
        terminalreporter.write_line(f"NOT RUN HERE: {count} of the tests: {reason}", yellow=True)
    if not skipped:
        terminalreporter.write_line("NOT RUN HERE: nothing")
    elif _IN_CI:
        terminalreporter.write_line("With CI=true every test has to run.", red=True)


def _skipped(config: pytest.Config) -> list[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports: Iterable[pytest.TestReport | pytest.CollectReport] = reporter.stats.get("skipped", ()) if reporter else ()
    return [_reason(report) for report in reports]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
