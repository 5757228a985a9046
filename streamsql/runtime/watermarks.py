"""The watermark of several inputs together, and of rows that none precedes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from streamsql.row_watermarks import GivenWatermarks, RowWatermarks
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Time


class TimedInput(Protocol):
    """What a task sees of an input's time: of a source or of another task."""

    @property
    def watermark(self) -> Time: ...

    @property
    def idle(self) -> bool: ...


def merged_watermark(inputs: Iterable[TimedInput], current: Time) -> Time:
    """The smallest watermark of the inputs that are not idle, never less than `current`.

    END_OF_TIME only when all inputs have ended: an idle one may deliver again.
    """
    lowest, waiting = END_OF_TIME, False
    for each in inputs:
        if each.idle:
            waiting = True
        elif (watermark := each.watermark) < lowest:
            lowest = watermark
    if lowest < current or (waiting and lowest == END_OF_TIME):
        return current
    return lowest


def beginning(rows: int) -> RowWatermarks:
    """The watermarks of rows that no watermark precedes."""
    return GivenWatermarks(np.full(rows, BEGIN_OF_TIME, np.int64))
