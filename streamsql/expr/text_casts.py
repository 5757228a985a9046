"""CAST between text and numbers, written and read as Java does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import decimals, time_casts
from streamsql.expr.casting import integer_limits
from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Datum
from streamsql.expr.types import INTEGERS, Kind, SqlType, arrow_type
from streamsql.expr.vectors import over_arrays, read_text

WHOLE_NUMBER = r"^[+-]?\d+(\.\d*)?$"
FLOATING_NUMBER = r"^[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)$"
EXACT_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
TRUE_TEXT = ("t", "true", "y", "yes", "1")
FALSE_TEXT = ("f", "false", "n", "no", "0")
_NO_TEXT = pa.scalar(None, pa.string())


def strict(parse: ArrowFunction, target: SqlType) -> ArrowFunction:
    """CAST instead of TRY_CAST: text that gives no value raises (a DECIMAL that is only too large is NULL)."""
    well_formed = partial(_matches, EXACT_NUMBER) if target.kind is Kind.DECIMAL else None

    def evaluate(array: pa.Array) -> pa.Array:
        result = parse(array)
        if result.null_count > array.null_count:
            lost = pc.and_(pc.is_null(result), pc.is_valid(array))
            if well_formed is not None:
                lost = pc.and_not(lost, pc.fill_null(well_formed(_trim(array)), False))
            if pc.any(lost).as_py():
                raise pa.ArrowInvalid("malformed text")
        return result

    return evaluate


def parser(target: SqlType) -> Callable[[pa.Array], pa.Array]:
    """Text as a number or BOOLEAN, NULL where it is none."""
    arrow = arrow_type(target)
    match target.kind:
        case Kind.BOOLEAN:
            return _parse_boolean
        case Kind.DECIMAL:
            return lambda array: _parse_decimal(array, arrow)
        case kind if kind in INTEGERS:
            return lambda array: _parse_integer(array, kind, arrow)
        case _:
            return lambda array: _parse_float(array, arrow)


def _trim(array: pa.Array) -> pa.Array:
    return pc.utf8_trim(array, characters=" ")


def _matches(pattern: str, array: pa.Array) -> pa.Array:
    return pc.match_substring_regex(array, pattern)


def _only(valid: pa.Array, text: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(valid, False), text, _NO_TEXT)


def _parse_boolean(array: pa.Array) -> pa.Array:
    text = pc.utf8_lower(_trim(array))
    true, false = (pc.is_in(text, value_set=pa.array(each)) for each in (TRUE_TEXT, FALSE_TEXT))
    return pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_()))


def _parse_integer(array: pa.Array, kind: Kind, arrow: pa.DataType) -> pa.Array:
    if (plain := _parse_plain_integer(array, arrow)) is not None:
        return plain
    text = _trim(array)
    text = _only(_matches(WHOLE_NUMBER, text), text)
    # Sign, then digits without leading zeros: at most 19 of them, and those compared as text.
    signed = pc.replace_substring_regex(text, r"^([+-]?)0*(\d*?)(\.\d*)?$", r"\1,\2")
    negative = pc.starts_with(signed, "-")
    figures = pc.utf8_ltrim(signed, characters="+-,")
    figures = pc.if_else(pc.equal(pc.utf8_length(figures), 0), pa.scalar("0"), figures)
    length = pc.utf8_length(figures)
    limit = pc.if_else(negative, pa.scalar("9223372036854775808"), pa.scalar("9223372036854775807"))
    fits = pc.or_(pc.less(length, 19), pc.and_(pc.equal(length, 19), pc.less_equal(figures, limit)))
    sign = pc.if_else(negative, pa.scalar("-"), pa.scalar(""))
    values = pc.cast(_only(fits, pc.binary_join_element_wise(sign, figures, "")), pa.int64())
    low, high = integer_limits(kind)
    inside = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    return pc.cast(pc.if_else(inside, values, pa.scalar(None, pa.int64())), arrow)


def _parse_plain_integer(array: pa.Array, arrow: pa.DataType) -> pa.Array | None:
    """The fast way, where all texts are bare digits; None where one is not."""
    try:
        result = pc.cast(array, arrow)
    except pa.ArrowInvalid:
        return None
    # Arrow reads 0x1F too.
    hexadecimal = any(pc.any(pc.match_substring(array, each)).as_py() for each in "xX")
    return None if hexadecimal else result


def _parse_float(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    if (plain := read_text(array, arrow)) is not None and pc.all(pc.is_finite(plain), min_count=0).as_py():
        return plain
    text = _trim(array)
    text = _only(_matches(FLOATING_NUMBER, text), text)
    text = pc.replace_substring_regex(text, r"(?:^\+|[fFdD]$)", "")
    text = pc.replace_substring_regex(text, r"^(-?)NaN$", "nan")
    text = pc.replace_substring_regex(pc.replace_substring_regex(text, r"^(-?)\.", r"\10."), r"\.($|[eE])", r".0\1")
    return pc.cast(pc.replace_substring(text, "Infinity", "inf"), arrow)


def _parse_decimal(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    if (plain := read_text(array, arrow)) is not None:
        return plain
    text = _trim(array)
    text = _only(_matches(EXACT_NUMBER, text), text)
    parts = pc.extract_regex(text, r"^(?P<sign>[+-]?)(?P<whole>\d*)\.?(?P<rest>\d*)(?:[eE](?P<exponent>[+-]?\d+))?$")
    sign, whole, rest, exponent = parts.flatten()
    if pc.any(pc.greater(pc.utf8_length(exponent), 0)).as_py():
        return _parse_decimal_slowly(text, arrow)
    whole = pc.utf8_ltrim(whole, characters="0")
    fits = pc.less_equal(pc.utf8_length(whole), arrow.precision - arrow.scale)
    # A digit past the scale decides the rounding; those after it cannot change it.
    shown = pc.utf8_slice_codeunits(rest, 0, arrow.scale + 1)
    whole = pc.if_else(pc.equal(pc.utf8_length(whole), 0), pa.scalar("0"), whole)
    sign = pc.if_else(pc.equal(sign, "-"), pa.scalar("-"), pa.scalar(""))
    plain = pc.binary_join_element_wise(pc.binary_join_element_wise(sign, whole, ""), pc.utf8_rpad(shown, 1, "0"), ".")
    return decimals.fit(pc.cast(_only(fits, plain), pa.decimal256(76, arrow.scale + 1)), arrow)


def _parse_decimal_slowly(text: pa.Array, arrow: pa.DataType) -> pa.Array:
    """Text with exponents: rare, one at a time."""

    def value(each: str | None) -> Decimal | None:
        if each is None:
            return None
        return decimals.exactly("+", Decimal(each), Decimal(0), arrow.scale, arrow.precision - arrow.scale)

    return pa.array([value(each) for each in text.to_pylist()], arrow)


def to_length(target: SqlType) -> ArrowFunction | None:
    """Cut to VARCHAR(n), cut and pad to CHAR(n); None for STRING."""
    length = target.precision
    if length is None:
        return None
    if target.kind is Kind.VARCHAR:
        return lambda datum: pc.utf8_slice_codeunits(datum, 0, length)
    return lambda datum: pc.utf8_rpad(pc.utf8_slice_codeunits(datum, 0, length), length)


def bytes_to_length(target: SqlType) -> ArrowFunction:
    """Cut to VARBINARY(n), cut and pad with zero bytes to BINARY(n)."""
    length = target.precision
    if length is None:
        return lambda datum: datum
    if target.kind is Kind.VARBINARY:
        return lambda datum: pc.binary_slice(datum, 0, length)
    padding = pa.scalar(bytes(length), pa.binary())
    return lambda datum: pc.binary_slice(
        pc.binary_join_element_wise(datum, padding, pa.scalar(b"", pa.binary())), 0, length
    )


def to_text(source: SqlType, safe: bool, context: EvalContext) -> ArrowFunction:
    """A value as Java writes it; bytes are UTF-8, and what is not fails, or is NULL where `safe`."""
    match source.kind:
        case Kind.BOOLEAN:
            true, false = pa.scalar("TRUE"), pa.scalar("FALSE")
            return lambda datum: pc.if_else(datum, true, false)
        case Kind.DECIMAL:
            return over_arrays(decimal_text)
        case Kind.FLOAT | Kind.DOUBLE:
            return over_arrays(java_floating_text)
        case Kind.BINARY | Kind.VARBINARY if safe:
            return over_arrays(_decoded_where_valid)
        case Kind.INTERVAL_MONTH:
            return months_text
        case Kind.INTERVAL_DAY:
            return time_of_interval_text
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return time_casts.to_text(source, context)
        case _:
            return lambda datum: pc.cast(datum, pa.string())


def _decoded_where_valid(array: pa.Array) -> pa.Array:
    """Bytes as text, NULL where they are not UTF-8."""
    try:
        return pc.cast(array, pa.string())
    except pa.ArrowInvalid:
        return pa.array([_decoded(each) for each in array.to_pylist()], pa.string())


def _decoded(data: bytes | None) -> str | None:
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def _sign(whole: Datum) -> Datum:
    return pc.if_else(pc.less(whole, 0), pa.scalar("-"), pa.scalar("+"))


def _divided(whole: Datum, unit: int) -> tuple[Datum, Datum]:
    """Quotient and rest of what is not negative."""
    quotient = pc.divide(whole, unit)
    return quotient, pc.subtract(whole, pc.multiply(quotient, unit))


def _figures(whole: Datum, width: int) -> Datum:
    return pc.utf8_lpad(pc.cast(whole, pa.string()), width, "0")


def months_text(months: Datum) -> Datum:
    """14 months as `+1-02`."""
    years, rest = _divided(pc.abs(pc.cast(months, pa.int64())), 12)
    years_text = pc.binary_join_element_wise(_sign(months), pc.cast(years, pa.string()), "")
    return pc.binary_join_element_wise(years_text, _figures(rest, 2), "-")


def time_of_interval_text(interval: Datum) -> Datum:
    """`+1 10:17:36.789`: days, clock and milliseconds, or microseconds where there are any."""
    micros = pc.cast(interval, pa.int64())
    seconds, fraction = _divided(pc.abs(micros), 1_000_000)
    minutes, second = _divided(seconds, 60)
    hours, minute = _divided(minutes, 60)
    days, hour = _divided(hours, 24)
    clock = pc.binary_join_element_wise(*(_figures(each, 2) for each in (hour, minute, second)), ":")
    short = pc.replace_substring_regex(_figures(fraction, 6), "000$", "")
    day = pc.binary_join_element_wise(_sign(micros), pc.cast(days, pa.string()), "")
    return pc.binary_join_element_wise(day, pa.scalar(" "), clock, pa.scalar("."), short, "")


def decimal_text(array: pa.Array) -> pa.Array:
    """All digits, never an exponent (Arrow writes 0E-7 for small ones)."""
    text = pc.cast(array, pa.string())
    if not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    scale = array.type.scale
    unit = pa.scalar(decimals.power_of_ten(scale), pa.decimal256(scale + 1, 0))
    whole = pc.cast(pc.multiply(pc.cast(array, pa.decimal256(array.type.precision, scale)), unit), pa.decimal256(75, 0))
    figures = pc.utf8_lpad(pc.cast(pc.abs(whole), pa.string()), scale + 1, "0")
    sign = pc.if_else(pc.less(array, pa.scalar(0, array.type)), pa.scalar("-"), pa.scalar(""))
    before = pc.utf8_slice_codeunits(figures, 0, -scale)
    return pc.binary_join_element_wise(sign, before, pa.scalar("."), pc.utf8_slice_codeunits(figures, -scale, None), "")


def java_floating_text(array: pa.Array) -> pa.Array:
    """Java's Double.toString: plain from 0.001 up to 10,000,000, else with an exponent; as few digits as do."""
    text = pc.cast(array, pa.string())
    text = pc.if_else(pc.equal(text, "nan"), pa.scalar("NaN"), pc.replace_substring(text, "inf", "Infinity"))
    text = pc.replace_substring_regex(text, r"^(-?\d+)$", r"\1.0")
    size = pc.abs(array)
    odd = pc.and_(pc.is_finite(array), pc.or_(pc.less(size, 1e-3), pc.greater_equal(size, 1e7)))
    odd = pc.fill_null(pc.and_(odd, pc.not_equal(size, 0.0)), False)
    if not pc.any(odd).as_py():
        return text
    return pc.replace_with_mask(text, odd, _scientific(text.filter(odd)))


def _scientific(text: pa.Array) -> pa.Array:
    """`-?ddd.ddd(e±dd)?` as `d.dddE±d`, by moving the point behind the first digit that is not zero."""
    pattern = r"^(?P<sign>-?)(?P<whole>\d+)(?:\.(?P<rest>\d+))?(?:e(?P<exponent>[+-]\d+))?$"
    sign, whole, rest, exponent = pc.extract_regex(text, pattern).flatten()
    joined = pc.binary_join_element_wise(whole, rest, "")
    figures = pc.utf8_ltrim(joined, characters="0")
    leading = pc.subtract(pc.utf8_length(joined), pc.utf8_length(figures))
    shift = pc.replace_substring_regex(pc.if_else(pc.equal(exponent, ""), pa.scalar("0"), exponent), r"^\+", "")
    power = pc.add(pc.cast(shift, pa.int32()), pc.subtract(pc.subtract(pc.utf8_length(whole), leading), 1))
    figures = pc.utf8_rpad(pc.utf8_rtrim(figures, characters="0"), 2, "0")
    mantissa = pc.replace_substring_regex(figures, r"^(\d)", r"\1.")
    return pc.binary_join_element_wise(sign, mantissa, pa.scalar("E"), pc.cast(power, pa.string()), "")
