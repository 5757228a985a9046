"""Batch, the only thing that flows between operators: rows, their weights and their watermarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.record import record
from streamsql.row_watermarks import RowWatermarks, Times, concat_watermarks

Weights = npt.NDArray[np.int8]

Part = TypeVar("Part", RowWatermarks, Times)

__all__ = ["Batch", "Times", "Weights", "concat_batches"]


@record(eq=False)
class Batch:
    """Rows with what rides beside them.

    `weights`: +1 adds the row, -1 takes it back; None means all +1 (append-only, costs nothing).
    `watermarks`: what held when each row arrived; None where no operator asks.
    `arrivals`: the place of each row in the arrival order of the step, over all sources; None where no operator asks,
    and for rows that are not made of single rows of the step.
    The numpy arrays are read-only by convention: operators never write into a batch they received.
    """

    rows: pa.RecordBatch
    weights: Weights | None = None
    watermarks: RowWatermarks | None = None
    arrivals: Times | None = None

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def with_rows(self, rows: pa.RecordBatch) -> Batch:
        """The same weights and watermarks beside other columns; the row count must agree."""
        return Batch(rows, self.weights, self.watermarks, self.arrivals)

    def filter(self, mask: npt.NDArray[np.bool_]) -> Batch:
        """The rows where `mask` holds."""
        # Arrow takes by position faster than it filters by a mask, but for masks that hold nearly everywhere.
        return self.pick(np.flatnonzero(mask))

    def pick(self, places: npt.NDArray[np.int64]) -> Batch:
        """The rows at `places`, which never fall: as `take`, but watermarks are not worked out for it."""
        return self._at(places, None if self.watermarks is None else self.watermarks.pick(places))

    def take(self, indices: npt.NDArray[np.int64]) -> Batch:
        """The rows at `indices`, in that order; an index may come more than once."""
        return self._at(indices, None if self.watermarks is None else self.watermarks.take(indices))

    def slice(self, start: int, length: int) -> Batch:
        """Rows `start` up to `start + length`, without copying."""
        stop = start + length
        return Batch(
            self.rows.slice(start, length),
            None if self.weights is None else self.weights[start:stop],
            None if self.watermarks is None else self.watermarks.slice(start, length),
            None if self.arrivals is None else self.arrivals[start:stop],
        )

    def _at(self, indices: npt.NDArray[np.int64], watermarks: RowWatermarks | None) -> Batch:
        return Batch(
            self.rows.take(pa.array(indices)),
            None if self.weights is None else self.weights[indices],
            watermarks,
            None if self.arrivals is None else self.arrivals[indices],
        )

    def sign(self) -> Weights:
        """The weights, with all +1 written out."""
        return np.ones(len(self), np.int8) if self.weights is None else self.weights


def concat_batches(batches: Sequence[Batch]) -> Batch:
    """One batch with the rows of all, in order; at least one batch is needed."""
    if len(batches) == 1:
        return batches[0]
    rows = pa.concat_batches([each.rows for each in batches])
    weights = None
    if any(each.weights is not None for each in batches):
        weights = np.concatenate([each.sign() for each in batches])
    watermarks = _where_all([each.watermarks for each in batches])
    arrivals = _where_all([each.arrivals for each in batches])
    return Batch(
        rows,
        weights,
        None if watermarks is None else concat_watermarks(watermarks),
        None if arrivals is None else np.concatenate(arrivals),
    )


def _where_all(parts: Sequence[Part | None]) -> list[Part] | None:
    """All of them; None where one is missing."""
    known = [each for each in parts if each is not None]
    return known if len(known) == len(parts) else None
