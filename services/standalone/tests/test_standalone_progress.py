"""How far something is: drawn over and over on a terminal, told once elsewhere."""

import io
import sys

import pytest

from schedulezero.standalone.progress import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown_on(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with Bar() as bar:
        for done in (0, 1_500, 3_000):
            bar.show("rows copied", done, 3_000)
        bar.show("rows checked", 2, 1)
    return stream.getvalue()


def test_on_a_terminal_a_bar_grows_and_stays_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    empty, half, full = "." * 30, "#" * 15 + "." * 15, "#" * 30

    assert shown_on(Terminal(), monkeypatch) == (
        f"\r[{empty}] rows copied: 0 of 3,000\r[{half}] rows copied: 1,500 of 3,000"
        f"\r[{full}] rows copied: 3,000 of 3,000\n\r[{full}] rows checked: 2 of 2\n"
    )


def test_elsewhere_each_thing_is_told_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_on(io.StringIO(), monkeypatch) == "rows copied: 3,000\nrows checked: 2\n"
