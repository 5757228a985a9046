"""What a run leaves to say: counts on stderr, late and rejected rows as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from streamsql.plugins import load_connector

from streamsql.expr.types import from_arrow_schema
from streamsql.ports import TableOptions
from streamsql.runtime.job import Job
from streamsql.time import SystemClock
from streamsql_repl.results import write_table


def summary(jobs: Sequence[Job], late_path: str | None, rejects_path: str | None) -> Iterator[str]:
    """Lines for stderr: what was left out, and where to read it."""
    for job in jobs:
        for operator, count in job.late.counts().items():
            where = f"written to {late_path}" if late_path else "see them with --late FILE"
            yield f"late: {count:,} rows dropped by {operator} ({where})"
        for table, count in job.rejects.counts().items():
            where = f"written to {rejects_path}" if rejects_path else "see them with --rejects FILE"
            yield f"rejected: {count:,} rows of {table} ({where})"


def late_tables(jobs: Sequence[Job]) -> list[pa.Table]:
    """The late rows of all jobs, each with the table or view that it belongs to as `_source`."""
    return [_with_source(name, job.late.to_table(name)) for job in jobs for name in job.late.tables()]


def reject_tables(jobs: Sequence[Job]) -> list[pa.Table]:
    """The rejected records of all jobs, each with its table as `_source`."""
    return [_with_source(name, job.rejects.to_table(name)) for job in jobs for name in job.rejects.tables()]


def _with_source(name: str, rows: pa.Table) -> pa.Table:
    return rows.add_column(0, "_source", pa.repeat(pa.scalar(name), rows.num_rows))


def write_lines(path: str, tables: Sequence[pa.Table]) -> None:
    """Rows as JSON lines; a column that a table lacks is NULL. The file is there even if it stays empty."""
    options = TableOptions(name=path, schema=None, options={"path": path, "format": "json"}, clock=SystemClock())
    sink = load_connector("filesystem").sink(options)
    rows = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
    write_table(rows, from_arrow_schema(rows.schema), sink)
