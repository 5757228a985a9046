"""OVER in the order of time over rows that are only added: each row once, when time has come to it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema
from streamsql.expr.windows import Frame, SortKey
from streamsql.operators.base import LateRows, Operator
from streamsql.operators.lateness import times_of, watermarks_of
from streamsql.operators.over_history import OverHistory, Sorted
from streamsql.operators.over_lateness import Arrived, behind_their_key
from streamsql.operators.rank_output import codes_of, partitions_of
from streamsql.record import record
from streamsql.row_watermarks import GivenWatermarks, RowWatermarks
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, values_of
from streamsql.state.key_index import KeyIndex
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.ordering import lexical_order
from streamsql.state.progress import Progress
from streamsql.state.row_slots import RowSlots
from streamsql.time import Duration, Time


@record
class OverWindow:
    """What OVER says, by positions in the input.

    `time`: the first sort key, event time; None: rows go by arrival. `distance`: the column that a frame by values is
    measured in.
    """

    partition: tuple[int, ...]
    time: int | None
    distance: int | None
    order: tuple[SortKey, ...]
    frame: Frame
    calls: tuple[AggregateCall, ...]


class OverInTime(Operator):
    """Output: the input's columns, then one for each call, by the watermark that brought them out, time, arrival.

    With an unbounded frame a row at or before the watermark is late, with a bounded one a row that is not after the
    last one computed of its key. Without a time column, rows come out as they arrive. `ttl`: a partition none of whose
    rows waits is forgotten so long after its last row came or came out.
    """

    net_output = True

    def __init__(self, input_schema: Schema, window: OverWindow, schema: Schema, ttl: Duration | None = None) -> None:
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._window = window
        types = input_schema.to_arrow().types
        self._width = len(types)
        stored = [*types, pa.int64(), pa.int64(), pa.int64()]
        self._stored_schema = pa.schema([(f"c{i}", each) for i, each in enumerate(stored)])
        self.keys = KeyIndex([types[each] for each in window.partition] or [pa.int8()])
        self.waiting = RowSlots(self._stored_schema)
        """Rows whose time has not come, with owner, watermark and arrival."""
        self.history = OverHistory(input_schema, window.calls, window.frame, window.time, window.distance)
        self.progress = Progress()
        self._marks: list[Times] = []
        self.expires = ttl is not None
        self.lifetimes = Lifetimes(ttl) if ttl is not None else None

    def expire(self, now: Time) -> int:
        assert self.lifetimes is not None
        gone = self.lifetimes.expired(now)
        if not len(gone):
            return 0
        waiting = self._arrived(self.waiting.live_ids()).owners if self._window.time is not None else gone[:0]
        waits = np.isin(gone, waiting)
        self.lifetimes.touch(gone[waits])
        gone = gone[~waits]
        self.history.drop(gone)
        self.keys.free(gone)
        return len(gone)

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if not len(batch):
            return ()
        owners = partitions_of(self.keys, batch.rows, self._window.partition)
        of_rows = owners.ids[owners.of_rows]
        if self.lifetimes is not None:
            self.lifetimes.touch(owners.ids)
        arrivals = self.progress.number(len(batch))
        if self._window.time is None:
            return self._out(batch.rows, of_rows, arrivals, batch.watermarks)
        times = times_of(batch.rows, self._window.time)
        arrived = Arrived(of_rows, times, watermarks_of(batch, self.progress.time).values)
        self._marks.append(np.unique(arrived.watermarks))
        late = self._late(arrived)
        if late.any():
            at = late.nonzero()[0]
            if self.on_late is not None:
                self.on_late(_late_rows(batch.take(at), arrived.take(at)))
            kept = (~late).nonzero()[0]
            batch, arrived, arrivals = batch.take(kept), arrived.take(kept), arrivals[kept]
        hidden = (arrived.owners, arrived.watermarks, arrivals)
        columns = [*batch.rows.columns, *map(int64_array, hidden)]
        self.waiting.insert(pa.RecordBatch.from_arrays(columns, schema=self._stored_schema))
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        before = self.progress.time
        if not self.progress.advance(time) or self._window.time is None:
            return ()
        marks = np.unique(np.concatenate([*self._marks, np.array([time])]))
        marks, self._marks = marks[marks > before], []
        ids = self.waiting.live_ids()
        if not len(ids):
            return ()
        arrived = self._arrived(ids)
        # A row that was behind the watermark waits for its next rise.
        rise = np.searchsorted(marks, np.maximum(arrived.times, arrived.watermarks + 1))
        due = (rise < len(marks)).nonzero()[0]
        if not len(due):
            return ()
        arrivals = values_of(self.waiting.column(self._width + 2, ids[due]))
        order = due[lexical_order([rise[due], arrived.times[due], arrivals])]
        rows, arrived = self.waiting.take(ids[order]), arrived.take(order)
        self.waiting.remove(ids[order])
        arrivals = values_of(rows.column(self._width + 2))
        emitted_at = np.maximum(arrived.watermarks, arrived.times - 1)
        return self._out(rows.select(range(self._width)), arrived.owners, arrivals, GivenWatermarks(emitted_at))

    def _late(self, arrived: Arrived) -> BoolArray:
        if self.history.unbounded:
            return np.asarray(arrived.times <= arrived.watermarks)
        computed = self.history.last_times(arrived.owners)
        if not (arrived.times <= arrived.watermarks).any():
            return np.asarray(computed >= arrived.times)
        return behind_their_key(self._arrived(self.waiting.live_ids()), arrived, computed)

    def _arrived(self, ids: Int64Array) -> Arrived:
        """Waiting rows."""
        assert self._window.time is not None
        places = (self._width, self._window.time, self._width + 1)
        return Arrived(*(values_of(self.waiting.column(each, ids)) for each in places))

    def _out(
        self, rows: pa.RecordBatch, owners: Int64Array, arrivals: Int64Array, watermarks: RowWatermarks | None
    ) -> Iterable[Batch]:
        """Rows in the order in which they come out, computed in that of their keys."""
        codes = codes_of({key.column: rows.column(key.column) for key in self._window.order}, self._window.order)
        numbers, of_rows = np.unique(owners, return_inverse=True)
        if self.lifetimes is not None:
            self.lifetimes.touch(numbers)
        order = lexical_order([of_rows, *codes, arrivals])
        by_arrival = [arrivals[order]] if self._window.time is None else [each[order] for each in codes]
        sorted_rows = Sorted(rows.take(int64_array(order)), of_rows[order], numbers, by_arrival)
        results = self.history.compute(sorted_rows)
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        columns = [*rows.columns, *(each.take(int64_array(back)) for each in results)]
        return (Batch(pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema), None, watermarks),)


def _late_rows(batch: Batch, arrived: Arrived) -> LateRows:
    none = np.zeros(len(batch), np.int32)
    lateness = arrived.watermarks - arrived.times
    return LateRows(batch.rows, batch.weights, arrived.watermarks, lateness, none, np.zeros((0, 3), np.int64))
