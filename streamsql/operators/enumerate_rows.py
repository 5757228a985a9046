"""Numbering the rows of a source in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator
from streamsql.state.progress import Progress


class Enumerate(Operator):
    """Adds a BIGINT column that counts the rows from 0; the last column of `schema`."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.progress = Progress()
        self._arrow_schema = schema.to_arrow()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        numbers = pa.array(self.progress.number(len(batch)))
        rows = pa.RecordBatch.from_arrays([*batch.rows.columns, numbers], schema=self._arrow_schema)
        return (batch.with_rows(rows),)
