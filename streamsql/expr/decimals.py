"""DECIMAL arithmetic over Arrow: exact, rounded half away from zero, NULL where the result type cannot hold it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import SqlType, arrow_type
from streamsql.expr.vectors import nulls, numbers, over_arrays, with_nulls

Datum = Any
Mask = npt.NDArray[np.bool_]
WIDE = 76
"""Digits of Arrow's widest decimal, in which intermediate results are held."""
STEP = 9
"""Digits of the largest power of ten that Arrow surely divides by exactly."""


def power_of_ten(exponent: int) -> Decimal:
    return Decimal(1).scaleb(exponent)


def truncate(datum: Datum, scale: int) -> Datum:
    """Cut a decimal to fewer fraction digits.

    At most 9 digits at a time: dividing by 2**32 or more, Arrow's decimals are wrong for some operands (4294967295.5 of
    scale 20 becomes 4294967294).
    """
    while datum.type.scale > scale:
        next_scale = max(scale, datum.type.scale - STEP)
        precision = datum.type.precision - datum.type.scale + next_scale
        datum = pc.cast(datum, pa.decimal256(max(precision, 1, next_scale), next_scale), safe=False)
    return datum


def fit(datum: Datum, type_: pa.DataType) -> Datum:
    """Round a decimal to the type's scale and cast it; NULL where it has too many digits."""
    if datum.type == type_:
        return datum
    source, scale = datum.type, type_.scale
    if isinstance(datum, pa.Array) and (quick := _fit_small(datum, type_)) is not None:
        return quick
    if source.scale <= scale and source.precision - source.scale <= type_.precision - scale:
        return pc.cast(datum, type_)
    if source.scale > scale:
        datum = truncate(datum, scale + 1)
        # One more digit: rounding may carry into it.
        datum = pc.cast(datum, pa.decimal256(min(WIDE, datum.type.precision + 1), scale + 1))
        datum = pc.round(datum, ndigits=scale, round_mode="half_towards_infinity")
    wide = pa.decimal256(WIDE, scale)
    datum = pc.cast(datum, wide)
    limit = power_of_ten(type_.precision - scale)
    fits = pc.and_(pc.less(datum, pa.scalar(limit, wide)), pc.greater(datum, pa.scalar(-limit, wide)))
    return pc.cast(pc.if_else(fits, datum, pa.scalar(None, wide)), type_)


def _fit_small(array: pa.Array, type_: pa.DataType) -> pa.Array | None:
    """`fit` to fewer fraction digits where all digits of the numbers are within 62 bits; None where they are not."""
    drop = array.type.scale - type_.scale
    if not pa.types.is_decimal128(array.type) or not pa.types.is_decimal128(type_) or not 0 < drop <= 18:
        return None
    low, high = _words(array)
    small = (high == low >> 63) & (low > -(1 << 62)) & (low < 1 << 62)
    missing = nulls(array)
    if not (small if missing is None else small | missing).all():
        return None
    unit = 10**drop
    whole = np.where(small, (np.abs(low) + unit // 2) // unit * np.sign(low), 0)
    return _of_digits(whole, type_, missing)


def _words(array: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The low and high 64 bits of each number's digits."""
    words = np.frombuffer(array.buffers()[1], np.int64)[2 * array.offset : 2 * (array.offset + len(array))]
    return words[::2], words[1::2]


def _of_digits(digits: npt.NDArray[np.int64], type_: pa.DataType, missing: Mask | None) -> pa.Array:
    """Whole numbers as the digits of decimals; NULL where missing, or too many."""
    words = np.empty(2 * len(digits), np.int64)
    words[::2], words[1::2] = digits, digits >> 63
    result = pa.Array.from_buffers(type_, len(digits), [None, pa.py_buffer(words)])
    if type_.precision < 19:
        wrong = np.abs(digits) >= 10**type_.precision
        missing = wrong if missing is None else wrong | missing
    if missing is None or not missing.any():
        return result
    return pc.if_else(pa.array(missing), pa.scalar(None, type_), result)


def _widen(datum: Datum) -> Datum:
    type_ = datum.type
    return datum if pa.types.is_decimal256(type_) else pc.cast(datum, pa.decimal256(type_.precision, type_.scale))


def arithmetic(name: str, result: SqlType) -> Callable[[Datum, Datum], Datum]:
    """`+`, `-` or `*` with the result rounded and checked to its type."""
    target = arrow_type(result)
    over_columns = _OVER_COLUMNS[name]
    slowly = _slowly(name, target)

    def evaluate(left: Datum, right: Datum) -> Datum:
        if _digits_needed(name, left.type, right.type) > 38:
            left, right = _widen(left), _widen(right)
        if _digits_needed(name, left.type, right.type) > WIDE:
            return slowly(left, right)
        return fit(over_columns(left, right), target)

    return evaluate


_OVER_COLUMNS: dict[str, Callable[..., Datum]] = {"+": pc.add, "-": pc.subtract, "*": pc.multiply}


def digits_needed(name: str, left: tuple[int, int], right: tuple[int, int]) -> int:
    """How many digits `+`, `-` or `*` of numbers of these precisions and scales may have before it is rounded."""
    (p1, s1), (p2, s2) = left, right
    return p1 + p2 + 1 if name == "*" else max(p1 - s1, p2 - s2) + max(s1, s2) + 1


def _digits_needed(name: str, left: pa.DataType, right: pa.DataType) -> int:
    return digits_needed(name, (left.precision, left.scale), (right.precision, right.scale))


def division(result: SqlType) -> Callable[[Datum, Datum], Datum]:
    """A quotient, rounded half away from zero."""
    target = arrow_type(result)
    slowly = _slowly("/", target)

    def evaluate(left: Datum, right: Datum) -> Datum:
        more = target.scale - left.type.scale + right.type.scale
        parts = _whole_division(left, right, left.type.scale + max(more, 0), right.type.scale + max(-more, 0))
        if parts is None:
            return slowly(left, right)
        quotient, rest, divisor = parts
        rest, divisor = pc.abs(rest), pc.abs(divisor)
        up = pc.greater_equal(rest, pc.subtract(divisor, rest))
        one = pc.if_else(pc.equal(pc.less(left, _zero(left)), pc.less(right, _zero(right))), _ONE, _MINUS_ONE)
        rounded = pc.add(quotient, pc.if_else(up, one, _NOTHING))
        return _scaled(rounded, target)

    return evaluate


def remainder(result: SqlType) -> Callable[[Datum, Datum], Datum]:
    """The dividend less the whole multiples of the divisor: it has the dividend's sign."""
    target = arrow_type(result)
    slowly = _slowly("%", target)

    def evaluate(left: Datum, right: Datum) -> Datum:
        scale = max(left.type.scale, right.type.scale)
        parts = _whole_division(left, right, scale, scale)
        return slowly(left, right) if parts is None else _scaled(parts[1], target, scale)

    return evaluate


_ONE, _MINUS_ONE, _NOTHING = (pa.scalar(each, pa.decimal256(1, 0)) for each in (1, -1, 0))


def _zero(datum: Datum) -> pa.Scalar:
    return pa.scalar(0, datum.type)


def _whole_division(left: Datum, right: Datum, left_scale: int, right_scale: int) -> tuple[Datum, Datum, Datum] | None:
    """Quotient, rest and divisor of the digits at those scales, as whole numbers; None where Arrow cannot tell.

    Arrow's quotients by divisors of 2**32 and more are sometimes off, so the rest is checked.
    """
    try:
        a, b = _unscaled(left, left_scale, 56), _unscaled(right, right_scale, 18)
    except pa.ArrowInvalid:
        return None
    quotient = pc.cast(truncate(pc.divide(a, b), 0), pa.decimal256(56, 0))
    rest = pc.subtract(pc.cast(a, pa.decimal256(75, 0)), pc.multiply(quotient, b))
    small = pc.less(pc.abs(rest), pc.abs(b))
    nothing = _zero(rest)
    same_sign = pc.or_(pc.equal(rest, nothing), pc.equal(pc.less(rest, nothing), pc.less(a, _zero(a))))
    if not _holds(pc.and_(small, same_sign)):
        return None
    return quotient, pc.cast(rest, b.type), b


def _holds(condition: Datum) -> bool:
    """Nowhere FALSE."""
    result = condition if isinstance(condition, pa.Scalar) else pc.all(condition, min_count=0)
    return result.as_py() is not False


def _scaled(whole: Datum, target: pa.DataType, scale: int | None = None) -> Datum:
    """Digits as the decimal of that scale: 1250 of scale 3 is 1.25."""
    scale = target.scale if scale is None else scale
    unit = pa.scalar(power_of_ten(-scale), pa.decimal256(scale + 1, scale))
    if whole.type.precision + scale + 2 <= WIDE:
        return fit(pc.multiply(whole, unit), target)
    limit = pa.scalar(power_of_ten(38), pa.decimal256(39, 0))
    inside = pc.and_(pc.less(whole, limit), pc.greater(whole, pa.scalar(-power_of_ten(38), pa.decimal256(39, 0))))
    short = pc.cast(pc.if_else(inside, whole, pa.scalar(None, whole.type)), pa.decimal256(38, 0))
    return fit(
        short
        if not scale
        else pc.multiply(short, pa.scalar(power_of_ten(-scale), pa.decimal256(min(scale + 1, 37), scale))),
        target,
    )


def exactly(name: str, left: Decimal, right: Decimal, scale: int, whole_digits: int) -> Decimal | None:
    """One operation, rounded half away from zero; None where the result has more digits before the point."""
    if name in "/%" and not right:
        raise pa.ArrowInvalid("divide by zero")
    with localcontext(prec=400):
        result = _EXACT[name](left, right)
        if result and result.adjusted() > 2 * WIDE:
            return None
        rounded = result.quantize(power_of_ten(-scale), ROUND_HALF_UP)
        return rounded if abs(rounded) < power_of_ten(whole_digits) else None


_EXACT: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}


def _slowly(name: str, target: pa.DataType) -> Callable[[Datum, Datum], Datum]:
    """Row by row: for numbers of nearly 38 digits, which do not fit the widest Arrow decimal while computing."""
    scale, whole_digits = target.scale, target.precision - target.scale

    def result(a: Decimal | None, b: Decimal | None) -> Decimal | None:
        return None if a is None or b is None else exactly(name, a, b, scale, whole_digits)

    def evaluate(a: pa.Array, b: pa.Array) -> pa.Array:
        pairs = zip(a.to_pylist(), b.to_pylist(), strict=True)
        return pa.array([result(x, y) for x, y in pairs], target)

    return over_arrays(evaluate)


def _unscaled(datum: Datum, scale: int, precision: int) -> Datum:
    """The digits of a decimal as a whole number: 1.25 of scale 3 is 1250."""
    unit = pa.scalar(power_of_ten(scale), pa.decimal256(scale + 1, 0))
    return pc.cast(pc.multiply(_widen(datum), unit), pa.decimal256(precision, 0))


def from_integer(datum: Datum, type_: pa.DataType) -> Datum:
    """An integer as DECIMAL; NULL where it has too many digits."""
    digits = _INTEGER_DIGITS[datum.type.bit_width]
    if type_.precision - type_.scale < digits:
        limit = 10 ** (type_.precision - type_.scale)
        inside = pc.and_(pc.less(datum, pa.scalar(limit, pa.int64())), pc.greater(datum, pa.scalar(-limit, pa.int64())))
        datum = pc.if_else(inside, datum, pa.scalar(None, datum.type))
    exact = pa.decimal128 if digits + type_.scale <= 38 else pa.decimal256
    return pc.cast(pc.cast(datum, exact(digits + type_.scale, type_.scale)), type_)


_INTEGER_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}


def to_double(array: pa.Array) -> pa.Array:
    """The nearest double: the digits divided once by a power of ten (Arrow's own cast may be off in the last bit)."""
    low, high = _words(array)
    small = (high == low >> 63) & (np.abs(low) < 1 << 53)
    missing = nulls(array)
    if array.type.scale <= 22 and (small if missing is None else small | missing).all():
        return with_nulls(low.astype(np.float64) / 10.0**array.type.scale, pa.float64(), array)
    return pc.cast(pc.cast(array, pa.string()), pa.float64())


def from_double(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """The DECIMAL nearest to the shortest text of a double; NULL where it has too many digits or is not a number."""
    array = pc.cast(array, pa.float64())
    digits, sure = _surely_rounded(numbers(array), type_.scale)
    missing = nulls(array)
    result = _of_digits(digits, type_, missing)
    doubtful = ~sure if missing is None else ~(sure | missing)
    if not doubtful.any():
        return result
    mask = pa.array(doubtful)
    return pc.replace_with_mask(result, mask, _from_shortest_text(array.filter(mask), type_))


def _surely_rounded(values: npt.NDArray[np.float64], scale: int) -> tuple[npt.NDArray[np.int64], Mask]:
    """The rounded digits, and where they are sure: small enough that the product is off by less than 0.01."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.abs(values) * 10.0 ** min(scale, 22)
        whole = np.floor(scaled)
        rest = scaled - whole
        sure = (scaled < 2.0**44) & (np.abs(rest - 0.5) > 0.01) & (scale <= 22)
    digits = np.where(sure, whole + (rest > 0.5), 0.0).astype(np.int64)
    return np.where(values < 0, -digits, digits), sure


def _from_shortest_text(array: pa.Array, type_: pa.DataType) -> pa.Array:
    values = numbers(array)
    with np.errstate(invalid="ignore"):
        fits = np.abs(values) < 10.0 ** (type_.precision - type_.scale)
        tiny = np.abs(values) < 10.0 ** -(type_.scale + 1)
    if (missing := nulls(array)) is not None:
        fits &= ~missing
    large = fits & (np.abs(values) >= 1e15)
    text = pc.cast(array, pa.string())
    result = _from_text(text, fits & ~tiny & ~large, fits, 60, type_)
    if not large.any():
        return result
    # Fraction digits beyond the 60th count only in small numbers, whole digits beyond the 16th only in large ones.
    return pc.if_else(pa.array(large), _from_text(text, large, large, 20, type_), result)


def _from_text(text: pa.Array, use: Mask, fits: Mask, scale: int, type_: pa.DataType) -> pa.Array:
    """The text as DECIMAL where `use`, NULL where not `fits`, else zero."""
    zero = pc.if_else(pa.array(fits), pa.scalar("0"), pa.scalar(None, pa.string()))
    return fit(pc.cast(pc.if_else(pa.array(use), text, zero), pa.decimal256(WIDE, scale)), type_)


OPERATIONS: dict[str, Callable[[SqlType], Callable[[Datum, Datum], Datum]]] = {
    "+": partial(arithmetic, "+"),
    "-": partial(arithmetic, "-"),
    "*": partial(arithmetic, "*"),
    "/": division,
    "%": remainder,
}
"""Each operation, given the type of its result."""
