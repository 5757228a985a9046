"""Whether queries are right: stream against batch, at several batch sizes, and against a query written for DuckDB."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from streamsql_connectors.nexmark_events import NexmarkSettings

from benchmarks.nexmark.data import Tables, generate, session_over
from benchmarks.nexmark.duck import batch
from benchmarks.nexmark.queries import Query
from benchmarks.nexmark.stream import run
from streamsql.batch_mode.difference import Difference, difference
from streamsql.batch_mode.report import render_comparison

STREAMS: dict[str, dict[str, float]] = {
    "in order": {},
    "disordered": {"disorder_share": 0.3},
    "late": {"disorder_share": 0.3, "late_share": 0.02},
}
"""What is not in order in a stream; disorder is less than the watermarks wait for, lateness is more."""

_DROPS_LATE_ROWS = ("q5", "q7", "q8", "q11")
_WRITES_FILES = "q10"
_NO_BATCH_FORM = ("q10", "q12")
"""For batch mode there is no time of processing, and what was written is read back."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One way in which a query was run; `problem` None: its answer was right."""

    query: str
    stream: str
    events: int
    how: str
    rows: int
    problem: str | None = None


def check(query: Query, stream: str, settings: NexmarkSettings, step_rows: Sequence[int]) -> Iterator[Checked]:
    """The answer in steps of the first size is compared with batch and with DuckDB's, the others with the first."""
    tables = generate(settings, query.reads)
    first = answer(query, tables, step_rows[0])

    def checked(how: str, problem: str | None) -> Checked:
        return Checked(query.name, stream, settings.events or 0, how, first.num_rows, problem)

    if query.name not in _NO_BATCH_FORM:
        compared = session_over(tables, step_rows=step_rows[0]).sql(query.sql).compare()
        yield checked("compare", None if compared.exit_code == 0 else render_comparison(compared))
    if stream != "late" or query.name not in _DROPS_LATE_ROWS:
        yield checked("DuckDB", _problem(_twins(query, first, twin(query, tables))))
    for size in step_rows[1:]:
        yield checked(f"steps of {size:,}", _problem(difference(answer(query, tables, size), first)))


def answer(query: Query, tables: Tables, step_rows: int) -> pa.Table:
    """The folded result of a stream run, or what it wrote to files."""
    session = session_over(tables, step_rows=step_rows)
    if query.name != _WRITES_FILES:
        return session.sql(query.sql).to_arrow()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        run(session, query.sql)
        return _written("bid_log")


def twin(query: Query, tables: Tables) -> pa.Table:
    """The answer of the query that was written for DuckDB."""
    if query.name != _WRITES_FILES:
        return batch(tables, query.duckdb)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        batch(tables, query.duckdb)
        return _written("duckdb_log")


def _written(folder: str) -> pa.Table:
    """The rows of partitioned CSV files, every column a text."""
    files = os.path.join(folder, "*", "*", "*.csv")
    columns = "auction, bidder, price, dateTime::TIMESTAMP AS dateTime, extra, dt, hm"
    with duckdb.connect() as connection:
        read = f"read_csv('{files}', hive_partitioning = true, hive_types_autocast = false, all_varchar = true)"
        return connection.sql(f"SELECT {columns} FROM {read}").to_arrow_table()


def _twins(query: Query, ours: pa.Table, theirs: pa.Table) -> Difference:
    """Of the columns that the query determines; theirs have our types."""
    theirs = theirs.cast(ours.schema)
    if query.determined is None:
        return difference(ours, theirs)
    columns = list(query.determined)
    return difference(ours.select(columns), theirs.select(columns))


def _problem(found: Difference) -> str | None:
    if not found.rows:
        return None
    here, there = found.stream_only.slice(0, 3).to_pylist(), found.batch_only.slice(0, 3).to_pylist()
    return f"{found.rows:,} rows differ\n  only here: {here}\n  only there: {there}"


def check_all(queries: Sequence[Query], events: int, seed: int) -> Iterator[Checked]:
    """In steps of 64K and of 1,000 rows over all events, and row by row over the first 20,000 at a slower pace."""
    for query in queries:
        for stream, disorder in STREAMS.items():
            many = NexmarkSettings(seed=seed, events=events, **disorder)  # type: ignore[arg-type]
            yield from check(query, stream, many, (65_536, 1_000))
            few = NexmarkSettings(seed=seed, events=min(events, 20_000), rate=500, **disorder)  # type: ignore[arg-type]
            yield from check(query, stream, few, (65_536, 1))
