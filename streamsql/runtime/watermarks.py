"""Watermarks: of each row of a source, and of several inputs together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from streamsql.batch import Times
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Time


class TimedInput(Protocol):
    """What a task sees of an input's time: of a source or of another task."""

    @property
    def watermark(self) -> Time: ...

    @property
    def idle(self) -> bool: ...


def watermarks_before(values: Times, so_far: Time) -> tuple[Times, Time]:
    """The watermark before each row and the one after the last: the largest of `values` in rows before it.

    `values` is the watermark expression row by row, BEGIN_OF_TIME where it is NULL; `so_far`: of earlier batches.

    >>> before, after = watermarks_before(np.array([5, 3, 9]), 4)
    >>> before.tolist(), after
    ([4, 5, 5], 9)
    """
    seen = np.empty(len(values) + 1, np.int64)
    seen[0] = so_far
    seen[1:] = values
    if not bool((seen[1:] >= seen[:-1]).all()):
        np.maximum.accumulate(seen, out=seen)
    return seen[:-1], int(seen[-1])


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


def beginning(rows: int) -> Times:
    """The watermarks of rows that no watermark precedes."""
    return np.full(rows, BEGIN_OF_TIME, np.int64)
