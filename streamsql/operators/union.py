"""UNION ALL: the rows of several inputs, in the order in which they arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, concat_batches
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator


class Union(Operator):
    """Merges the inputs of a step by (arrival, port, order within the port).

    Where some rows are not those of the step's sources, watermark before the row, source and number of arrival stand
    for the arrival. A step is a prefix of the arrival order, so merging step by step gives that order however the input
    is cut. Rows of one input keep their order. Batches wait for the end of the step, where all ports are in; operators
    further down see them before that step's watermark. Inputs without per-row watermarks are merged by source and
    number alone.

    `sources`: for each port the number of the source that its rows come from. `numbered`: the last column of the input
    is a row's number of arrival in its source, and is dropped: it tells apart rows of one source on several ports.
    """

    needs_arrivals = True

    def __init__(self, schema: Schema, sources: Sequence[int], *, numbered: bool = False) -> None:
        self.schema = schema
        self._sources = np.array(sources, np.int64)
        self._numbered = numbered
        self._arrow_schema = schema.to_arrow()
        self._waiting: list[tuple[int, Batch]] = []

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        self._waiting.append((port, batch))
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        waiting, self._waiting = sorted(self._waiting, key=lambda each: each[0]), []
        if not waiting:
            return ()
        merged = concat_batches([self._renamed(batch) for _, batch in waiting])
        if len({port for port, _ in waiting}) > 1:
            merged = self._in_order(waiting, merged)
        return (self._without_number(merged),)

    def _renamed(self, batch: Batch) -> Batch:
        """Under the output's column names."""
        fields = list(self._arrow_schema)
        if self._numbered:
            fields.append(batch.rows.schema.field(len(fields)))
        return batch.with_rows(pa.RecordBatch.from_arrays(batch.rows.columns, schema=pa.schema(fields)))

    def _in_order(self, waiting: Sequence[tuple[int, Batch]], merged: Batch) -> Batch:
        if merged.arrivals is not None:
            return merged.take(np.argsort(merged.arrivals, kind="stable"))
        lengths = [len(batch) for _, batch in waiting]
        ports = np.repeat([port for port, _ in waiting], lengths)
        keys = [ports]
        if self._numbered:
            keys.append(merged.rows.column(len(self._arrow_schema)).to_numpy())
        keys.append(self._sources[ports])
        if merged.watermarks is not None:
            keys.append(merged.watermarks.values)
        order = np.lexsort(keys)
        return merged if bool((order[1:] > order[:-1]).all()) else merged.take(order)

    def _without_number(self, batch: Batch) -> Batch:
        if not self._numbered:
            return batch
        return batch.with_rows(batch.rows.select(list(range(len(self._arrow_schema)))))
