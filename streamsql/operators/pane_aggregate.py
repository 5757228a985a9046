"""What all aggregates over windows of fixed bounds share: rows into panes, lateness, closing by watermark or clock."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np

from streamsql.batch import Batch, Times
from streamsql.operators.base import LateRows, OpenWindows, Operator
from streamsql.operators.lateness import Missed, judge, late_rows, times_of, watermarks_of
from streamsql.state.panes import ClosedWindows, add_to_panes, close_windows
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.partial_runs import PartialRuns
from streamsql.state.progress import Progress
from streamsql.state.window_grid import Numbers, WindowGrid
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Time


class PaneAggregate(Operator):
    """Aggregates rows by window and key, and emits each window when it closes.

    `place` is the column that puts a row into its windows, `time` the one that lateness is measured by. With
    `event_time` the watermark closes windows and rows can be late; without it the clock does and nothing is late.
    """

    def __init__(self, grid: WindowGrid, algebra: PartialAggregates, place: int, time: int, event_time: bool) -> None:
        self.panes = PartialRuns(algebra)
        self.progress = Progress()
        self._grid = grid
        self._place = place
        self._time = time
        self._event_time = event_time

    @property
    @abstractmethod
    def _tick(self) -> int:
        """The smallest step of the time column."""

    @abstractmethod
    def _emit(self, closed: ClosedWindows) -> Batch:
        """The output rows of closed windows, in order."""

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if not len(batch):
            return ()
        places = times_of(batch.rows, self._place)
        if self._event_time:
            self._add_in_event_time(batch, places)
        else:
            self._add(batch, *self._grid.panes(self._not_closed(places)))
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        return self._advance(time) if self._event_time or time == END_OF_TIME else ()

    def on_clock(self, now: Time) -> Iterable[Batch]:
        return () if self._event_time else self._advance(now - self._tick)

    def open_windows(self) -> OpenWindows:
        """The windows that have rows and have not closed."""
        panes = self.panes.numbers()
        bounds = zip(self._grid.first(panes).tolist(), self._grid.last(panes).tolist(), strict=True)
        around = [np.arange(first, last + 1) for first, last in bounds]
        windows = np.unique(np.concatenate([panes[:0], *around]))
        starts, ends = self._grid.bounds(windows[windows > self._grid.closed(self.progress.time)])
        return OpenWindows(starts, ends, self._tick)

    def _add_in_event_time(self, batch: Batch, places: Times) -> None:
        judged = judge(self._grid, places, watermarks_of(batch, self.progress.time))
        if judged.late is not None and self.on_late is not None:
            self.on_late(self._late(judged.late, batch))
        self._add(batch, judged.panes, judged.dropped)

    def _late(self, missed: Missed, batch: Batch) -> LateRows:
        return late_rows(self._grid, missed, batch, times_of(batch.rows, self._time))

    def _not_closed(self, places: Times) -> Times:
        # A clock that was set back must not reopen windows.
        reached = self.progress.time
        return places if reached == BEGIN_OF_TIME else np.maximum(places, reached + self._tick)

    def _add(self, batch: Batch, panes: Numbers, dropped: Numbers | None) -> None:
        ordinals = self.progress.number(len(batch)) if self.panes.algebra.needs_ordinals else None
        if dropped is None or len(dropped) < len(batch):
            add_to_panes(self.panes, batch, panes, dropped, ordinals)

    def _advance(self, time: Time) -> Iterator[Batch]:
        after = self._grid.closed(self.progress.time)
        if self.progress.advance(time):
            for closed in close_windows(self.panes, self._grid, after, self._grid.closed(time)):
                if len(closed.windows):
                    yield self._emit(closed)
