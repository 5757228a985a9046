"""Both engines end to end on the same CSV files in the same run: reading, parsing, the query, results thrown away."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamsql_connectors.nexmark_events import NexmarkSettings

from benchmarks.nexmark.csv_tables import declarations, script, write_tables
from benchmarks.nexmark.data import generate, rows_of
from benchmarks.nexmark.queries import FOLDER, Query

REFUSED = ("q6",)
"""What Flink does not run."""


@dataclass(frozen=True, slots=True)
class Side:
    """One engine's run: seconds of the job, processor seconds, most memory."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class BesideFlink:
    """A query in both engines; `flink` None where Flink refuses it."""

    query: str
    rows: int
    ours: Side
    flink: Side | None

    @property
    def times(self) -> float | None:
        """How many times as fast."""
        return None if self.flink is None else self.flink.seconds / self.ours.seconds


def beside_flink(
    queries: Sequence[Query], settings: NexmarkSettings, python: str, parallelism: int
) -> Iterator[BesideFlink]:
    """Run each query in streamsql, then in Flink, each time in a fresh process; `python` has PyFlink."""
    tables = generate(settings, sorted({name for query in queries for name in query.reads}))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(tables, folder)
        for query in queries:
            rows = rows_of({name: tables[name] for name in query.reads})
            ours = _run([sys.executable, "-m", "benchmarks.nexmark.csv_child"], query, folder / "ours", folder, {})
            command = [python, str(FOLDER / "flink_runner.py")]
            refused = query.name in REFUSED
            flink = None if refused else _run(command, query, folder / "flink", folder, {"parallelism": parallelism})
            yield BesideFlink(query.name, rows, ours, flink)


def _run(command: list[str], query: Query, written: Path, folder: Path, more: dict[str, Any]) -> Side:
    statements = [*declarations(query, folder), *script(query, written, "flink" if more else "queries")]
    request = json.dumps({"statements": statements, **more})
    output = subprocess.run([*command, request], check=True, stdout=subprocess.PIPE, text=True).stdout
    return Side(**json.loads(output.splitlines()[-1]))


def flink_table(measured: Iterable[BesideFlink]) -> Iterator[str]:
    """Lines of Markdown as they are measured: one for each query, and the geometric mean."""
    yield "| query | k rows/s | Flink k rows/s | times | CPU s | Flink CPU s | peak MB | Flink peak MB |"
    yield "|---" * 8 + "|"
    times = []
    for each in measured:
        theirs = each.flink
        if each.times is not None:
            times.append(each.times)
        cells = (
            each.query,
            f"{each.rows / each.ours.seconds / 1e3:.0f}",
            "refused" if theirs is None else f"{each.rows / theirs.seconds / 1e3:.0f}",
            "" if each.times is None else f"{each.times:.1f}",
            f"{each.ours.cpu_seconds:.2f}",
            "" if theirs is None else f"{theirs.cpu_seconds:.2f}",
            f"{each.ours.peak_bytes / 1e6:.0f}",
            "" if theirs is None else f"{theirs.peak_bytes / 1e6:.0f}",
        )
        yield f"| {' | '.join(cells)} |"
    mean = f"{statistics.geometric_mean(times):.1f}" if times else ""
    yield f"| geometric mean | | | {mean} | | | | |"
