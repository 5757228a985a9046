"""GROUP BY a TUMBLE, HOP or CUMULATE window: one row per window and key when the window closes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema
from streamsql.expr.windows import Cumulate, Hop, Tumble
from streamsql.operators.base import Operator
from streamsql.operators.emission import emission_order, window_batch
from streamsql.operators.lateness import judge, late_rows, times_of, watermarks_of
from streamsql.state.panes import ClosedWindows, add_to_panes, close_windows
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.partial_runs import PartialRuns
from streamsql.state.progress import Progress
from streamsql.state.window_grid import window_grid
from streamsql.time import END_OF_TIME, Time, tick


class WindowAggregate(Operator):
    """Output: keys, calls, window_start, window_end, window_time; by (window_end, keys), append-only.

    `time`, `keys` and the calls hold positions in the input. With `event_time` the watermark closes windows and rows
    can be late; without it `time` holds processing time, the clock closes them and nothing is late.
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
        self.panes = PartialRuns(PartialAggregates(input_schema, keys, calls, append_only))
        self.progress = Progress()
        self._tick = tick(precision)
        self._grid = window_grid(window, self._tick)
        self._time = time
        self._event_time = event_time

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        times = times_of(batch.rows, self._time)
        if self._event_time:
            self._add_event_time(batch, times)
        else:
            # A clock that was set back must not reopen windows.
            panes, inside = self._grid.panes(np.maximum(times, self._closed_until()))
            self._add(batch, panes, inside)
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        return self._advance(time) if self._event_time or time == END_OF_TIME else ()

    def on_clock(self, now: Time) -> Iterable[Batch]:
        return () if self._event_time else self._advance(now - self._tick)

    def _closed_until(self) -> Time:
        return self.progress.time + self._tick if self.progress.time < END_OF_TIME else END_OF_TIME

    def _add_event_time(self, batch: Batch, times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        watermarks = watermarks_of(batch, self.progress.time)
        judged = judge(self._grid, times, watermarks)
        if judged.behind is not None and self.on_late is not None:
            self.on_late(late_rows(self._grid, judged, batch, times, watermarks))
        self._add(batch, judged.panes, judged.kept)

    def _add(self, batch: Batch, panes: np.ndarray[tuple[int], np.dtype[np.int64]], kept: np.ndarray[tuple[int], np.dtype[np.bool_]] | None) -> None:
        ordinals = self.progress.number(len(batch))
        if kept is not None:
            batch, panes, ordinals = batch.filter(kept), panes[kept], ordinals[kept]
        if len(batch):
            add_to_panes(self.panes, batch.rows, panes, batch.weights, ordinals)

    def _advance(self, time: Time) -> Iterator[Batch]:
        after = self._grid.closed(self.progress.time)
        if self.progress.advance(time):
            for closed in close_windows(self.panes, self._grid, after, self._grid.closed(time)):
                yield self._emit(closed)

    def _emit(self, closed: ClosedWindows) -> Batch:
        starts, ends = self._grid.bounds(closed.windows)
        order = emission_order([closed.windows], closed.keys)
        return window_batch(self.schema, closed.keys + closed.results, starts, ends, self._tick, order)
