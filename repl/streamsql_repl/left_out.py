"""What runs left out: late rows and rejected records, as counts on stderr and as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from streamsql_connectors.output_files import OutputFile, place_for
from streamsql_connectors.streams import STANDARD, codec_of, is_url

from streamsql.batch_job import BatchJob
from streamsql.errors import UsageError
from streamsql.expr.types import STRING, Column, Schema
from streamsql.operators.base import Expired
from streamsql.plugins import load_format
from streamsql.runtime.job import Job
from streamsql.runtime.rejects import REJECTS

Rows = tuple[Schema, pa.Table]
_SOURCE = Column("_source", STRING)


def summary(jobs: Sequence[Job | BatchJob], late_path: str | None, rejects_path: str | None) -> Iterator[str]:
    """Lines for stderr: what was left out, and where to read it."""
    for job in jobs:
        for operator, count in job.late.counts().items():
            yield f"late: {counted(count)} dropped by {operator} ({_where(late_path, '--late')})"
        for operator, expired in (job.expiry.counts if isinstance(job, Job) else {}).items():
            yield f"expired: {counted(expired.forgotten, 'entry', 'entries')} of state of {operator}{_ignored(expired)}"
        for table, count in job.rejects.counts().items():
            yield f"rejected: {counted(count)} of {table} ({_where(rejects_path, '--rejects')})"


def counted(number: int, one: str = "row", several: str = "rows") -> str:
    """
    >>> counted(1), counted(8588)
    ('1 row', '8,588 rows')
    """
    return f"{number:,} {one if number == 1 else several}"


def _ignored(expired: Expired) -> str:
    return f"; {counted(expired.ignored)} that took some of it back had no effect" if expired.ignored else ""


def _where(path: str | None, option: str) -> str:
    if path is None:
        return f"read them with {option} FILE"
    return f"written to {'stdout' if path == STANDARD else path}"


def late_rows(jobs: Sequence[Job | BatchJob]) -> list[Rows]:
    """The late rows of all jobs, each with the table or view that it belongs to as `_source`."""
    return [
        _with_source(name, job.late.schema(name), job.late.to_table(name)) for job in jobs for name in job.late.tables()
    ]


def rejected_rows(jobs: Sequence[Job | BatchJob]) -> list[Rows]:
    """The rejected records of all jobs, each with its table as `_source`."""
    return [_with_source(name, REJECTS, job.rejects.to_table(name)) for job in jobs for name in job.rejects.tables()]


def _with_source(name: str, schema: Schema, rows: pa.Table) -> Rows:
    if "_source" in schema.names:
        return schema, rows
    with_source = rows.add_column(0, "_source", pa.repeat(pa.scalar(name), rows.num_rows))
    return Schema((_SOURCE, *schema)), with_source


def refuse_unwritable(option: str, path: str | None) -> None:
    """UsageError before anything runs where a file could not be written when all is done."""
    if path is None or path == STANDARD or is_url(path):
        return
    if not Path(path).parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {Path(path).parent}")
    if Path(path).exists() and not Path(path).is_file():
        raise UsageError(f"{option} {path}: it is there and is no file")


def write_lines(path: str, tables: Sequence[Rows]) -> None:
    """Rows as JSON lines, each with the columns of its own table. The file is there even if it stays empty."""
    file = OutputFile(place_for(path), codec_of(path, None))
    try:
        for schema, rows in tables:
            writer = load_format("json").writer(schema, {}, file.stream, start=True)
            for batch in rows.to_batches():
                writer.write(batch)
            writer.finish()
        file.finish()
    except BaseException:
        file.discard()
        raise
    file.publish()
