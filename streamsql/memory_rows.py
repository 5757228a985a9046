"""What an in-memory table is made of: rows as they came, the place of a reader among them, and its stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.ports import SourceBatch
from streamsql.record import record
from streamsql.time import Time

CAPACITY = 65_536
ALL_ROWS = 1 << 62
"""A batch size that takes whatever is there."""
Together = Callable[[], AbstractContextManager[None]]
"""A context within which tables are written that are to change at once for who reads several of them."""


@record(eq=False)
class Stored:
    """Rows as they came; no weights: all +1. `watermark`: time has come at least so far after them.

    `conforming`: their values are no longer than the types of their columns say. `watermarks`: how far time had come
    before each row, where that is known. `replaced`: the rows taken back whose key gets another one by what is written
    with them; None: none.
    """

    rows: pa.RecordBatch
    weights: npt.NDArray[np.int8] | None = None
    watermark: Time | None = None
    conforming: bool = False
    watermarks: npt.NDArray[np.int64] | None = None
    replaced: npt.NDArray[np.bool_] | None = None

    def slice(self, start: int, count: int) -> Stored:
        """Some of the rows; the watermark goes with the last one."""
        if not start and count == self.rows.num_rows:
            return self
        weights = None if self.weights is None else self.weights[start : start + count]
        last = start + count == self.rows.num_rows
        marks = None if self.watermarks is None else self.watermarks[start : start + count]
        replaced = None if self.replaced is None else self.replaced[start : start + count]
        time = self.watermark if last else None
        return Stored(self.rows.slice(start, count), weights, time, self.conforming, marks, replaced)


@record(eq=False, frozen=False)
class Stream:
    """A table held open for pushing: whoever follows it waits for more until it is closed.

    `capacity`: by how many rows the slowest follower may lag before `push` waits. Unless `keep_rows`, rows that all
    followers have read are forgotten.
    """

    capacity: int = CAPACITY
    keep_rows: bool = True
    open: bool = True


@record(frozen=False)
class Cursor:
    """Where a reader stands: at which entry of all there ever were, which row of it, and at which row of all."""

    entry: int = 0
    offset: int = 0
    rows: int = 0

    def take(self, stored: Sequence[Stored], batch_rows: int, forgotten: int = 0) -> list[Stored]:
        """The next rows, small batches put together, at most `batch_rows`; a watermark ends them.

        No batch is cut only to fill up the second half. `forgotten`: how many entries there were before the stored
        ones.
        """
        taken: list[Stored] = []
        missing = batch_rows
        while self.entry - forgotten < len(stored) and missing:
            whole = stored[self.entry - forgotten]
            left = whole.rows.num_rows - self.offset
            if left > missing and 2 * missing <= batch_rows:
                break
            count = min(missing, left)
            part = whole.slice(self.offset, count)
            taken.append(part)
            missing, self.offset, self.rows = missing - count, self.offset + count, self.rows + count
            if self.offset == whole.rows.num_rows:
                self.entry, self.offset = self.entry + 1, 0
            if part.watermark is not None:
                break
        return taken


Deliver = Callable[[Sequence[Stored], Sequence[str], int], SourceBatch]
"""Makes a delivery of these columns of rows that were taken together, the position after which is the last."""


def put_together(some: Sequence[Stored], columns: Sequence[str], done: int) -> SourceBatch:
    """The rows as they are."""
    parts = [each.rows.select(columns) for each in some]
    rows = pa.concat_batches(parts) if len(parts) > 1 else parts[0]
    conforming = all(each.conforming for each in some)
    marks = [each.watermarks for each in some if each.watermarks is not None]
    return SourceBatch(
        rows,
        {"rows": done},
        _weights(some),
        watermark=some[-1].watermark,
        conforming=conforming,
        watermarks=np.concatenate(marks) if len(marks) == len(some) else None,
    )


def _weights(some: Sequence[Stored]) -> npt.NDArray[np.int8] | None:
    if all(each.weights is None for each in some):
        return None
    ones = (np.ones(each.rows.num_rows, np.int8) if each.weights is None else each.weights for each in some)
    return np.concatenate(list(ones))
