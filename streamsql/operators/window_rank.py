"""ROW_NUMBER within a window: window Top-N and window deduplication."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import Attached, SortKey
from streamsql.operators.base import LateRows, Operator
from streamsql.operators.lateness import Missed, judge, late_rows, times_of, watermarks_of
from streamsql.operators.row_order import order_terms, sorted_positions
from streamsql.row_watermarks import GivenWatermarks
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.kept_rows import KeptRows
from streamsql.state.progress import Progress
from streamsql.state.retractions import never_added, surviving
from streamsql.state.window_grid import AttachedGrid
from streamsql.time import Time, tick


class WindowRank(Operator):
    """Output: the input's columns and, `with_rank`, the rank; by (window_end, window_start, partition, rank).

    Emits the ranks `first` to `last` of each window and partition when the window closes; a row that comes after that
    is late. Equal rows rank in order of arrival, or the later first where `later_first` (deduplication that keeps the
    last row by time). All positions are those of the input; lateness is measured by `time`, else by the window's time.
    """

    def __init__(
        self,
        input_schema: Schema,
        window: Attached,
        precision: int,
        partition: Sequence[int],
        order: Sequence[SortKey],
        first: int,
        last: int,
        with_rank: bool,
        schema: Schema,
        *,
        time: int | None = None,
        later_first: bool = False,
        append_only: bool = True,
    ) -> None:
        self.schema = schema
        self._input_schema = input_schema
        self._window = window
        self._tick = tick(precision)
        self._grid = AttachedGrid(self._tick)
        self._partition = tuple(partition)
        self._order = tuple(order)
        self._first, self._last = first, last
        self._with_rank = with_rank
        self._time = time
        self._later_first = later_first
        self._arrow_schema = schema.to_arrow()
        columns = [(each.name, each.type) for each in input_schema.to_arrow()]
        self._kept_schema = pa.schema([*columns, ("$arrival", pa.int64()), ("$weight", pa.int8())])
        self.kept = KeptRows(self._kept_schema, self._best if append_only else None)
        self.progress = Progress()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if not len(batch):
            return ()
        ends = times_of(batch.rows, self._window.end)
        judged = judge(self._grid, ends, watermarks_of(batch, self.progress.time))
        if judged.late is not None and self.on_late is not None:
            self.on_late(self._late(judged.late, batch))
        arrivals = self.progress.number(len(batch))
        if judged.dropped is not None:
            kept = np.delete(np.arange(len(batch)), judged.dropped)
            batch, ends, arrivals = batch.pick(kept), ends[kept], arrivals[kept]
        columns = [*batch.rows.columns, int64_array(arrivals), pa.array(batch.sign())]
        self.kept.add(ends, pa.RecordBatch.from_arrays(columns, schema=self._kept_schema))
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        if self.progress.advance(time):
            ends, rows = self.kept.take_up_to(self._grid.closed(time))
            if len(ends):
                yield from self._emit(rows)

    def _late(self, missed: Missed, batch: Batch) -> LateRows:
        ends = times_of(batch.rows, self._window.end)
        times = ends - self._tick if self._time is None else times_of(batch.rows, self._time)
        late = late_rows(self._grid, missed, batch, times)
        starts = times_of(late.rows, self._window.start)
        return replace(late, missed=np.stack([late.missed[:, 0], starts, late.missed[:, 2]], axis=1))

    def _best(self, ends: Int64Array, rows: pa.RecordBatch) -> Int64Array:
        order, rank = self._ranked(rows)
        return np.sort(order[rank <= self._last])

    def _emit(self, rows: pa.RecordBatch) -> Iterator[Batch]:
        weights = values_of(rows.column(rows.num_columns - 1))
        if bool((weights < 0).any()):
            rows = self._without_taken_back(rows, weights.astype(np.int64))
        order, rank = self._ranked(rows)
        chosen = (rank >= self._first) & (rank <= self._last)
        best = rows.take(int64_array(order[chosen]))
        if not best.num_rows:
            return
        columns = best.columns[:-2]
        if self._with_rank:
            columns.append(int64_array(rank[chosen]))
        ends = values_of(best.column(self._window.end))
        out = pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema)
        yield Batch(out, None, GivenWatermarks(ends - self._tick - 1))

    def _without_taken_back(self, rows: pa.RecordBatch, weights: Int64Array) -> pa.RecordBatch:
        columns = rows.columns[:-2]
        same, first = group_rows([normalize_key(each) for each in columns])
        kept = surviving(same, weights)
        if kept is None:
            worst = int(np.argmin(np.bincount(same, weights)))
            values = [each.slice(int(first[worst]), 1) for each in columns]
            raise never_added(self._input_schema, range(len(columns)), values)
        return rows.filter(pa.array(kept))

    def _ranked(self, rows: pa.RecordBatch) -> tuple[Int64Array, Int64Array]:
        """Positions by (window, partition, rank), and the rank at each."""
        within = [rows.column(each) for each in (self._window.end, self._window.start, *self._partition)]
        terms = [term for each in within for term in order_terms(each)]
        for key in self._order:
            values = rows.column(key.column)
            terms += order_terms(values, ascending=key.ascending, nulls_first=key.nulls_first)
        terms.append((rows.column(rows.num_columns - 2), "descending" if self._later_first else "ascending"))
        order = sorted_positions(terms)
        groups, _ = group_rows([normalize_key(each) for each in within])
        group = groups[order]
        begins = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        sizes = np.diff(np.append(begins, len(group)))
        return order, np.arange(len(group)) - np.repeat(begins, sizes) + 1
