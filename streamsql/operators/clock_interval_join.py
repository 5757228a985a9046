"""ClockIntervalJoin: the interval join of processing times, whose rows are forgotten by the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from streamsql.batch import Batch
from streamsql.operators.interval_join import IntervalJoin
from streamsql.time import END_OF_TIME, MILLISECOND, Time, floor_to


class ClockIntervalJoin(IntervalJoin):
    """As IntervalJoin, with the clock for the watermark: after a step at `now` rows of earlier milliseconds are over.

    A row that waited longer than that for its step meets what is still there. The end of the inputs ends time.
    """

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        return super().on_batch(replace(batch, watermarks=None), port)

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        return super().on_watermark(time) if time == END_OF_TIME else ()

    def on_clock(self, now: Time) -> Iterable[Batch]:
        return super().on_watermark(max(self._risen, floor_to(now, MILLISECOND) - 1))
