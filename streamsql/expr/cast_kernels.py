"""CAST over Arrow: between numbers here, to and from text and times in text_casts.py and time_casts.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import decimals, nested_casts, text_casts, time_casts
from streamsql.expr.casting import cast_can_fail, integer_limits, is_relabelling
from streamsql.expr.coercion import INTEGER_BITS, NUMERIC
from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Datum
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, Kind, SqlType, arrow_type
from streamsql.expr.vectors import numbers, over_arrays, with_nulls


def build_cast(source: SqlType, target: SqlType, safe: bool, context: EvalContext) -> ArrowFunction:
    """The kernel of a cast; `safe` gives NULL for malformed text."""
    arrow = arrow_type(target)
    if source.kind is Kind.NULL:
        return lambda datum: pa.nulls(len(datum), arrow) if isinstance(datum, pa.Array) else pa.scalar(None, arrow)
    if is_relabelling(source, target):
        return lambda datum: datum
    if source.children:
        strict = _nested(source, target, context)
        return nested_casts.or_null(strict) if safe and cast_can_fail(source, target) else strict
    if source.kind in STRINGS:
        return _from_text(target, safe, context)
    if target.kind in STRINGS:
        return _then(text_casts.to_text(source, safe, context), text_casts.to_length(target))
    if source.kind in (*NUMERIC, Kind.BOOLEAN) and target.kind in (*NUMERIC, Kind.BOOLEAN):
        return _between_numbers(source, target, arrow)
    if source.kind in BYTES_KINDS and target.kind in BYTES_KINDS:
        return text_casts.bytes_to_length(target)
    return time_casts.between(source, target, context)


def _nested(source: SqlType, target: SqlType, context: EvalContext) -> ArrowFunction:
    def build(part: SqlType, wanted: SqlType) -> ArrowFunction:
        return build_cast(part, wanted, False, context)

    if target.kind in STRINGS:
        return _then(nested_casts.to_text(source, build), text_casts.to_length(target))
    return nested_casts.between(source, target, build)


def _then(first: ArrowFunction, second: ArrowFunction | None) -> ArrowFunction:
    return first if second is None else lambda datum: second(first(datum))


def _from_text(target: SqlType, safe: bool, context: EvalContext) -> ArrowFunction:
    if target.kind in STRINGS:
        return text_casts.to_length(target) or (lambda datum: datum)
    if target.kind in BYTES_KINDS:
        return _then(lambda datum: pc.cast(datum, pa.binary()), text_casts.bytes_to_length(target))
    number = target.kind in (*NUMERIC, Kind.BOOLEAN)
    parse = text_casts.parser(target) if number else time_casts.parser(target, context)
    return over_arrays(parse if safe else text_casts.strict(parse, target))


def _between_numbers(source: SqlType, target: SqlType, arrow: pa.DataType) -> ArrowFunction:
    if target.kind is Kind.BOOLEAN:
        zero = pa.scalar(0, arrow_type(source))
        return lambda datum: pc.not_equal(datum, zero)
    if target.kind is Kind.DECIMAL:
        return _to_decimal(source, arrow)
    if source.kind is Kind.DECIMAL and target.kind in INTEGERS:
        return lambda datum: _decimal_to_integer(datum, arrow)
    if source.kind in FLOATS and target.kind in INTEGERS:
        return over_arrays(lambda array: _float_to_integer(array, target.kind, arrow))
    if source.kind is Kind.DECIMAL:
        double = over_arrays(decimals.to_double)
        return lambda datum: pc.cast(double(datum), arrow)
    if source.kind is Kind.BOOLEAN:
        return lambda datum: pc.cast(pc.cast(datum, pa.int8()), arrow)
    return lambda datum: pc.cast(datum, arrow, safe=False)


def _to_decimal(source: SqlType, arrow: pa.DataType) -> ArrowFunction:
    if source.kind in FLOATS:
        return over_arrays(lambda array: decimals.from_double(array, arrow))
    if source.kind is Kind.DECIMAL:
        return lambda datum: decimals.fit(datum, arrow)
    if source.kind is Kind.BOOLEAN:
        return lambda datum: decimals.from_integer(pc.cast(datum, pa.int8()), arrow)
    return lambda datum: decimals.from_integer(datum, arrow)


def _decimal_to_integer(datum: Datum, arrow: pa.DataType) -> Datum:
    whole = pc.cast(decimals.truncate(datum, 0), pa.decimal256(decimals.WIDE, 0))
    return pc.cast(pc.cast(whole, pa.int64(), safe=False), arrow, safe=False)


def _float_to_integer(array: pa.Array, kind: Kind, arrow: pa.DataType) -> pa.Array:
    """Cut the fraction; too large values become the largest; the small types wrap what INT holds, as in Java."""
    saturated = saturate(numbers(array), kind if INTEGER_BITS[kind] >= 32 else Kind.INT)
    return with_nulls(saturated.astype(arrow.to_pandas_dtype()), arrow, array)


def saturate(values: npt.NDArray[Any], kind: Kind) -> npt.NDArray[Any]:
    """Floats as integers: truncated, clipped to the type's range, NaN as 0."""
    low, high = integer_limits(kind)
    if len(values) and np.abs(values).max() < high // 2:
        return values.astype(np.int64)
    with np.errstate(invalid="ignore"):
        whole = np.trunc(np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf))
        inside = np.clip(whole, low, np.nextafter(float(high + 1), 0) if kind is Kind.BIGINT else high)
    result = inside.astype(np.int64)
    result[whole >= float(high)] = high
    return result
