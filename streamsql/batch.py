"""Batch, the only thing that flows between operators: rows, their weights and their watermarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Weights = npt.NDArray[np.int8]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows with what rides beside them.

    `weights`: +1 adds the row, -1 takes it back; None means all +1 (append-only, costs nothing).
    `watermarks`: the watermark (µs) that held when each row arrived; None where no operator asks.
    `arrivals`: the place of each row in the arrival order of the step, over all sources; None where no operator asks,
    and for rows that are not made of single rows of the step.
    The numpy arrays are read-only by convention: operators never write into a batch they received.
    """

    rows: pa.RecordBatch
    weights: Weights | None = None
    watermarks: Times | None = None
    arrivals: Times | None = None

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def with_rows(self, rows: pa.RecordBatch) -> Batch:
        """The same weights and watermarks beside other columns; the row count must agree."""
        return Batch(rows, self.weights, self.watermarks, self.arrivals)

    def filter(self, mask: npt.NDArray[np.bool_]) -> Batch:
        """The rows where `mask` holds."""
        # Arrow takes by position faster than it filters by a mask, but for masks that hold nearly everywhere.
        return self.take(np.flatnonzero(mask))

    def take(self, indices: npt.NDArray[np.int64]) -> Batch:
        """The rows at `indices`, in that order; an index may come more than once."""
        return Batch(
            self.rows.take(pa.array(indices)),
            None if self.weights is None else self.weights[indices],
            None if self.watermarks is None else self.watermarks[indices],
            None if self.arrivals is None else self.arrivals[indices],
        )

    def slice(self, start: int, length: int) -> Batch:
        """Rows `start` up to `start + length`, without copying."""
        stop = start + length
        return Batch(
            self.rows.slice(start, length),
            None if self.weights is None else self.weights[start:stop],
            None if self.watermarks is None else self.watermarks[start:stop],
            None if self.arrivals is None else self.arrivals[start:stop],
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
    watermarks = _concat_where_all([each.watermarks for each in batches])
    return Batch(rows, weights, watermarks, _concat_where_all([each.arrivals for each in batches]))


def _concat_where_all(parts: Sequence[Times | None]) -> Times | None:
    """One array of all; None where one is missing."""
    known = [each for each in parts if each is not None]
    return np.concatenate(known) if len(known) == len(parts) else None
