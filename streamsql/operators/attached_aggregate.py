"""GROUP BY the window columns that the rows have already: from a window TVF or from another window aggregate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from streamsql.batch import Batch, Times
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema
from streamsql.expr.windows import Attached
from streamsql.operators.base import LateRows
from streamsql.operators.emission import emission_order, window_batch
from streamsql.operators.lateness import Missed, times_of
from streamsql.operators.pane_aggregate import PaneAggregate
from streamsql.state.fixed_width import values_of
from streamsql.state.panes import ClosedWindows
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.row_groups import in_any_order
from streamsql.state.window_grid import window_grid
from streamsql.time import tick


class AttachedAggregate(PaneAggregate):
    """Output: keys, calls, window_start, window_end, window_time; by (window_end, window_start, keys), append-only.

    A window closes with its end; a row that comes after that is late. All positions are those of the input.
    """

    def __init__(
        self,
        input_schema: Schema,
        window: Attached,
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
        self._precision = precision
        self._start = window.start
        algebra = PartialAggregates(input_schema, [window.start, *keys], calls, append_only, in_any_order)
        super().__init__(window_grid(window, self._tick), algebra, window.end, time, event_time)

    @property
    def _tick(self) -> int:
        return tick(self._precision)

    def _not_closed(self, places: Times) -> Times:
        return places

    def _late(self, missed: Missed, batch: Batch) -> LateRows:
        late = super()._late(missed, batch)
        starts = times_of(late.rows, self._start)
        return replace(late, missed=np.stack([late.missed[:, 0], starts, late.missed[:, 2]], axis=1))

    def _emit(self, closed: ClosedWindows) -> Batch:
        start, *keys = closed.keys
        starts, ends = values_of(start), closed.windows
        order = emission_order([ends, starts], keys)
        return window_batch(self._arrow_schema, keys + closed.results, starts, ends, self._tick, order)
