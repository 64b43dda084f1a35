"""The page that says of each promise of the seed what became of it, and which tests show that.

A row is `| item | what it is here | shown by |`. The last cell names tests, `module::function` as code, or says
`next: ITEM`, an item of the roadmap.
"""

import re
from dataclasses import dataclass

_ROW = re.compile(r"^\| (?P<item>.+?) \| (?P<here>.*?) ?\| (?P<shown>.*) \|$")
_TEST = re.compile(r"`(\w+::\w+)`")
_NEXT = "next: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item of the seed: what it is here, the tests that show it, and what it waits for where it is not there."""

    item: str
    here: str
    tests: tuple[str, ...]
    next: str | None


def rows_by_section(page: str) -> dict[str, list[Row]]:
    """Return the rows of each table, by the heading above it."""
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0]: _rows(section) for section in sections}


def named_tests(page: str) -> set[str]:
    """Return every test that a row names."""
    return {test for rows in rows_by_section(page).values() for row in rows for test in row.tests}


def _rows(section: str) -> list[Row]:
    matches = filter(None, map(_ROW.match, section.splitlines()))
    return [_row(**match.groupdict()) for match in matches if match["item"] != "seed"]


def _row(item: str, here: str, shown: str) -> Row:
    waits = shown.removeprefix(_NEXT) if shown.startswith(_NEXT) else None
    return Row(item=item, here=here, tests=tuple(_TEST.findall(shown)), next=waits)
