"""GROUP BY a TUMBLE, HOP or CUMULATE window: one row per window and key when the window closes."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema
from streamsql.expr.windows import Cumulate, Hop, Tumble
from streamsql.operators.emission import emission_order, window_batch
from streamsql.operators.pane_aggregate import PaneAggregate
from streamsql.state.panes import ClosedWindows
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.row_groups import in_any_order
from streamsql.state.window_grid import window_grid
from streamsql.time import tick


class WindowAggregate(PaneAggregate):
    """Output: keys, calls, window_start, window_end, window_time; by (window_end, keys), append-only.

    `time`, `keys` and the calls hold positions in the input; without `event_time`, `time` holds processing time.
    """

    def __init__(
        self,
        input_schema: Schema,
        window: Tumble | Hop | Cumulate,
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
        algebra = PartialAggregates(input_schema, keys, calls, append_only, in_any_order)
        super().__init__(window_grid(window, self._tick), algebra, time, time, event_time)

    @property
    def _tick(self) -> int:
        return tick(self._precision)

    def _emit(self, closed: ClosedWindows) -> Batch:
        starts, ends = self._grid.bounds(closed.windows)
        order = emission_order([closed.windows], closed.keys)
        return window_batch(self._arrow_schema, closed.keys + closed.results, starts, ends, self._tick, order)
