"""Columns to text, column at a time: what JSON lines, CSV and the print connector write."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import DataError
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, Kind, SqlType

_DAY_SECONDS = 86_400


def value_bytes(values: pa.Array) -> pa.Buffer:
    """The values of a string column without NULLs, one behind the other, without copying."""
    if not len(values):
        return pa.py_buffer(b"")
    _, offsets, data = values.buffers()
    width = 8 if pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type) else 4
    kind = pa.int64() if width == 8 else pa.int32()
    first, last = (
        pa.Array.from_buffers(kind, 1, [None, offsets], offset=values.offset + position)[0].as_py()
        for position in (0, len(values))
    )
    return data.slice(first, last - first) if data is not None else pa.py_buffer(b"")


def render_scalar(values: pa.Array, type_: SqlType, *, iso: bool = False) -> pa.Array:
    """The text of a column of a scalar type, unquoted; NULL stays NULL.

    Times have at least three digits of a second, LTZ times end with Z, decimals show their scale, bytes are base64,
    floats are NaN, Infinity, -Infinity or the shortest text that reads back as the same number. `iso`: T between date
    and time.
    """
    kind = type_.kind
    if kind in STRINGS:
        return values.cast(pa.string())
    if kind in (Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ):
        return _timestamps(values, type_, iso)
    render = _RENDERERS.get(kind)
    if render is None:
        raise DataError(f"{type_} has no text form")
    return render(values, type_)


def _plain(values: pa.Array, type_: SqlType) -> pa.Array:
    return pc.cast(values, pa.string())


def _nothing(values: pa.Array, type_: SqlType) -> pa.Array:
    return pa.nulls(len(values), pa.string())


_SPECIAL_FLOATS = (("nan", "NaN"), ("-nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity"))
_NEVER_EXPONENT = 6
"""Up to this scale Arrow writes decimals without an exponent."""


def _floats(values: pa.Array, type_: SqlType) -> pa.Array:
    text = pc.cast(values, pa.string())
    numbers = values.fill_null(0.5).to_numpy(zero_copy_only=False)
    if not np.isfinite(numbers).all():
        for spelled, name in _SPECIAL_FLOATS:
            text = pc.if_else(pc.equal(text, spelled), name, text)
    whole = np.isfinite(numbers) & (numbers == np.trunc(numbers))
    if not whole.any():
        return text
    bare = pc.and_(pa.array(whole), pc.invert(pc.match_substring(text, "e")))
    return pc.if_else(bare, pc.binary_join_element_wise(text, ".0", ""), text)


def _decimals(values: pa.Array, type_: SqlType) -> pa.Array:
    scale = type_.scale or 0
    if scale <= _NEVER_EXPONENT:
        return pc.cast(values, pa.string())
    # Arrow writes small decimals as 1E-7, so the unscaled digits are written and the point put in.
    digits = pc.cast(unscaled(values), pa.string())
    negative = pc.starts_with(digits, "-")
    magnitude = pc.utf8_lpad(pc.utf8_ltrim(digits, "-"), scale + 1, "0")
    pointed = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(magnitude, 0, -scale), pc.utf8_slice_codeunits(magnitude, -scale), "."
    )
    return pc.if_else(negative, pc.binary_join_element_wise("-", pointed, ""), pointed)


def unscaled(values: pa.Array) -> pa.Array:
    """The digits of decimals, as if their scale were 0."""
    validity, data = values.buffers()
    return pa.Array.from_buffers(pa.decimal128(38, 0), len(values), [validity, data], offset=values.offset)


def _timestamps(values: pa.Array, type_: SqlType, iso: bool) -> pa.Array:
    digits = max(type_.precision or 0, 3)
    text = _cut_fraction(_clock_text(pc.cast(values, pa.timestamp("us")), digits), digits)
    if iso:
        text = pc.replace_substring(text, " ", "T", max_replacements=1)
    return pc.binary_join_element_wise(text, "Z", "") if type_.kind is Kind.TIMESTAMP_LTZ else text


def _clock_text(values: pa.Array, digits: int) -> pa.Array:
    if digits == 3:
        return pc.cast(pc.cast(pc.floor_temporal(values, unit="millisecond"), pa.timestamp("ms")), pa.string())
    return pc.cast(values, pa.string())


def _cut_fraction(text: pa.Array, digits: int) -> pa.Array:
    return text if digits in (3, 6) else pc.utf8_slice_codeunits(text, 0, digits - 6)


def _times(values: pa.Array, type_: SqlType) -> pa.Array:
    text = pc.cast(values, pa.string())
    digits = type_.precision or 0
    return text if digits == 6 else pc.utf8_slice_codeunits(text, 0, 8 if digits == 0 else 9 + digits)


def _base64(values: pa.Array, type_: SqlType) -> pa.Array:
    from streamsql_connectors import duck

    (text,) = duck.project({"t": values}, "to_base64(t)")
    return text


def _day_interval(values: pa.Array, type_: SqlType) -> pa.Array:
    """`+1 02:03:04.005`, as Flink casts an interval."""
    micros = pc.cast(values, pa.int64())
    size = pc.abs(micros)
    days = pc.cast(pc.divide(size, _DAY_SECONDS * 1_000_000), pa.string())
    rest = pc.subtract(size, pc.multiply(pc.divide(size, _DAY_SECONDS * 1_000_000), _DAY_SECONDS * 1_000_000))
    clock = pc.utf8_slice_codeunits(pc.cast(pc.cast(rest, pa.timestamp("us")), pa.string()), 11, 23)
    sign = pc.if_else(pc.less(micros, 0), "-", "+")
    return pc.binary_join_element_wise(sign, days, pc.binary_join_element_wise(" ", clock, ""), "")


def _month_interval(values: pa.Array, type_: SqlType) -> pa.Array:
    """`+1-02`: years and months."""
    size = pc.abs(pc.cast(values, pa.int64()))
    years = pc.divide(size, 12)
    months = pc.utf8_lpad(pc.cast(pc.subtract(size, pc.multiply(years, 12)), pa.string()), 2, "0")
    sign = pc.if_else(pc.less(values, 0), "-", "+")
    return pc.binary_join_element_wise(sign, pc.cast(years, pa.string()), "-", months, "")


_RENDERERS: dict[Kind, Callable[[pa.Array, SqlType], pa.Array]] = {
    Kind.NULL: _nothing,
    Kind.BOOLEAN: _plain,
    **dict.fromkeys(INTEGERS, _plain),
    **dict.fromkeys(FLOATS, _floats),
    Kind.DECIMAL: _decimals,
    Kind.DATE: _plain,
    Kind.TIME: _times,
    **dict.fromkeys(BYTES_KINDS, _base64),
    Kind.INTERVAL_DAY: _day_interval,
    Kind.INTERVAL_MONTH: _month_interval,
}
