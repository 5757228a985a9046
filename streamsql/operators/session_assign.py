"""A SESSION window without an aggregate: rows with the bounds of their session, once that has closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema, arrow_type
from streamsql.expr.windows import Session
from streamsql.operators.base import Operator
from streamsql.operators.emission import bound_columns, emission_order
from streamsql.operators.lateness import times_of, watermarks_of
from streamsql.operators.session_lateness import late_for_sessions
from streamsql.state.fixed_width import int64_array
from streamsql.state.kept_rows import KeptRows
from streamsql.state.progress import Progress
from streamsql.state.session_index import ClosedSessions, SessionIndex
from streamsql.time import Time, tick


class SessionAssign(Operator):
    """Output: the input's columns, window_start, window_end, window_time; by (window_end, partition, arrival).

    `time` and `partition` are positions in the append-only input. A row whose session has closed is late.
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
        self.kept = KeptRows(input_schema.to_arrow())
        self.progress = Progress()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if not len(batch):
            return ()
        times = times_of(batch.rows, self._time)
        watermarks = np.maximum.accumulate(watermarks_of(batch, self.progress.time))
        assigned = self.sessions.assign([batch.rows.column(each) for each in self._partition], times, watermarks)
        late = assigned.member < 0
        member = assigned.member
        if late.any():
            if self.on_late is not None:
                self.on_late(late_for_sessions(batch, late, times, watermarks, self._gap))
            batch, member = batch.filter(~late), member[~late]
        self.kept.add(assigned.slots[member], batch.rows)
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        if self.progress.advance(time):
            closed = self.sessions.close(time)
            if closed is not None:
                yield from self._emit(closed)

    def _emit(self, closed: ClosedSessions) -> Iterator[Batch]:
        place, rows = self.kept.take(closed.slots)
        owner = closed.owner[place]
        rank = np.empty(len(closed.ends), np.int64)
        rank[emission_order([closed.ends], closed.keys)] = np.arange(len(rank))
        order = np.argsort(rank[owner], kind="stable")
        owner = owner[order]
        bounds = bound_columns(self._arrow_schema, closed.starts[owner], closed.ends[owner], self._tick)
        columns = [*rows.take(int64_array(order)).columns, *bounds]
        watermarks = closed.ends[owner] - self._tick - 1
        yield Batch(pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema), None, watermarks)
