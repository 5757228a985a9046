"""A SESSION window without an aggregate: rows with the bounds of their session, once that has closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.types import Schema, arrow_type
from streamsql.expr.windows import Session
from streamsql.operators.base import Operator
from streamsql.operators.emission import bound_columns, emission_order
from streamsql.operators.lateness import Mask, times_of, watermarks_of
from streamsql.operators.session_cuts import SessionCuts
from streamsql.operators.session_lateness import late_for_sessions
from streamsql.operators.session_retraction import by_sign, take_back
from streamsql.state.fixed_width import int64_array, values_of
from streamsql.state.kept_rows import KeptRows
from streamsql.state.progress import Progress
from streamsql.state.session_index import ClosedSessions, SessionIndex
from streamsql.time import Time, tick


class SessionAssign(Operator):
    """Output: the input's columns, window_start, window_end, window_time; by (window_end, partition, arrival).

    `time` and `partition` are positions in the input. A row whose session has closed is late.
    """

    def __init__(
        self, input_schema: Schema, window: Session, time: int, precision: int, partition: Sequence[int], schema: Schema
    ) -> None:
        self.schema = schema
        self._gap = window.gap
        self._time = time
        self._tick = tick(precision)
        self._partition = tuple(partition)
        self._arrow_schema = schema.to_arrow()
        key_types = [arrow_type(input_schema.columns[each].type) for each in partition]
        self.sessions = SessionIndex(key_types, window.gap, self._tick)
        self._cuts = SessionCuts(key_types)
        kept = [(each.name, each.type) for each in input_schema.to_arrow()]
        self._kept_schema = pa.schema([*kept, ("$arrival", pa.int64())])
        self.kept = KeptRows(self._kept_schema)
        self.progress = Progress()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        for part in by_sign(batch):
            watermarks = np.maximum.accumulate(watermarks_of(part, self.progress.time))
            if part.weights is None:
                self._add(part, watermarks)
            else:
                self._take_back(part, watermarks)
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        if self.progress.advance(time):
            closed = self.sessions.close(time)
            if closed is not None:
                yield from self._emit(closed)

    def _add(self, batch: Batch, watermarks: Times) -> None:
        times = times_of(batch.rows, self._time)
        assigned = self.sessions.assign([batch.rows.column(each) for each in self._partition], times, watermarks)
        member, arrivals = assigned.member, self.progress.number(len(batch))
        late = member < 0
        if late.any():
            self._report(batch, late, times, watermarks)
            batch, member, arrivals = batch.filter(~late), member[~late], arrivals[~late]
        rows = pa.RecordBatch.from_arrays([*batch.rows.columns, int64_array(arrivals)], schema=self._kept_schema)
        self.kept.add(assigned.slots[member], rows)

    def _take_back(self, batch: Batch, watermarks: Times) -> None:
        late = np.zeros(len(batch), np.bool_)
        for position, watermark in enumerate(watermarks.tolist()):
            row = batch.slice(position, 1)
            late[position] = not take_back(self.sessions, self.kept, row, self._partition, self._time, watermark)
        if late.any():
            self._report(batch, late, times_of(batch.rows, self._time), watermarks)

    def _report(self, batch: Batch, late: Mask, times: Times, watermarks: Times) -> None:
        if self.on_late is not None:
            self.on_late(late_for_sessions(batch, late, times, watermarks, self._gap))

    def _emit(self, closed: ClosedSessions) -> Iterator[Batch]:
        place, kept = self.kept.take(closed.slots)
        rows, arrivals = kept.select(range(kept.num_columns - 1)), values_of(kept.column(kept.num_columns - 1))
        owner = closed.owner[place]
        if self.on_cut is not None and (cut := self._cuts.cut(closed, owner, rows)) is not None:
            self.on_cut(cut)
        rank = np.empty(len(closed.ends), np.int64)
        rank[emission_order([closed.closed_at, closed.ends], closed.keys)] = np.arange(len(rank))
        order = np.lexsort((arrivals, rank[owner]))
        owner = owner[order]
        bounds = bound_columns(self._arrow_schema, closed.starts[owner], closed.ends[owner], self._tick)
        columns = [*rows.take(int64_array(order)).columns, *bounds]
        yield Batch(pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema), None, closed.watermarks[owner])
