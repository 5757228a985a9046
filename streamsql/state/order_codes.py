"""Columns as integers that sort as SQL sorts their values: NaN last, text by code point, NULL where it is told to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.fixed_width import Int64Array, is_fixed_width, valid_of, values_of
from streamsql.state.grouping import normalize_key

_SIGN = np.int64(-(1 << 63))


def is_absolute(type_: pa.DataType) -> bool:
    """Whether one value has the same single code among any others, as long as no NULL is there."""
    return is_fixed_width(type_) and not (pa.types.is_decimal(type_) and type_.precision > 18)


def order_codes(values: pa.Array, *, ascending: bool = True, nulls_first: bool = True) -> list[Int64Array]:
    """The codes of a column, the most significant first; equal values, and only these, have equal codes.

    Codes of text and bytes hold among the given values only.
    """
    codes = _codes(normalize_key(values))
    if not ascending:
        codes = [~each for each in codes]
    valid = valid_of(values)
    if valid is None:
        return codes
    codes = [np.where(valid, each, 0) for each in codes]
    return [(valid if nulls_first else ~valid).astype(np.int64), *codes]


def _codes(values: pa.Array) -> list[Int64Array]:
    if not is_fixed_width(values.type):
        ranks = pc.rank(values, sort_keys="ascending", tiebreaker="dense")
        return [np.asarray(ranks.to_numpy(zero_copy_only=False)).astype(np.int64)]
    numbers = values_of(values)
    if numbers.ndim == 2:
        low, high = (np.ascontiguousarray(each) for each in numbers.T)
        return [low] if values.type.precision <= 18 else [high, low ^ _SIGN]
    if numbers.dtype.kind == "f":
        # IEEE 754 numbers sort as their bits do, where the bits of negative ones are turned round.
        bits = numbers.view(f"i{numbers.itemsize}").astype(np.int64)
        return [bits ^ (bits >> np.int64(63) & np.int64((1 << (8 * numbers.itemsize - 1)) - 1))]
    return [numbers.astype(np.int64)]
