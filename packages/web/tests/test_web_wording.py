"""How pages say spans, durations and long texts."""

from datetime import UTC, datetime, timedelta

import pytest

from schedulezero.web.microsites import wording

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "now"),
        (0.4, "now"),
        (3, "in 3 s"),
        (-59, "59 s ago"),
        (60, "in 1 min"),
        (-3_599, "59 min ago"),
        (3_600, "in 1 h"),
        (86_400, "in 1 day"),
        (-200_000, "2 days ago"),
    ],
)
def test_a_moment_is_said_in_the_largest_unit(seconds: float, said: str) -> None:
    assert wording.relative(NOW + timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(None, ""), (0.25, "0.2 ms"), (12, "12 ms"), (999, "999 ms"), (3_400, "3.4 s"), (300_000, "5 min")],
)
def test_a_duration_is_said_shortly(milliseconds: float | None, said: str) -> None:
    assert wording.duration(milliseconds) == said


def test_a_long_text_is_cut_on_one_line() -> None:
    assert wording.shortened("a\n  b") == "a b"
    assert len(wording.shortened("x" * 1_000)) == 200


def test_a_status_is_escaped() -> None:
    assert "<b>" not in wording.mark("<b>")


def test_a_time_that_is_not_there_is_a_dash() -> None:
    assert wording.time_tag(None, NOW) == "<span>–</span>"
