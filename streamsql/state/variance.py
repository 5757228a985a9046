"""Variances, deviations, correlations: read off counts, sums and sums of products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import SqlType, arrow_type
from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array, array_of
from streamsql.state.float_sums import COMPENSATION, NOT_FINITE, Floats, two_product, two_sum
from streamsql.state.integer_sums import python_ints
from streamsql.state.linear import Columns
from streamsql.state.results import decimals_of, integers_of

_NOISE = 2.0**-94
"""Below this part of the sum of products, a difference is rounding: the sums have 106 bits."""
_UNRELATED = 1e-14
"""A correlation below this is rounding, in DuckDB's sums too."""
Objects = npt.NDArray[np.object_]


@record(eq=False)
class Moments:
    """Of each group: how many values, their sum and that of their squares, as accumulators."""

    counts: Int64Array
    sums: Columns
    squares: Columns


def of_integers(found: Moments, call: AggregateCall, source: SqlType) -> pa.Array:
    """As Flink has it: what stands behind the point is cut off."""
    size, divisor, valid = _divisors(found, call)
    counts = size.astype(object)
    sums, squares = python_ints(found.sums), python_ints(found.squares)
    # Rounding the square of the mean up is cutting off the difference, which is not negative.
    variance = (squares + -sums * sums // counts) // divisor.astype(object)
    return integers_of(_roots(variance) if _is_deviation(call) else variance, valid, call)


def of_decimals(found: Moments, call: AggregateCall, source: SqlType) -> pa.Array:
    """Exact, and rounded half up to the scale of the result; a deviation is rounded from a double."""
    size, divisor, valid = _divisors(found, call)
    counts, scale, wanted = size.astype(object), source.scale or 0, call.type.scale or 0
    sums, squares = python_ints(found.sums), python_ints(found.squares)
    above, below = squares * counts - sums * sums, counts * divisor.astype(object)
    if _is_deviation(call):
        with np.errstate(invalid="ignore"):
            root = np.sqrt((above / below).astype(np.float64)) / 10.0**scale
        digits = np.asarray([int(each) for each in np.floor(root * 10.0**wanted + 0.5)], object)
    else:
        grown = above * 10**wanted
        unit = below * 10 ** (2 * scale)
        digits = (grown * 2 + unit) // (unit * 2)
    return decimals_of(digits, valid, call)


def of_floats(found: Moments, call: AggregateCall, source: SqlType) -> pa.Array:
    """In doubles, from sums in twice their precision; NaN where a value is not finite."""
    size, divisor, valid = _divisors(found, call)
    deviations = _deviations(found.squares, found.sums, found.sums, size)
    with np.errstate(all="ignore"):
        variance = np.maximum(deviations, 0.0) / divisor
        variance = np.where(np.isnan(deviations), np.nan, variance)
        result = np.sqrt(variance) if _is_deviation(call) else variance
        type_ = arrow_type(call.type)
        return array_of(result.astype(type_.to_pandas_dtype()), valid, type_)


def of_pairs(function: str, counts: Int64Array, columns: Sequence[Columns]) -> pa.Array:
    """COVAR, CORR and REGR over pairs (y, x): sums of y and x, of y², x² and yx."""
    sum_y, sum_x, square_y, square_x, product = columns
    size = np.maximum(counts, 1)
    pairs = _Pairs(
        counts,
        _double(sum_y) / size,
        _double(sum_x) / size,
        np.maximum(_deviations(square_y, sum_y, sum_y, size), 0.0),
        np.maximum(_deviations(square_x, sum_x, sum_x, size), 0.0),
        _deviations(product, sum_y, sum_x, size),
    )
    with np.errstate(all="ignore"):
        independent = np.abs(pairs.yx) <= _UNRELATED * np.sqrt(pairs.xx * pairs.yy)
        pairs = replace(pairs, yx=np.where(independent, 0.0, pairs.yx))
        values, valid = _PAIRS[function](pairs)
    return array_of(np.asarray(values, np.float64), np.asarray(valid & (counts > 0)), pa.float64())


@record(eq=False)
class _Pairs:
    """`yy`, `xx`, `yx`: sums of products of distances from the means."""

    counts: Int64Array
    mean_y: Floats
    mean_x: Floats
    yy: Floats
    xx: Floats
    yx: Floats


_Published = tuple[Floats, BoolArray]


def _everywhere(values: Floats) -> _Published:
    return values, np.ones(len(values), np.bool_)


def _correlation(p: _Pairs) -> Floats:
    return np.clip(p.yx / np.sqrt(p.yy * p.xx), -1.0, 1.0)


def _determination(p: _Pairs) -> Floats:
    return np.where(p.yy == 0, 1.0, p.yx * p.yx / (p.xx * p.yy))


_PAIRS: Mapping[str, Callable[[_Pairs], _Published]] = {
    "CORR": lambda p: _everywhere(_correlation(p)),
    "COVAR_POP": lambda p: _everywhere(p.yx / np.maximum(p.counts, 1)),
    "COVAR_SAMP": lambda p: (p.yx / np.maximum(p.counts - 1, 1), p.counts > 1),
    "REGR_AVGX": lambda p: _everywhere(p.mean_x),
    "REGR_AVGY": lambda p: _everywhere(p.mean_y),
    "REGR_INTERCEPT": lambda p: (p.mean_y - p.yx / p.xx * p.mean_x, p.xx != 0),
    "REGR_R2": lambda p: (_determination(p), p.xx != 0),
    "REGR_SLOPE": lambda p: _everywhere(p.yx / p.xx),
    "REGR_SXX": lambda p: _everywhere(p.xx),
    "REGR_SXY": lambda p: _everywhere(p.yx),
    "REGR_SYY": lambda p: _everywhere(p.yy),
}
"""As DuckDB has it: NaN where x (or y) does not vary, but NULL for REGR_INTERCEPT and REGR_R2."""


def _divisors(found: Moments, call: AggregateCall) -> tuple[Int64Array, Int64Array, BoolArray]:
    """The counts, at least 1; what is divided by; and where there are enough values."""
    sample = 1 if call.function.endswith("SAMP") else 0
    counts = np.asarray(found.counts)
    return np.maximum(counts, 1), np.maximum(counts - sample, 1), np.asarray(counts > sample)


def _is_deviation(call: AggregateCall) -> bool:
    return call.function.startswith("STDDEV")


def _roots(values: Objects) -> Objects:
    return np.asarray([isqrt(max(each, 0)) for each in values.tolist()], object)


def _double(columns: Columns) -> Floats:
    """A sum as one double; NaN where something was not finite."""
    total = np.asarray(columns[""]) + columns.get(COMPENSATION, 0.0)
    for each in NOT_FINITE:
        if each in columns:
            total = np.where(columns[each] > 0, np.nan, total)
    return total


def _deviations(products: Columns, left: Columns, right: Columns, counts: Int64Array) -> Floats:
    """Sum of products minus product of sums over count, in doubles of two parts, so that little cancels."""
    high, low = np.asarray(products[""]), products.get(COMPENSATION, 0.0)
    with np.errstate(all="ignore"):
        mean, rest = _quotient(left, counts)
        part = _two_parts(right)
        product, error = two_product(mean, part[0])
        error = error + mean * part[1] + rest * part[0]
        difference, lost = two_sum(high, -product)
        value = difference + ((lost - error) + low)
        value = np.where(np.abs(value) <= _NOISE * np.abs(high), 0.0, value)
    missing = np.isnan(_double(products)) | np.isnan(_double(left)) | np.isnan(_double(right))
    return np.where(missing, np.nan, value)


def _two_parts(columns: Columns) -> tuple[Floats, Floats]:
    return two_sum(np.asarray(columns[""]), np.asarray(columns.get(COMPENSATION, np.zeros(len(columns[""])))))


def _quotient(columns: Columns, counts: Int64Array) -> tuple[Floats, Floats]:
    """A sum divided by a count, in two parts."""
    high, low = _two_parts(columns)
    divisor = counts.astype(np.float64)
    first = high / divisor
    product, error = two_product(first, divisor)
    return first, ((high - product) - error + low) / divisor
