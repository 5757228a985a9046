"""A bar chart as SVG: how many times as fast as Flink and as DuckDB batch each query is, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.nexmark.child import Measured
from benchmarks.nexmark.report import times_flink

_LEFT, _TOP, _WIDTH, _BAR, _ROW = 56, 64, 560, 8, 24
_COLOURS = {"Flink": "#2563eb", "DuckDB batch": "#f59e0b"}
_STYLE = "font-family: system-ui, sans-serif; font-size: 12px"


def chart(measured: Sequence[Measured], events: int) -> str:
    """Two bars a query; the line at 1 is where both are equally fast."""
    ratios = [(each.query, times_flink(each), each.times_duckdb) for each in measured]
    known = [value for _, *values in ratios for value in values if value is not None]
    low = math.floor(math.log10(min([*known, 1.0])))
    high = math.ceil(math.log10(max([*known, 1.001])))

    def place(value: float) -> float:
        return _LEFT + (math.log10(value) - low) / (high - low) * _WIDTH

    bottom = _TOP + _ROW * len(ratios)
    parts = [_text(_LEFT, 20, f"Nexmark, {events:,} events in memory: streamsql's rows/s against"), *_legend()]
    for power in range(low, high + 1):
        parts += _line(place(10.0**power), bottom, f"{10.0**power:g}×", strong=power == 0)
    for index, (query, flink, duckdb) in enumerate(ratios):
        top = _TOP + _ROW * index + 4
        parts.append(_text(8, top + 12, query))
        parts += _bar(place(1.0), None if flink is None else place(flink), top, "Flink", flink)
        parts += _bar(place(1.0), None if duckdb is None else place(duckdb), top + _BAR, "DuckDB batch", duckdb)
    size = f'width="{_LEFT + _WIDTH + 40}" height="{bottom + 24}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{_STYLE}">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])


def _legend() -> list[str]:
    parts = []
    for index, (name, colour) in enumerate(_COLOURS.items()):
        left = _LEFT + 120 * index
        parts += [f'<rect x="{left}" y="30" width="12" height="12" fill="{colour}"/>', _text(left + 18, 40, name)]
    return parts


def _line(x: float, bottom: int, label: str, *, strong: bool) -> list[str]:
    colour = "#111827" if strong else "#e5e7eb"
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" stroke="{colour}"/>'
    return [line, _text(x - 8, bottom + 16, label)]


def _bar(one: float, end: float | None, top: int, name: str, value: float | None) -> list[str]:
    if end is None or value is None:
        return []
    left, width = min(one, end), max(abs(end - one), 1.0)
    title = f"<title>{escape(name)}: {value:.2f}×</title>"
    return [
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{_COLOURS[name]}">{title}</rect>'
    ]


def _text(x: float, y: int, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="#111827">{escape(text)}</text>'
