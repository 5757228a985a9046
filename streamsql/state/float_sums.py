"""Sums of floating-point numbers: plain where rows only come, compensated where rows can be taken back."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array, values_of
from streamsql.state.linear import Columns, Linear, Rows, Values, scatter_add

Floats = npt.NDArray[np.float64]
COMPENSATION = ".1"
NOT_FINITE = (".nan", ".inf", ".-inf")
_SPLIT = float(2**27 + 1)


@record
class FloatSum(Linear):
    """The plain sum, in double precision; there are no `weights`."""

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        return {"": scatter_floats(ids, size, values_of(rows).astype(np.float64, copy=False))}

    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        return {"": scatter_floats(ids, size, columns[""])}

    def combine(self, old: Columns, new: Columns) -> Columns:
        with np.errstate(all="ignore"):
            return {"": old[""] + new[""]}

    def blank(self, size: int) -> Values:
        return np.zeros(size, np.float64)


@record
class CompensatedSum(Linear):
    """The sum as two doubles, with NaN, infinity and minus infinity counted apart: what is added can be taken back.

    Columns: "" and ".1" add up to the sum of the finite values; the counts are absent where there are none.
    Rows are split at common binary digits so that the parts add up without rounding (Demmel and Nguyen, "Fast
    reproducible floating-point summation", 2013); pairs are added by Knuth's two-sum.
    """

    suffixes: ClassVar[tuple[str, ...]] = (COMPENSATION, *NOT_FINITE)

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        values = values_of(rows).astype(np.float64, copy=False)
        finite = np.isfinite(values)
        if bool(finite.all()):
            return _scatter_exactly(ids, size, values if weights is None else values * weights)
        counts = _count_not_finite(ids, size, values, weights)
        kept = values[finite] if weights is None else values[finite] * weights[finite]
        return {**_scatter_exactly(ids[finite], size, kept), **counts}

    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        sums = _scatter_exactly(ids, size, columns[""])
        low = np.asarray(sums[COMPENSATION])
        if COMPENSATION in columns:
            low = low + scatter_floats(ids, size, columns[COMPENSATION])
        total, low = two_sum(np.asarray(sums[""]), low)
        counts = {each: scatter_add(ids, size, columns[each]) for each in NOT_FINITE if each in columns}
        return {"": total, COMPENSATION: low, **counts}

    def combine(self, old: Columns, new: Columns) -> Columns:
        total, error = two_sum(np.asarray(old[""]), np.asarray(new[""]))
        total, low = two_sum(total, error + old.get(COMPENSATION, 0.0) + new.get(COMPENSATION, 0.0))
        counts = {each: old.get(each, 0) + new.get(each, 0) for each in NOT_FINITE if each in old or each in new}
        return {"": total, COMPENSATION: low, **counts}

    def blank(self, size: int) -> Values:
        return np.zeros(size, np.float64)


def float_total(columns: Columns) -> Floats:
    """The sums as doubles, of either kind of accumulator."""
    total = np.asarray(columns[""])
    if COMPENSATION not in columns:
        return total
    with np.errstate(all="ignore"):
        total = np.where(np.isfinite(total), total + columns[COMPENSATION], total)
        for suffix, value in zip(NOT_FINITE, (np.nan, np.inf, -np.inf), strict=True):
            if suffix in columns:
                # Adding makes NaN of opposite infinities, and keeps a NaN.
                total = np.where(columns[suffix] > 0, total + value, total)
    return total


def scatter_floats(ids: Int64Array, size: int, values: Floats) -> Floats:
    """The plain sum of each group."""
    total = np.zeros(size, np.float64)
    with np.errstate(all="ignore"):
        np.add.at(total, ids, values)
    return total


def two_sum(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """The rounded sum and what rounding lost."""
    with np.errstate(all="ignore"):
        total = left + right
        part = total - left
        return total, (left - (total - part)) + (right - part)


def two_product(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """The rounded product and what rounding lost; 0 where that leaves the range of doubles.

    (Dekker, "A floating-point technique for extending the available precision", 1971.)
    """
    with np.errstate(all="ignore"):
        product = left * right
        (a, b), (c, d) = _halves(left), _halves(right)
        error = ((a * c - product) + a * d + b * c) + b * d
    return product, np.where(np.isfinite(error), error, 0.0)


def _halves(values: Floats) -> tuple[Floats, Floats]:
    """Two doubles of half the digits."""
    spread = values * _SPLIT
    high = spread - (spread - values)
    return high, values - high


def _scatter_exactly(ids: Int64Array, size: int, values: Floats) -> Columns:
    largest = float(np.abs(values).max(initial=0.0))
    spare = len(values).bit_length() + 1
    exponent = int(np.frexp(largest)[1]) + spare
    if largest == 0.0 or exponent > 1023:
        return {"": scatter_floats(ids, size, values), COMPENSATION: np.zeros(size)}
    high = _round_at(values, exponent)
    rest = values - high
    middle = _round_at(rest, exponent - 53 + spare)
    total, error = two_sum(scatter_floats(ids, size, high), scatter_floats(ids, size, middle))
    total, low = two_sum(total, error + scatter_floats(ids, size, rest - middle))
    return {"": total, COMPENSATION: low}


def _round_at(values: Floats, exponent: int) -> Floats:
    """The values as multiples of 2 ** (exponent - 52): as many as the spare bits allow add up exactly."""
    anchor = np.ldexp(1.0, max(exponent, -1000))
    return np.asarray((values + anchor) - anchor)


def _count_not_finite(ids: Int64Array, size: int, values: Floats, weights: Weights | None) -> Columns:
    kinds: tuple[BoolArray, ...] = (np.isnan(values), values == np.inf, values == -np.inf)
    counts = {}
    for suffix, found in zip(NOT_FINITE, kinds, strict=True):
        if bool(found.any()):
            each = np.ones(len(values), np.int64) if weights is None else weights.astype(np.int64)
            counts[suffix] = scatter_add(ids[found], size, each[found])
    return counts
