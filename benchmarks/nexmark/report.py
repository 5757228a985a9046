"""What was measured, as a Markdown table and as JSON."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.nexmark.child import Measured, Request
from benchmarks.nexmark.queries import FLINK_SETTING, QUERIES

_MB = 1_000_000
_HEAD = (
    "| query | M rows/s | M rows/CPU s | CPU s | peak MB | of it input | state rows | state MB | × DuckDB batch "
    "| × Flink |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table(measured: Sequence[Measured]) -> str:
    """Markdown: a line for each query, and the geometric means."""
    ratios = [each.times_duckdb for each in measured if each.times_duckdb is not None]
    flink = [ratio for each in measured if (ratio := times_flink(each)) is not None]
    mean = f"| geometric mean | {_mean(each.rate / 1e6 for each in measured)} | "
    mean += f"{_mean(each.cpu_rate / 1e6 for each in measured)} | | | | | | {_mean(ratios)} | {_mean(flink)} |"
    lines = [_line(each) for each in measured]
    return "\n".join([_HEAD, *lines, mean, "", f"× Flink: against {FLINK_SETTING}"])


def times_flink(measured: Measured) -> float | None:
    """How many times Flink's rows a second, where there is a figure."""
    flink = QUERIES[measured.query].flink
    return None if flink is None else measured.rate / flink


def _line(measured: Measured) -> str:
    state = measured.state
    cells = (
        measured.query,
        f"{measured.rate / 1e6:.2f}",
        f"{measured.cpu_rate / 1e6:.2f}",
        f"{statistics.median(measured.cpu_seconds):.2f}",
        f"{measured.peak_bytes / _MB:.0f}",
        f"{measured.input_bytes / _MB:.0f}",
        f"{state.state_rows:,}",
        f"{state.state_bytes / _MB:.1f}",
        _ratio(measured.times_duckdb),
        _ratio(times_flink(measured)),
    )
    return f"| {' | '.join(cells)} |"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _mean(values: Iterable[float]) -> str:
    found = list(values)
    return _ratio(statistics.geometric_mean(found)) if found else ""


def to_json(measured: Sequence[Measured], path: Path, request: Request) -> None:
    """All that was measured, and where."""
    machine = {"machine": platform.machine(), "system": platform.platform(), "python": platform.python_version()}
    about = {**asdict(request), "flink": FLINK_SETTING}
    path.write_text(json.dumps({**machine, **about, "queries": [_as_json(each) for each in measured]}, indent=1))


def _as_json(measured: Measured) -> dict[str, Any]:
    ratios = {"times_duckdb": measured.times_duckdb, "times_flink": times_flink(measured)}
    return {**asdict(measured), "rows_per_second": measured.rate, **ratios}
