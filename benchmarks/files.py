"""Reading and writing files, beside DuckDB doing the same with its own readers and writers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.data import bids
from benchmarks.measure import Pair, measure, show
from streamsql.expr.types import Schema, from_arrow_schema
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest, TableOptions
from streamsql.time import ManualClock

_NAMES = 1_000
_BATCH_ROWS = 65_536
_COLUMNS = "{'auction': 'BIGINT', 'bidder': 'BIGINT', 'price': 'BIGINT', 'ts': 'TIMESTAMP', 'name': 'VARCHAR'}"


def run(rows: int) -> None:
    """Print a table for CSV."""
    names = pa.array([f"bidder {each}" for each in range(_NAMES)])
    data = bids(rows)
    data = data.append_column("name", names.take(pa.array(np.arange(rows) * 7919 % _NAMES)))
    with tempfile.TemporaryDirectory() as folder:
        show(f"CSV files of {rows:,} rows", list(_csv(Path(folder), data)))


def _csv(folder: Path, data: pa.Table) -> tuple[Pair, Pair]:
    ours, theirs = folder / "ours.csv", folder / "theirs.csv"
    read = f"SELECT * FROM read_csv('{ours}', header = true, columns = {_COLUMNS})"
    return (
        measure("write CSV", len(data), lambda: _write(ours, data), _in_duckdb(f"COPY data TO '{theirs}'", data)),
        measure("read CSV", len(data), lambda: _read(ours, data), _in_duckdb(read, data)),
    )


def _in_duckdb(sql: str, data: pa.Table) -> Callable[[], object]:
    def call() -> object:
        with duckdb.connect() as connection:
            connection.register("data", data)
            done = connection.sql(sql)
            return None if done is None else done.to_arrow_table()

    return call


def _options(path: Path, schema: Schema) -> TableOptions:
    return TableOptions("bids", schema, {"path": str(path)}, ManualClock(0))


def _write(path: Path, data: pa.Table) -> None:
    schema = from_arrow_schema(data.schema)
    sink = load_connector("filesystem").sink(_options(path, schema))
    sink.open(schema, changelog=False)
    for batch in data.to_batches(max_chunksize=_BATCH_ROWS):
        sink.write(batch, None)
    sink.commit()


def _read(path: Path, data: pa.Table) -> list[pa.RecordBatch]:
    source = load_connector("filesystem").source(_options(path, from_arrow_schema(data.schema)))
    return [each.rows for each in source.read(ReadRequest(tuple(data.schema.names), _BATCH_ROWS))]
