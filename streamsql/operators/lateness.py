"""Which rows come too late for which windows, by the watermark that held when each row arrived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.errors import DataError
from streamsql.operators.base import LateRows
from streamsql.state.fixed_width import values_of
from streamsql.state.window_grid import Numbers, WindowGrid
from streamsql.time import Time

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The pane of each row, and what lateness has done to it.

    `kept`: rows that lie in a window still open (None: all). `late`: positions of rows that missed a window (None:
    none); `first`, `last` and `closed` say which: the windows from `first` to the smaller of the other two.
    """

    panes: Numbers
    kept: Mask | None = None
    late: Numbers | None = None
    first: Numbers | None = None
    last: Numbers | None = None
    closed: Numbers | None = None


def times_of(rows: pa.RecordBatch, position: int) -> Times:
    """A time column in microseconds."""
    column = rows.column(position)
    if column.null_count:
        raise DataError(f"a time that a window goes by is NULL (column {rows.schema.names[position]})")
    return values_of(column)


def watermarks_of(batch: Batch, reached: Time) -> Times:
    """The watermark of each row; never behind what the operator has acted on already."""
    if batch.watermarks is None:
        return np.full(len(batch), reached)
    if len(batch) and int(batch.watermarks.min()) < reached:
        return np.maximum(batch.watermarks, reached)
    return batch.watermarks


def judge(grid: WindowGrid, times: Times, watermarks: Times) -> Judged:
    """Take each row out of the windows that its watermark has closed."""
    panes, inside = grid.panes(times)
    if not len(panes):
        return Judged(panes, inside)
    suspects = np.flatnonzero(panes < grid.beginning_after(grid.closed(int(watermarks.max()))))
    if inside is not None:
        suspects = suspects[inside[suspects]]
    if not len(suspects):
        return Judged(panes, inside)
    limit = grid.closed(grid.judging(watermarks[suspects], times[suspects]))
    first, last = grid.first(panes[suspects]), grid.last(panes[suspects])
    late = first <= limit
    if not late.any():
        return Judged(panes, inside)
    suspects, first, last, limit = suspects[late], first[late], last[late], limit[late]
    return _without_closed(grid, panes, inside, suspects, (first, last, limit))


def _without_closed(
    grid: WindowGrid, panes: Numbers, inside: Mask | None, late: Numbers, span: tuple[Numbers, Numbers, Numbers]
) -> Judged:
    first, last, closed = span
    lost = last <= closed
    partly = late[~lost]
    if len(partly):
        panes = panes.copy()
        panes[partly] = grid.starting_at(panes[partly], closed[~lost] + 1)
    kept = np.ones(len(panes), bool) if inside is None else inside.copy()
    kept[late[lost]] = False
    return Judged(panes, kept if inside is not None or lost.any() else None, late, first, last, closed)


def late_rows(grid: WindowGrid, judged: Judged, batch: Batch, times: Times, watermarks: Times) -> LateRows:
    """What a listener gets to know of the rows that missed windows; there must be some."""
    assert judged.late is not None
    first, last, closed = judged.first, judged.last, judged.closed
    assert first is not None and last is not None and closed is not None
    late = batch.take(judged.late)
    held = watermarks[judged.late]
    missed = np.minimum(last, closed) - first + 1
    row = np.repeat(np.arange(len(missed)), missed)
    windows = np.arange(len(row)) - np.repeat(np.cumsum(missed) - missed, missed) + first[row]
    starts, ends = grid.bounds(windows)
    triples = np.stack([row, starts, ends], axis=1)
    lateness = held - times[judged.late]
    return LateRows(late.rows, late.weights, held, lateness, missed.astype(np.int32), triples)
