"""GROUP BY a SESSION window: one row per session and key when the session closes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema, arrow_type
from streamsql.expr.windows import Session
from streamsql.operators.base import OpenWindows, Operator
from streamsql.operators.emission import emission_order, window_batch
from streamsql.operators.lateness import Mask, times_of, watermarks_of
from streamsql.operators.session_cuts import SessionCuts
from streamsql.operators.session_lateness import late_for_sessions
from streamsql.operators.session_retraction import by_sign, take_back
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.kept_rows import KeptRows
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.progress import Progress
from streamsql.state.session_index import ClosedSessions, SessionIndex
from streamsql.state.slot_partials import SlotPartials
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Time, tick


class SessionAggregate(Operator):
    """Output: keys, calls, window_start, window_end, window_time; by (window_end, keys), append-only.

    `time`, `keys` and the calls hold positions in the input; without `event_time`, `time` holds processing time, the
    clock closes sessions and nothing is late. Rows are aggregated as they come, but kept as they are where they may be
    taken back, or someone listens for cuts.
    """

    def __init__(
        self,
        input_schema: Schema,
        window: Session,
        time: int,
        precision: int,
        keys: Sequence[int],
        calls: Sequence[AggregateCall],
        schema: Schema,
        append_only: bool,
        event_time: bool,
    ) -> None:
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._gap = window.gap
        self._time = time
        self._tick = tick(precision)
        self._keys = tuple(keys)
        self._append_only = append_only
        self._event_time = event_time
        key_types = [arrow_type(input_schema.columns[each].type) for each in keys]
        kept = [(each.name, each.type) for each in input_schema.to_arrow()]
        self._kept_schema = pa.schema([*kept, ("$arrival", pa.int64())])
        self._cuts = SessionCuts(key_types)
        self._algebra = PartialAggregates(input_schema, (), calls, append_only)
        self.sessions = SessionIndex(key_types, window.gap, self._tick)
        self.aggregates = SlotPartials(self._algebra)
        self.kept = KeptRows(self._kept_schema)
        self.progress = Progress()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        for part in by_sign(batch):
            watermarks = self._watermarks(part)
            if part.weights is None:
                self._add(part, watermarks)
            else:
                self._take_back(part, watermarks)
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        return self._advance(time) if self._event_time or time == END_OF_TIME else ()

    def on_clock(self, now: Time) -> Iterable[Batch]:
        return () if self._event_time else self._advance(now - self._tick)

    def open_windows(self) -> OpenWindows:
        """The sessions that have not closed."""
        starts, ends = self.sessions.open()
        return OpenWindows(starts, ends, self._tick)

    @property
    def _keeps_rows(self) -> bool:
        return not self._append_only or self.on_cut is not None

    def _watermarks(self, batch: Batch) -> Times:
        if not self._event_time:
            return np.full(len(batch), BEGIN_OF_TIME)
        return np.maximum.accumulate(watermarks_of(batch, self.progress.time))

    def _add(self, batch: Batch, watermarks: Times) -> None:
        times = times_of(batch.rows, self._time)
        assigned = self.sessions.assign([batch.rows.column(each) for each in self._keys], times, watermarks)
        member, ordinals = assigned.member, self.progress.number(len(batch))
        late = member < 0
        if late.any():
            self._report(batch, late, times, watermarks)
            batch, member, ordinals = batch.filter(~late), member[~late], ordinals[~late]
        if not len(batch):
            return
        if self._keeps_rows:
            rows = pa.RecordBatch.from_arrays([*batch.rows.columns, int64_array(ordinals)], schema=self._kept_schema)
            self.kept.add(assigned.slots[member], rows)
        else:
            partial = self._algebra.partial(batch.rows, None, [int64_array(member)], ordinals)
            self.aggregates.add(assigned.slots[partial.extra_values()], partial)

    def _take_back(self, batch: Batch, watermarks: Times) -> None:
        late = np.zeros(len(batch), np.bool_)
        for position, watermark in enumerate(watermarks.tolist()):
            row = batch.slice(position, 1)
            late[position] = not take_back(self.sessions, self.kept, row, self._keys, self._time, watermark)
        if late.any():
            self._report(batch, late, times_of(batch.rows, self._time), watermarks)

    def _report(self, batch: Batch, late: Mask, times: Times, watermarks: Times) -> None:
        if self.on_late is not None:
            self.on_late(late_for_sessions(batch, late, times, watermarks, self._gap))

    def _advance(self, time: Time) -> Iterator[Batch]:
        if self.progress.advance(time):
            closed = self.sessions.close(time)
            if closed is not None:
                yield self._emit(closed)

    def _emit(self, closed: ClosedSessions) -> Batch:
        owners, results = self._of_rows(closed) if self._keeps_rows else self._of_aggregates(closed)
        at = int64_array(owners)
        keys = [each.take(at) for each in closed.keys]
        starts, ends = closed.starts[owners], closed.ends[owners]
        closed_at = closed.closed_at[owners]
        overdue = bool((closed_at != ends - self._tick).any())
        order = emission_order([closed_at, ends] if overdue else [ends], keys)
        watermarks = closed.watermarks[owners]
        return window_batch(self._arrow_schema, keys + results, starts, ends, self._tick, order, watermarks)

    def _of_aggregates(self, closed: ClosedSessions) -> tuple[Int64Array, list[pa.Array]]:
        """Results, each with the position of its session in `closed`."""
        parts = self.aggregates.take(closed.slots)
        partial = Partial(parts.size, 1, (int64_array(closed.owner),), parts.columns, parts.collections)
        if len(closed.slots) > len(closed.starts):
            partial = self._algebra.merge([partial, self._algebra.empty(extra=1)], keep_extra=True)
        keys, results = self._algebra.finish(partial)
        return values_of(keys[0]), results

    def _of_rows(self, closed: ClosedSessions) -> tuple[Int64Array, list[pa.Array]]:
        place, rows = self.kept.take(closed.slots)
        ordinals = values_of(rows.column(rows.num_columns - 1))
        order = np.argsort(ordinals)
        owners, ordinals, rows = closed.owner[place[order]], ordinals[order], rows.take(int64_array(order))
        if self.on_cut is not None:
            cut = self._cuts.cut(closed, owners, rows.select(range(rows.num_columns - 1)))
            if cut is not None:
                self.on_cut(cut)
        keys, results = self._algebra.finish(self._algebra.partial(rows, None, [int64_array(owners)], ordinals))
        return values_of(keys[0]), results
