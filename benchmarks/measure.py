"""Timing two engines in turn, and tables of what came out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

RUNS = 5
KERNELS_READY = {"streamsql.compiled": "on" if find_spec("numba") else "off"}
"""By these a session waits for compiled kernels before its first job, so that none is loaded while a clock runs."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of both sides, run by run, and the rows that each run read."""

    name: str
    rows: int
    ours: list[float]
    theirs: list[float]
    wanted: float | None = None

    @property
    def rate(self) -> float:
        """Our rows a second, of the median run."""
        return self.rows / statistics.median(self.ours)

    @property
    def ratio(self) -> float:
        """How many times as fast as the other side: the median over the pairs."""
        return statistics.median(b / a for a, b in zip(self.ours, self.theirs, strict=True))


def seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def measure(
    name: str, rows: int, ours: Callable[[], object], theirs: Callable[[], object], wanted: float | None = None
) -> Pair:
    """One warm-up of each, then RUNS pairs in turn. `wanted`: rows a second to reach."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(RUNS)]
    return Pair(name, rows, [a for a, _ in pairs], [b for _, b in pairs], wanted)


def show(title: str, pairs: list[Pair]) -> None:
    """A Markdown table: million rows a second, what was wanted, and the ratio to DuckDB."""
    print(f"\n### {title}\n\n| query | M rows/s | wanted | times DuckDB batch |\n|---|---|---|---|")
    for each in pairs:
        wanted = "" if each.wanted is None else f"{each.wanted / 1e6:.2f}"
        print(f"| {each.name} | {each.rate / 1e6:.2f} | {wanted} | {each.ratio:.2f} |")
