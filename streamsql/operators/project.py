"""SELECT: the expressions of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator
from streamsql.operators.watermark_column import plain_rows

Kernel = Callable[[pa.RecordBatch], pa.Array]
RowsOf = Callable[[Batch], pa.RecordBatch]
"""What of a batch its expressions see."""


class Project(Operator):
    """One kernel for each column of the output; a kernel that hands out an input column copies nothing."""

    def __init__(self, schema: Schema, kernels: Sequence[Kernel], rows_of: RowsOf = plain_rows) -> None:
        self.schema = schema
        self._rows_of = rows_of
        self._kernels = tuple(kernels)
        self._arrow_schema = schema.to_arrow()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if not self._kernels:
            return (batch.with_rows(batch.rows.select([])),)
        rows = self._rows_of(batch)
        arrays = [kernel(rows) for kernel in self._kernels]
        return (batch.with_rows(pa.RecordBatch.from_arrays(arrays, schema=self._arrow_schema)),)
