"""ROUND, TRUNCATE, FLOOR and CEIL: by decimal digits, as the number is written."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import decimals
from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Datum, literal
from streamsql.expr.nodes import Call
from streamsql.expr.types import FLOATS, INTEGERS, Kind, arrow_type
from streamsql.expr.vectors import nulls, numbers, over_arrays, with_nulls

NEAREST = "half_towards_infinity"
TOWARDS_ZERO = "towards_zero"


def by_digits(mode: str, call: Call, context: EvalContext) -> ArrowFunction:
    """ROUND and TRUNCATE to a constant number of digits."""
    count = int(str(literal(call, 1, 0)))
    kind = call.args[0].type.kind
    if kind in FLOATS:
        kernel = over_arrays(partial(_round_floats, mode, count))
        return lambda number, *rest: kernel(number)
    if kind is Kind.DECIMAL:
        return partial(_round_decimal, mode, count, arrow_type(call.type))
    if count >= 0:
        return lambda number, *rest: number
    integers = over_arrays(partial(_round_integers, mode, count))
    return lambda number, *rest: integers(number)


def _round_decimal(mode: str, count: int, target: pa.DataType, number: Datum, *rest: Datum) -> Datum:
    source = number.type
    if count >= source.scale:
        return decimals.fit(number, target)
    if mode == TOWARDS_ZERO and count >= 0:
        return decimals.fit(decimals.truncate(number, count), target)
    if count >= 0:
        return decimals.fit(number, target)
    whole = decimals.truncate(number, 0)
    if whole.type.precision + count < 0:
        return decimals.fit(pc.subtract(whole, whole), target)
    whole = pc.cast(whole, pa.decimal256(whole.type.precision + 1, 0))
    return decimals.fit(pc.round(whole, ndigits=count, round_mode=mode), target)


def _round_integers(mode: str, count: int, array: pa.Array) -> pa.Array:
    """Whole multiples of 10, 100, …; what then exceeds the type overflows."""
    limit = int(np.iinfo(array.type.to_pandas_dtype()).max)
    if -count > 19:
        return pc.multiply(array, pa.scalar(0, array.type))
    unit = np.uint64(10**-count)
    values = numbers(array).astype(np.int64)
    size = np.abs(values).astype(np.uint64)
    rest = size % unit
    size -= rest
    if mode == NEAREST:
        size += np.where(rest >= unit - rest, unit, np.uint64(0))
    negative = values < 0
    if (too_large := size > np.where(negative, limit + 1, limit).astype(np.uint64)).any():
        missing = nulls(array)
        if (too_large if missing is None else too_large & ~missing).any():
            raise pa.ArrowInvalid("overflow")
    result = np.where(negative, np.negative(size.astype(np.int64)), size.astype(np.int64))
    return with_nulls(result.astype(array.type.to_pandas_dtype()), array.type, array)


def _round_floats(mode: str, count: int, array: pa.Array) -> pa.Array:
    """By the shortest decimal text of the number, as Java's BigDecimal.valueOf does.

    Multiplying by a power of ten is right but next to a tie (or, cutting, to a whole number): there the text decides.
    """
    values = numbers(array).astype(np.float64)
    with np.errstate(all="ignore"):
        scaled = np.abs(values) * 10.0**count
        distance = np.abs(scaled - np.floor(scaled) - 0.5) if mode == NEAREST else np.abs(scaled - np.rint(scaled))
        close = (distance < 1e-6 * np.maximum(scaled, 1.0)) | (scaled >= 1e9)
        whole = np.floor(scaled + 0.5) if mode == NEAREST else np.floor(scaled)
        quick = np.copysign(whole / 10.0**count if count >= 0 else whole * 10.0**-count, values)
    settled = ~np.isfinite(values) | (np.abs(values) >= 2.0**52) & (count >= 0)
    quick = np.where(settled, values, quick)
    doubtful = close & ~settled
    if doubtful.any():
        quick[doubtful] = _by_text(mode, count, values[doubtful], array.type)
    # Adding zero turns -0.0 into 0.0.
    return with_nulls((quick + 0.0).astype(array.type.to_pandas_dtype()), array.type, array)


def _by_text(mode: str, count: int, values: npt.NDArray[np.float64], source: pa.DataType) -> npt.NDArray[np.float64]:
    tiny = np.abs(values) < 1e-30
    large = np.abs(values) >= 1e15
    text = pc.cast(pa.array(np.where(tiny, 0.0, values).astype(source.to_pandas_dtype())), pa.string())
    exact = pc.cast(pc.if_else(pa.array(large), pa.scalar("0"), text), pa.decimal256(decimals.WIDE, 50))
    exact = decimals.truncate(exact, min(max(count, 0), 48) + 1)
    rounded = pc.cast(pc.cast(pc.round(exact, ndigits=min(count, 48), round_mode=mode), pa.string()), pa.float64())
    result = numbers(rounded).copy()
    result[large] = values[large]
    return result


def to_whole(up: bool, call: Call, context: EvalContext) -> ArrowFunction:
    """FLOOR and CEIL of a number."""
    kind, target = call.args[0].type.kind, arrow_type(call.type)
    if kind in INTEGERS:
        return lambda number: number
    if kind is not Kind.DECIMAL:
        return pc.ceil if up else pc.floor  # type: ignore[no-any-return]

    step, nothing = (pa.scalar(each, pa.decimal256(1, 0)) for each in (1 if up else -1, 0))

    def evaluate(number: Datum) -> Datum:
        whole = pc.cast(decimals.truncate(number, 0), pa.decimal256(38, 0))
        beyond = pc.greater(number, whole) if up else pc.less(number, whole)
        return decimals.fit(pc.if_else(beyond, pc.add(whole, step), pc.add(whole, nothing)), target)

    return evaluate
