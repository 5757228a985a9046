"""Whether answers are those of a real Flink, over the same CSV files."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from streamsql_connectors.nexmark_events import NexmarkSettings

from benchmarks.nexmark.check import STREAMS, Checked
from benchmarks.nexmark.csv_tables import declarations, script, write_tables
from benchmarks.nexmark.data import generate
from benchmarks.nexmark.flink import REFUSED
from benchmarks.nexmark.queries import FOLDER, Query
from streamsql.session import connect

_NOT_COMPARED = (*REFUSED, "q10", "q12")
"""q10 has no result of its own, that of q12 depends on the time of day."""
_KEYS: dict[str, list[int]] = {"q9": [0], "q19": [0, 7]}
_EVERY_ROW = "'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event'"
_Row = tuple[str | None, ...]


def check_with_flink(queries: Sequence[Query], events: int, seed: int, python: str) -> Iterator[Checked]:
    """At 500 events a second of event time, in order, disordered and late; `python` has PyFlink."""
    for stream, disorder in STREAMS.items():
        settings = NexmarkSettings(seed=seed, events=events, rate=500, **disorder)  # type: ignore[arg-type]
        for query in (each for each in queries if each.name not in _NOT_COMPARED):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_tables(generate(settings, query.reads), folder)
                text = ";\n".join([*declarations(query, folder), *script(query, folder, "queries")])
                table = connect().sql(text).to_arrow()
                theirs = _flink(query, folder, python)
            problem = _problem(query, table, theirs)
            yield Checked(query.name, stream, events, "Flink", table.num_rows, problem)


def _flink(query: Query, folder: Path, python: str) -> list[list[str | None]]:
    tables = [each.replace("'format' = 'csv'", _EVERY_ROW) for each in declarations(query, folder)]
    asked = {"answer": [*tables, *script(query, folder, "flink")], "key": _KEYS.get(query.name)}
    command = [python, str(FOLDER / "flink_runner.py"), json.dumps(asked)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows: list[list[str | None]] = json.loads(output.splitlines()[-1])
    return rows


def _problem(query: Query, table: pa.Table, theirs: list[list[str | None]]) -> str | None:
    determined = query.determined or table.column_names
    places = [index for index, name in enumerate(table.column_names) if name in determined]
    columns = [table.column(index).to_pylist() for index in places]
    ours: Counter[_Row] = Counter(zip(*([_text(value) for value in each] for each in columns), strict=True))
    flink: Counter[_Row] = Counter(tuple(row[index] for index in places) for row in theirs)
    here, there = ours - flink, flink - ours
    if not here and not there:
        return None
    return (
        f"{here.total() + there.total():,} rows differ\n  only here: {list(here)[:3]}\n  only there: {list(there)[:3]}"
    )


def _text(value: Any) -> str | None:
    """As Python writes the value that PyFlink gives for it."""
    return str(value) if isinstance(value, (str, int, float, datetime, Decimal)) else None
