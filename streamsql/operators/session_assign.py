"""A SESSION window without an aggregate: rows with the bounds of their session, once that has closed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.operators.emission import bound_columns, emission_order
from streamsql.operators.session_operator import SessionOperator
from streamsql.row_watermarks import GivenWatermarks
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.ordering import lexical_order
from streamsql.state.session_index import Assigned, ClosedSessions


class SessionAssign(SessionOperator):
    """Output: the input's columns, window_start, window_end, window_time; by (window_end, keys, arrival)."""

    def _keep(self, batch: Batch, assigned: Assigned, member: Int64Array, arrivals: Int64Array) -> None:
        self._keep_rows(batch, assigned.slots[member], arrivals)

    def _emit(self, closed: ClosedSessions) -> Iterator[Batch]:
        place, kept = self.kept.take(closed.slots)
        rows, arrivals = kept.select(range(kept.num_columns - 1)), values_of(kept.column(kept.num_columns - 1))
        owner = closed.owner[place]
        self._report_cuts(closed, owner, rows)
        rank = np.empty(len(closed.ends), np.int64)
        rank[emission_order([closed.closed_at, closed.ends], closed.keys)] = np.arange(len(rank))
        order = lexical_order([rank[owner], arrivals])
        owner = owner[order]
        bounds = bound_columns(self._arrow_schema, closed.starts[owner], closed.ends[owner], self._tick)
        columns = [*rows.take(int64_array(order)).columns, *bounds]
        out = pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema)
        yield Batch(out, None, GivenWatermarks(closed.watermarks[owner]))
