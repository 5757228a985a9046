"""Sums of squares and products, exact or nearly so, from which variances and correlations are read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.errors import DataError
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, values_of
from streamsql.state.float_sums import COMPENSATION, CompensatedSum, Floats, scatter_floats, two_product
from streamsql.state.integer_sums import IntegerSum, scatter_limbs
from streamsql.state.linear import Columns, Rows, scatter_add

_EXACT = 1 << 62
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@record
class SquareSum(IntegerSum):
    """The sum of the squares of integers, or of unscaled values of decimals of up to 18 digits."""

    def with_counts(self, ids: Int64Array, size: int, rows: Rows) -> None:
        return None

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        values = values_of(rows)
        if values.ndim == 2:
            low = np.ascontiguousarray(values[:, 0])
            if bool((values[:, 1] != low >> np.int64(63)).any()):
                hint = "cast the argument to DOUBLE"
                raise DataError("the square of a DECIMAL with more than 18 digits does not fit", hint=hint)
            values = low
        whole = values.astype(np.int64, copy=False)
        sign = None if weights is None else weights.astype(np.int64)
        if len(whole) * int(np.abs(whole, dtype=np.float64).max(initial=0)) ** 2 < _EXACT:
            square = whole * whole
            return {"": scatter_add(ids, size, square if sign is None else square * sign)}
        return scatter_limbs(ids, size, _square(whole), sign)


def _square(values: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    """Four limbs of 32 bits each."""
    magnitude = np.abs(values).view(np.uint64)
    high, low = magnitude >> _HALF, magnitude & _MASK
    square, cross, top = low * low, low * high, high * high
    # The cross product counts twice, shifted by 32 bits: its own halves go one bit further up.
    middle = (square >> _HALF) + ((cross & np.uint64(0x7FFFFFFF)) << np.uint64(1))
    upper = top + (cross >> np.uint64(31)) + (middle >> _HALF)
    limbs = (square & _MASK, middle & _MASK, upper & _MASK, upper >> _HALF)
    first, second, third, fourth = (each.view(np.int64) for each in limbs)
    return first, second, third, fourth


@record
class ProductSum(CompensatedSum):
    """The sum of products of two columns as two doubles, or of squares of one; the rounding of a product is kept.

    Rows: one column, or two.
    """

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        left, right = (_floats(each) for each in rows) if isinstance(rows, tuple) else (_floats(rows), _floats(rows))
        product, error = two_product(left, right)
        columns = dict(CompensatedSum.over_rows(self, ids, size, pa.array(product), weights))
        lost = scatter_floats(ids, size, error if weights is None else error * weights)
        columns[COMPENSATION] = columns[COMPENSATION] + lost
        return columns


def _floats(values: pa.Array) -> Floats:
    return values_of(values).astype(np.float64, copy=False)
