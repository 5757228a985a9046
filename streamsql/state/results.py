"""Reading the result of a call off its accumulators, in the type that SQL gives it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.errors import DataError
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import FLOATS, Kind, SqlType, arrow_type
from streamsql.state.fixed_width import BoolArray, Int64Array, array_of, int64_array
from streamsql.state.integer_sums import is_narrow, python_ints, words_of
from streamsql.state.linear import Columns, Values

_DECIMAL_LIMIT = 10**38
_LIMIT_HIGH, _LIMIT_LOW = _DECIMAL_LIMIT >> 64, np.uint64(_DECIMAL_LIMIT & ((1 << 64) - 1))


def count(counts: Values) -> pa.Array:
    """COUNT: never NULL."""
    return int64_array(counts)


def extreme(values: Values, counts: Values, type_: pa.DataType) -> pa.Array:
    """MIN and MAX: NULL over no values. Which of -0.0 and 0.0 came first does not matter: the result is 0.0."""
    if isinstance(values, pa.Array):
        return values
    valid = _some(counts)
    if pa.types.is_boolean(type_):
        return array_of(values == 1, valid, type_)
    if pa.types.is_decimal128(type_):
        return _decimals(values, values >> np.int64(63), valid, type_)
    return array_of(values + values.dtype.type(0) if values.dtype.kind == "f" else values, valid, type_)


def total(columns: Columns, counts: Values, call: AggregateCall, source: SqlType) -> pa.Array:
    """SUM over values of type `source`: NULL over none; DataError where it does not fit its type."""
    valid, type_ = _some(counts), arrow_type(call.type)
    if source.kind in FLOATS:
        with np.errstate(over="ignore"):
            return array_of(_float_total(columns).astype(type_.to_pandas_dtype(), copy=False), valid, type_)
    narrow = is_narrow(columns)
    if source.kind is Kind.DECIMAL:
        if narrow:
            low = np.asarray(columns[""])
            return _decimals(low, low >> np.int64(63), valid, type_)
        low, high, fits = words_of(columns)
        _check(fits & _within_decimal(low, high), valid, call)
        return _decimals(low, high, valid, type_)
    sums = np.asarray(columns[""])
    if not narrow:
        sums, high, fits = words_of(columns)
        _check(fits & (high == sums >> np.int64(63)), valid, call)
    if call.type.kind is not Kind.BIGINT:
        kept = sums.astype(type_.to_pandas_dtype())
        _check(kept == sums, valid, call)
        sums = kept
    return array_of(sums, valid, type_)


def _float_total(columns: Columns) -> Values:
    from streamsql.state.float_sums import float_total

    return float_total(columns)


def average(columns: Columns, counts: Values, call: AggregateCall, source: SqlType) -> pa.Array:
    """AVG over values of type `source`: integers truncate towards zero, decimals round half up; NULL over none."""
    valid, type_ = _some(counts), arrow_type(call.type)
    number = np.maximum(counts, 1)
    if source.kind in FLOATS:
        with np.errstate(all="ignore"):
            return array_of((_float_total(columns) / number).astype(type_.to_pandas_dtype(), copy=False), valid, type_)
    if source.kind is Kind.DECIMAL:
        return _decimal_average(columns, number, valid, call, source)
    if is_narrow(columns):
        mean = _truncated(np.asarray(columns[""]), number)
    else:
        mean = _by_python(columns, number, lambda sums, numbers: sums // numbers).astype(np.int64)
    return array_of(mean.astype(type_.to_pandas_dtype(), copy=False), valid, type_)


def _some(counts: Values) -> BoolArray | None:
    some = np.asarray(counts > 0)
    return None if np.count_nonzero(some) == len(some) else some


def _truncated(sums: Int64Array, number: Int64Array) -> Int64Array:
    mean = sums // number
    return np.asarray(mean + ((sums < 0) & (mean * number != sums)))


def _by_python(columns: Columns, number: Int64Array, divide: Any) -> npt.NDArray[np.object_]:
    """`divide` over magnitudes as Python ints, the sign put back: for sums beyond 64 bits."""
    sums = python_ints(columns)
    sign = np.where(sums < 0, -1, 1).astype(object)
    return np.asarray(divide(abs(sums), number.astype(object)) * sign)


def _decimal_average(
    columns: Columns, number: Int64Array, valid: BoolArray | None, call: AggregateCall, source: SqlType
) -> pa.Array:
    type_ = arrow_type(call.type)
    factor = 10 ** ((call.type.scale or 0) - (source.scale or 0))
    if is_narrow(columns):
        sums = np.asarray(columns[""])
        whole, rest = np.divmod(np.abs(sums), number)
        bound = max(int(np.abs(whole).max(initial=0)), int(number.max(initial=0)))
        if bound * factor < 1 << 61 and not bool((sums == np.iinfo(np.int64).min).any()):
            mean = (whole * factor + (rest * factor * 2 + number) // (number * 2)) * np.where(sums < 0, -1, 1)
            return _decimals(mean, mean >> np.int64(63), valid, type_)
    exact = _by_python(columns, number, lambda sums, numbers: (sums * factor * 2 + numbers) // (numbers * 2))
    return decimals_of(exact, valid, call)


def integers_of(numbers: npt.NDArray[np.object_], valid: BoolArray | None, call: AggregateCall) -> pa.Array:
    """Integers of Python ints; DataError where one does not fit the type of the result."""
    type_ = arrow_type(call.type)
    ends = np.iinfo(type_.to_pandas_dtype())
    fits = np.asarray((numbers >= int(ends.min)) & (numbers <= int(ends.max)), np.bool_)
    _check(fits, valid, call)
    return array_of(np.where(fits, numbers, 0).astype(ends.dtype), valid, type_)


def decimals_of(unscaled: npt.NDArray[np.object_], valid: BoolArray | None, call: AggregateCall) -> pa.Array:
    """Decimals of Python ints; DataError where one has more than 38 digits."""
    _check(np.asarray(abs(unscaled) < _DECIMAL_LIMIT, np.bool_), valid, call)
    low = np.asarray(unscaled & ((1 << 64) - 1), np.uint64).view(np.int64)
    return _decimals(low, np.asarray(unscaled >> 64, np.int64), valid, arrow_type(call.type))


def _decimals(low: Int64Array, high: Int64Array, valid: BoolArray | None, type_: pa.DataType) -> pa.Array:
    return array_of(np.stack([low, high], axis=1), valid, type_)


def _within_decimal(low: Int64Array, high: Int64Array) -> BoolArray:
    """Whether 128-bit numbers have at most 38 digits."""
    negative = high < 0
    # The magnitude minus one for negative numbers: ~x = -x - 1, which moves the limit of 10**38 by one.
    top = np.where(negative, ~high, high)
    bottom = np.where(negative, ~low, low).view(np.uint64)
    limit = np.where(negative, _LIMIT_LOW - np.uint64(1), _LIMIT_LOW)
    return np.asarray((top < _LIMIT_HIGH) | ((top == _LIMIT_HIGH) & (bottom < limit)))


def _check(fits: BoolArray, valid: BoolArray | None, call: AggregateCall) -> None:
    wrong = ~fits if valid is None else ~fits & valid
    if bool(wrong.any()):
        kept = call.type.with_nullable(True)
        raise DataError(
            f"{call.function} overflows {kept}",
            span=call.span,
            hint=f"cast the argument to a wider type: {call.function}(CAST(… AS DECIMAL(38, {call.type.scale or 0})))",
        )
