"""GROUP BY a SESSION window: one row per session and key when the session closes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema
from streamsql.expr.windows import Session
from streamsql.operators.emission import emission_order, window_batch
from streamsql.operators.session_operator import SessionOperator
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.ordering import lexical_order
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.session_index import Assigned, ClosedSessions
from streamsql.state.slot_partials import SlotPartials
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Time


class SessionAggregate(SessionOperator):
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
        super().__init__(input_schema, window, time, precision, keys, schema)
        self._append_only = append_only
        self._event_time = event_time
        self._algebra = PartialAggregates(input_schema, (), calls, append_only)
        self.aggregates = SlotPartials(self._algebra)

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        return self._advance(time) if self._event_time or time == END_OF_TIME else ()

    def on_clock(self, now: Time) -> Iterable[Batch]:
        return () if self._event_time else self._advance(now - self._tick)

    @property
    def _keeps_rows(self) -> bool:
        return not self._append_only or self.on_cut is not None

    def _watermarks(self, batch: Batch) -> Times:
        return super()._watermarks(batch) if self._event_time else np.full(len(batch), BEGIN_OF_TIME)

    def _keep(self, batch: Batch, assigned: Assigned, member: Int64Array, arrivals: Int64Array) -> None:
        if self._keeps_rows:
            self._keep_rows(batch, assigned.slots[member], arrivals)
        else:
            partial = self._algebra.partial(batch.rows, None, [int64_array(member)], arrivals)
            self.aggregates.add(assigned.slots[partial.extra_values()], partial)

    def _emit(self, closed: ClosedSessions) -> Iterator[Batch]:
        owners, results = self._of_rows(closed) if self._keeps_rows else self._of_aggregates(closed)
        at = int64_array(owners)
        keys = [each.take(at) for each in closed.keys]
        starts, ends = closed.starts[owners], closed.ends[owners]
        closed_at = closed.closed_at[owners]
        overdue = bool((closed_at != ends - self._tick).any())
        order = emission_order([closed_at, ends] if overdue else [ends], keys)
        watermarks = closed.watermarks[owners]
        yield window_batch(self._arrow_schema, keys + results, starts, ends, self._tick, order, watermarks)

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
        order = lexical_order([ordinals])
        owners, ordinals, rows = closed.owner[place[order]], ordinals[order], rows.take(int64_array(order))
        self._report_cuts(closed, owners, rows.select(range(rows.num_columns - 1)))
        keys, results = self._algebra.finish(self._algebra.partial(rows, None, [int64_array(owners)], ordinals))
        return values_of(keys[0]), results
