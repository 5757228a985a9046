"""OVER in any order over rows that may be taken back: partitions that change are computed anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.operators.changed_partitions import ChangedPartitions, Members
from streamsql.operators.over_in_time import OverWindow
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array
from streamsql.state.frame_calls import FrameCalls, Placed, placed_result
from streamsql.state.frames import Layout, frame_bounds, stretches
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.ordering import lexical_order
from streamsql.time import Duration


class OverRows(ChangedPartitions):
    """Output: the input's columns, then one for each call; a row whose results change is taken back and added again."""

    def __init__(
        self,
        input_schema: Schema,
        window: OverWindow,
        ties: Sequence[int],
        schema: Schema,
        ttl: Duration | None = None,
    ) -> None:
        super().__init__(input_schema, window.partition, window.order, ties, schema, ttl)
        self._window = window
        self._calls = FrameCalls(input_schema, window.calls)

    def _changes(self, members: Members) -> Batch | None:
        old, new = (self._computed(members, copies) for copies in (members.old, members.new))
        return _differences(old, new, self._arrow_schema)

    def _computed(self, members: Members, copies: Int64Array) -> pa.RecordBatch:
        """All copies of the rows in order, with their results; before them the row's id and the number of the copy."""
        order, ids = members.order, members.ids
        at = np.repeat(order, copies[order])
        starts = np.cumsum(copies[order]) - copies[order]
        copy = np.arange(len(at)) - np.repeat(starts, copies[order])
        columns = [self.content.column(position, ids[at]) for position in range(len(self._input_schema))]
        rows = pa.RecordBatch.from_arrays(columns, schema=self._input_schema)
        results = self._results(rows, members.owners[at], [each[at] for each in members.codes])
        return pa.RecordBatch.from_arrays(
            [int64_array(ids[at]), int64_array(copy), *rows.columns, *results],
            names=[f"c{i}" for i in range(2 + len(self._arrow_schema))],
        )

    def _results(self, rows: pa.RecordBatch, of_rows: Int64Array, codes: list[Int64Array]) -> list[pa.Array]:
        layout = Layout.of(of_rows, codes)
        groups, keys, nulls = self._measured(of_rows, codes)
        bounds = frame_bounds(self._window.frame, layout, groups, keys, nulls)
        frames = stretches(self._window.frame, layout, *bounds)
        ordinals, found = np.arange(rows.num_rows), dict[int, pa.Array]()
        if self._calls.linear:
            columns = self._calls.accumulated(self._calls.columns(rows, ordinals), frames)
            found |= self._calls.results(columns, rows.num_rows)
        found |= self._calls.over_whole(rows, ordinals, frames)
        nothing = np.zeros(rows.num_rows, np.int64)
        for index in self._calls.placed:
            placed = Placed(layout, rows, nothing, nothing, frames)
            found[index] = placed_result(self._calls.calls[index], placed, ordinals)
        return [found[index] for index in range(len(self._calls.calls))]

    def _measured(
        self, of_rows: Int64Array, codes: list[Int64Array]
    ) -> tuple[Int64Array, Int64Array | None, BoolArray | None]:
        """Within what distances are measured, and by which sort key: rows where it is NULL are apart."""
        if self._window.distance is None:
            return of_rows, None, None
        if len(codes) == 1:
            return of_rows, codes[0], None
        null, values = codes
        apart = np.cumsum(np.append(0, (np.diff(of_rows) != 0) | (np.diff(null) != 0))) if len(null) else of_rows
        return apart, values, (null == 0) == self._window.order[0].nulls_first


def _differences(old: pa.RecordBatch, new: pa.RecordBatch, schema: pa.Schema) -> Batch | None:
    """Copies whose results are not what they were: taken back, and added right behind."""
    whole = pa.Table.from_batches([old, new]).combine_chunks().to_batches()
    if not whole:
        return None
    (rows,) = whole
    same, _ = group_rows([normalize_key(each) for each in rows.columns])
    is_new = np.arange(len(same)) >= old.num_rows
    at = (np.bincount(same)[same] == 1).nonzero()[0]
    if not len(at):
        return None
    row, _ = group_rows([each.take(int64_array(at)) for each in rows.columns[:2]])
    at = at[lexical_order([row, is_new[at].astype(np.int64)])]
    weights = np.where(is_new[at], 1, -1).astype(np.int8)
    changed = pa.RecordBatch.from_arrays(rows.take(int64_array(at)).columns[2:], schema=schema)
    return Batch(changed, weights if bool((weights < 0).any()) else None)
