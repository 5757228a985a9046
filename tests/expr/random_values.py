"""Random values of every type, with the awkward ones well represented."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from streamsql.expr.types import Kind, SqlType

DAY = 86_400_000_000
NUMBER_TEXT, TIME_TEXT = SqlType(Kind.VARCHAR, 1001), SqlType(Kind.VARCHAR, 1002)
"""Stand for text that holds numbers, and text that holds times."""


def _integers(bits: int) -> st.SearchStrategy[int]:
    half = 1 << (bits - 1)
    small = st.sampled_from([0, 1, -1, 2, -2, 3, 7, 10, -10, 49, 50, -half, -half + 1, half - 1])
    return small | st.integers(-half, half - 1)


_SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.5, 0.5, 2.345, 1e20, 1e-5, 12345678.9, 99999.5]
_LARGE = [1.005, -2.5, 1e300, 3.99, 2147483648.0, 1e15, 9.5e-4]
DOUBLES = st.sampled_from(_SPECIAL + _LARGE) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
FLOATS = st.sampled_from(_SPECIAL) | st.floats(-1e3, 1e3).map(lambda x: round(x, 2))
_TEXTS = "| |a|abc|Hello, World|żółć naïve 日本|  padded  |x=1&y=22|a.b.c|100%|a_b|aaa|42nd MiXeD"
_NUMBERS = (
    "|42| 7 |3.99|abc|1e3|-0|+5|9223372036854775808|-9223372036854775808|0x1F|00012|3.|.5|NaN|Infinity|1.5f|128|-129"
    "|TRUE|no|2147483648|1.005|99999.95|1e400|12 3|- 1"
)
_TIMES = (
    "|42|2025-02-30|2025-1-2 3:4:5|2025-01-02 24:00:00|2025-01-02T00:00:00| 2025-01-02|2025-01-02 00:00"
    "|2025-01-02 10:00:00.123456789|not a time|1965-12-31 23:59:59.5|2025-13-01|2025-06-02 10:59:60|10:20:30.5"
    "|31.12.23 11:59 PM"
)
TEXTS = st.sampled_from(_TEXTS.split("|")) | st.text("aAbB 1.%_,", max_size=6)
NUMBER_TEXTS = st.sampled_from(_NUMBERS.split("|"))
TIME_TEXTS = st.sampled_from(_TIMES.split("|"))
MICROS = st.sampled_from(
    [0, -1, 1, DAY - 1, -DAY, 1_740_787_199_999_000, 1_709_208_000_000_000, -142_080_344_984_000, 1_735_689_600_000_000]
) | st.integers(-60 * 365 * DAY, 130 * 365 * DAY)
DAYS = st.sampled_from([0, -1, 20_147, 19_782, -25_509, 20_089]) | st.integers(-20_000, 40_000)


def _decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    top, one = 10**precision - 1, 10**scale
    whole = st.sampled_from([0, 1, -1, 5, -5, 15, top, -top, one, 2**32 * one - one // 2]) | st.integers(-top, top)
    return whole.map(lambda each: Decimal(f"{max(-top, min(top, each))}E-{scale}"))


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BOOLEAN: st.booleans(),
    Kind.TINYINT: _integers(8),
    Kind.SMALLINT: _integers(16),
    Kind.INT: _integers(32),
    Kind.BIGINT: _integers(64),
    Kind.FLOAT: FLOATS.map(lambda x: pa.scalar(x, pa.float32()).as_py()),
    Kind.DOUBLE: DOUBLES,
    Kind.VARCHAR: TEXTS,
    Kind.VARBINARY: st.sampled_from([b"", b"a", b"\x00\xff", "żółć".encode()]) | st.binary(max_size=4),
    Kind.DATE: DAYS,
    Kind.TIME: st.integers(0, DAY - 1),
    Kind.TIMESTAMP: MICROS,
    Kind.TIMESTAMP_LTZ: MICROS,
    Kind.INTERVAL_DAY: st.integers(-40 * DAY, 40 * DAY),
    Kind.INTERVAL_MONTH: st.integers(-30, 30),
}


def values(type_: SqlType) -> st.SearchStrategy[Any]:
    """Values of a type as a Literal holds them; a quarter is NULL."""
    if type_ in (NUMBER_TEXT, TIME_TEXT):
        one = NUMBER_TEXTS if type_ == NUMBER_TEXT else TIME_TEXTS
    elif type_.kind is Kind.DECIMAL:
        one = _decimals(type_.precision or 0, type_.scale or 0)
    elif type_.kind is Kind.ARRAY:
        one = st.lists(values(type_.children[0]), max_size=3).map(tuple)
    elif type_.kind is Kind.MAP:
        keys, items = values(type_.children[0]).filter(lambda key: key is not None), values(type_.children[1])
        one = st.dictionaries(keys, items, max_size=3).map(lambda each: tuple(each.items()))
    elif type_.kind is Kind.ROW:
        one = st.tuples(*(values(each) for each in type_.children))
    else:
        one = VALUES[type_.kind]
    return st.one_of(one, one, one, st.none())
