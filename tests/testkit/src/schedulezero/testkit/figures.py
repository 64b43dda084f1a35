"""What a test run ends with besides its verdict: how much was played, met and looked at.

Figures travel in the reports of their tests, so that they are shown too where several workers share the tests.
"""

from collections.abc import Callable, Iterable, Iterator

import pytest

_PROPERTY = "figure"
Figure = Callable[..., None]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Tell a figure: words with a `{}` for each number. Numbers of the same words, of several tests, are added up."""

    def tell(words: str, *numbers: int) -> None:
        record_property(_PROPERTY, [words, *numbers])

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in sorted(_lines(terminalreporter.stats.get("passed", ()))):
        terminalreporter.write_line(line)


def _lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    sums: dict[str, list[int]] = {}
    for words, numbers in _told(reports):
        so_far = sums.setdefault(words, [0] * len(numbers))
        sums[words] = [one + another for one, another in zip(so_far, numbers, strict=True)]
    for words, total in sums.items():
        yield words.format(*(f"{number:,}" for number in total))


def _told(reports: Iterable[pytest.TestReport]) -> Iterator[tuple[str, list[int]]]:
    for report in reports:
        for name, value in report.user_properties:
            if name == _PROPERTY and isinstance(value, list):
                yield value[0], value[1:]
