"""Which rows come too late for which windows, by the watermark that held when each row arrived."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.errors import DataError
from streamsql.operators.base import LateRows
from streamsql.record import record
from streamsql.row_watermarks import BLOCK, GivenWatermarks, RowWatermarks
from streamsql.state.fixed_width import values_of
from streamsql.state.window_grid import Numbers, WindowGrid
from streamsql.time import Time

Mask = npt.NDArray[np.bool_]


@record(eq=False)
class Missed:
    """Rows that came too late for some windows: from `first` to the smaller of `last` and `closed`.

    `rows`: their positions, rising; `held`: the watermarks that they met.
    """

    rows: Numbers
    held: Times
    first: Numbers
    last: Numbers
    closed: Numbers

    def where(self, mask: Mask) -> Missed:
        """Those for which `mask` holds."""
        return Missed(self.rows[mask], self.held[mask], self.first[mask], self.last[mask], self.closed[mask])


@record(eq=False)
class Judged:
    """The pane of each row, and what lateness has done to it.

    `dropped`: positions of rows that lie in no window still open, rising; `late`: those that missed any. None: none.
    """

    panes: Numbers
    dropped: Numbers | None = None
    late: Missed | None = None


def times_of(rows: pa.RecordBatch, position: int) -> Times:
    """A time column in microseconds."""
    column = rows.column(position)
    if column.null_count:
        raise DataError(f"a time that a window goes by is NULL (column {rows.schema.names[position]})")
    return values_of(column)


def watermarks_of(batch: Batch, reached: Time) -> RowWatermarks:
    """The watermark of each row; never behind what the operator has acted on already."""
    if batch.watermarks is None:
        return GivenWatermarks(np.full(len(batch), reached))
    return batch.watermarks.at_least(reached)


def judge(grid: WindowGrid, times: Times, watermarks: RowWatermarks) -> Judged:
    """Take each row out of the windows that its watermark has closed."""
    panes, outside = grid.panes(times)
    suspects = _suspects(grid, panes, times, watermarks)
    late = None if suspects is None else _missed(grid, panes, outside, times, watermarks, suspects)
    if late is None:
        return Judged(panes, outside)
    lost = late.last <= late.closed
    if not lost.all():
        partly = late.where(~lost)
        panes = panes.copy()
        panes[partly.rows] = grid.starting_at(panes[partly.rows], partly.closed + 1)
    dropped = late.rows[lost] if outside is None else np.union1d(outside, late.rows[lost])
    return Judged(panes, dropped if len(dropped) else None, late)


def _suspects(grid: WindowGrid, panes: Numbers, times: Times, watermarks: RowWatermarks) -> slice | None:
    """From the first to the last block with a row that may have met a watermark past the end of one of its windows."""
    if not len(panes):
        return None
    lowest = np.minimum.reduceat(panes, np.arange(0, len(panes), BLOCK))
    limits = watermarks.limits
    if int(lowest.min()) >= grid.beginning_after(grid.closed(int(limits[-1]))):
        return None
    blocks = np.flatnonzero(lowest < grid.beginning_after(grid.closed(grid.judging(limits, times))))
    return slice(int(blocks[0]) * BLOCK, (int(blocks[-1]) + 1) * BLOCK) if len(blocks) else None


def _missed(
    grid: WindowGrid, panes: Numbers, outside: Numbers | None, times: Times, watermarks: RowWatermarks, among: slice
) -> Missed | None:
    """The rows of a stretch that missed windows, and which; None where none did."""
    panes = panes[among]
    held = watermarks.slice(among.start, len(panes)).values
    at = np.flatnonzero(panes < grid.beginning_after(grid.closed(int(held.max()))))
    if outside is not None:
        at = np.setdiff1d(at, outside - among.start, assume_unique=True)
    if not len(at):
        return None
    panes, held, rows = panes[at], held[at], at + among.start
    closed = grid.closed(grid.judging(held, times[rows]))
    missed = Missed(rows, held, grid.first(panes), grid.last(panes), closed)
    late = missed.first <= closed
    return missed.where(late) if late.any() else None


def late_rows(grid: WindowGrid, missed: Missed, batch: Batch, times: Times) -> LateRows:
    """What a listener gets to know of the rows that missed windows; there must be some."""
    late = batch.pick(missed.rows)
    count = np.minimum(missed.last, missed.closed) - missed.first + 1
    row = np.repeat(np.arange(len(count)), count)
    windows = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + missed.first[row]
    starts, ends = grid.bounds(windows)
    triples = np.stack([row, starts, ends], axis=1)
    lateness = missed.held - times[missed.rows]
    return LateRows(late.rows, late.weights, missed.held, lateness, count.astype(np.int32), triples)
