"""A TUMBLE, HOP or CUMULATE window without an aggregate: each row once for each window it lies in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import Cumulate, Hop, Tumble
from streamsql.operators.base import Operator
from streamsql.operators.emission import bound_columns
from streamsql.operators.lateness import times_of
from streamsql.state.window_grid import Numbers, window_grid
from streamsql.time import tick

_OUTPUT_ROWS = 1 << 18


class WindowAssign(Operator):
    """Output: the input's columns, window_start, window_end, window_time; rows in order of arrival, each one's windows
    in ascending order. Nothing is late. `time` is a position in the input.
    """

    def __init__(
        self, input_schema: Schema, window: Tumble | Hop | Cumulate, time: int, precision: int, schema: Schema
    ) -> None:
        self.schema = schema
        self._time = time
        self._tick = tick(precision)
        self._grid = window_grid(window, self._tick)
        self._arrow_schema = schema.to_arrow()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        length = max(1, _OUTPUT_ROWS // self._grid.width)
        return self._assign_all(batch, length)

    def _assign_all(self, batch: Batch, length: int) -> Iterator[Batch]:
        for start in range(0, len(batch), length):
            yield self._assign(batch.slice(start, min(length, len(batch) - start)))

    def _assign(self, batch: Batch) -> Batch:
        panes, outside = self._grid.panes(times_of(batch.rows, self._time))
        if outside is not None:
            inside = np.delete(np.arange(len(batch)), outside)
            batch, panes = batch.pick(inside), panes[inside]
        at, windows = self._windows(panes)
        if at is not None:
            batch = batch.pick(at)
        bounds = bound_columns(self._arrow_schema, *self._grid.bounds(windows), self._tick)
        return batch.with_rows(pa.RecordBatch.from_arrays([*batch.rows.columns, *bounds], schema=self._arrow_schema))

    def _windows(self, panes: Numbers) -> tuple[Numbers | None, Numbers]:
        """Row numbers (None: each row once) and windows."""
        first = self._grid.first(panes)
        if self._grid.width == 1:
            return None, first
        counts = self._grid.last(panes) - first + 1
        at = np.repeat(np.arange(len(panes)), counts)
        return at, np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts) + first[at]
