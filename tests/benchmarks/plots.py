"""Results as pictures: horizontal bars, in SVG, legible on light and on dark."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _LABELS, _VALUES = 760, 250, 110
_ROW, _BAR = 26, 16
_OURS, _OTHERS, _TEXT, _GOAL = "#6366f1", "#94a3b8", "#64748b", "#dc2626"


class Bar(NamedTuple):
    """One bar: least, median and greatest of its runs."""

    label: str
    low: float
    median: float
    high: float
    is_ours: bool


def bars(title: str, unit: str, values: Sequence[Bar], goal: float | None = None) -> str:
    """Return an SVG of bars in the order given, whiskers from the least to the greatest run, and a line at `goal`."""
    most = max([*(bar.high for bar in values), goal or 0.0]) or 1.0
    height = 34 + _ROW * len(values) + (18 if goal is not None else 0)
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="13" fill="{_TEXT}">\n',
            f"<title>{escape(title)}</title>\n",
            f'<text x="0" y="15" font-weight="600">{escape(title)}, {escape(unit)}</text>\n',
            *(_row(bar, 28 + _ROW * row, most) for row, bar in enumerate(values)),
            "" if goal is None else _line(goal, height, most),
            "</svg>\n",
        )
    )


def _row(bar: Bar, top: int, most: float) -> str:
    middle, right = top + _BAR / 2, _at(bar.median, most)
    colour = _OURS if bar.is_ours else _OTHERS
    return (
        f'<text x="{_LABELS - 8}" y="{middle + 4:g}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect x="{_LABELS}" y="{top}" width="{right - _LABELS:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>'
        f'<path d="M{_at(bar.low, most):.1f} {middle:g}H{_at(bar.high, most):.1f}" stroke="{_TEXT}"/>'
        f'<text x="{_at(bar.high, most) + 6:.1f}" y="{middle + 4:g}">{_shown(bar.median)}</text>\n'
    )


def _line(goal: float, height: int, most: float) -> str:
    x = _at(goal, most)
    return (
        f'<path d="M{x:.1f} 24V{height - 16}" stroke="{_GOAL}" stroke-dasharray="4 3"/>'
        f'<text x="{x:.1f}" y="{height - 4}" text-anchor="middle" fill="{_GOAL}">to reach {_shown(goal)}</text>\n'
    )


def _at(value: float, most: float) -> float:
    return _LABELS + (_WIDTH - _LABELS - _VALUES) * value / most


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
