"""Decimals as Java writes them: without trailing zeros, with an exponent where they are large or very small."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from streamsql_connectors.formats.text_render import unscaled

_SMALLEST_PLAIN = -6
"""The exponent down to which numbers are written without one."""


def scientific(values: pa.Array) -> pa.Array:
    """
    >>> from decimal import Decimal
    >>> scientific(pa.array([Decimal("100.00"), Decimal("-1.50"), Decimal("0.00")])).to_pylist()
    ['1E+2', '-1.5', '0']
    """
    text = pc.cast(unscaled(values), pa.string())
    sign = pc.if_else(pc.starts_with(text, "-"), "-", "")
    all_digits = pc.utf8_ltrim(text, "-")
    digits = pc.utf8_rtrim(all_digits, "0")
    digits = pc.if_else(pc.equal(digits, ""), "0", digits)
    zero = pc.equal(digits, "0")
    dropped = pc.subtract(pc.utf8_length(all_digits), pc.utf8_length(digits))
    scale = pc.if_else(zero, 0, pc.subtract(pa.scalar(values.type.scale, pa.int32()), dropped))
    exponent = pc.subtract(pc.subtract(pc.utf8_length(digits), 1), scale)
    plain = pc.and_(pc.greater_equal(scale, 0), pc.greater_equal(exponent, _SMALLEST_PLAIN))
    number = pc.if_else(plain, _plain(digits, scale), _with_exponent(digits, exponent))
    return pc.binary_join_element_wise(sign, number, "")


def _plain(digits: pa.Array, scale: pa.Array) -> pa.Array:
    """Digits with a point before the last `scale`, which differs from value to value: once for each that occurs."""
    result = digits
    for each in pc.unique(scale).drop_null().to_pylist():
        if each > 0:
            padded = pc.utf8_lpad(digits, each + 1, "0")
            whole, part = pc.utf8_slice_codeunits(padded, 0, -each), pc.utf8_slice_codeunits(padded, -each)
            result = pc.if_else(pc.equal(scale, each), pc.binary_join_element_wise(whole, part, "."), result)
    return result


def _with_exponent(digits: pa.Array, exponent: pa.Array) -> pa.Array:
    rest = pc.utf8_slice_codeunits(digits, 1)
    point = pc.if_else(pc.equal(rest, ""), "", ".")
    sign = pc.if_else(pc.less(exponent, 0), "E", "E+")
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(digits, 0, 1), point, rest, sign, pc.cast(exponent, pa.string()), ""
    )
