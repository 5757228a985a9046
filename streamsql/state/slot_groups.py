"""Groups of integer keys that lie close together: each combination of values has a slot, and none is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import pyarrow as pa

from streamsql import compiled
from streamsql.record import record
from streamsql.state.fixed_width import AnyArray, Int64Array, array_of, is_fixed_width, values_of


@record
class KeyGrid:
    """The slots of combinations of keys: these are the digits of one number, the first key the highest digit.

    `lows` and `spans`: of each key, the smallest value and how many there are from it to the largest.
    """

    lows: tuple[int, ...]
    spans: tuple[int, ...]
    types: tuple[pa.DataType, ...]

    @property
    def width(self) -> int:
        """How many slots there are."""
        return prod(self.spans)

    def keys(self, slots: Int64Array) -> tuple[pa.Array, ...]:
        """The key columns of slots."""
        columns: list[pa.Array] = []
        higher = self.width
        for low, span, type_ in zip(self.lows[::-1], self.spans[::-1], self.types[::-1], strict=True):
            higher //= span
            digits = slots
            if higher > 1:
                # Faster than divmod, which numpy does one by one.
                slots = slots // span
                digits = digits - slots * span
            elif span == 1:
                digits = np.zeros(len(slots), np.int64)
            columns.append(array_of((digits + low).astype(_integer(type_), copy=False), None, type_))
        return tuple(columns[::-1])


def key_slots(columns: Sequence[pa.Array], most: int) -> tuple[Int64Array, KeyGrid] | None:
    """The slot of each row of normalised columns (at least one); None where keys are no integers or need too many."""
    if not all(is_fixed_width(each.type) and not each.null_count and len(each) for each in columns):
        return None
    values = [values_of(each) for each in columns]
    if any(each.dtype.kind != "i" or each.ndim > 1 for each in values):
        return None
    lows = tuple(int(each.min()) for each in values)
    spans = tuple(int(each.max()) - low + 1 for each, low in zip(values, lows, strict=True))
    if prod(spans) > most:
        return None
    return _number(values, lows, spans), KeyGrid(lows, spans, tuple(each.type for each in columns))


def _number(values: Sequence[AnyArray], lows: Sequence[int], spans: Sequence[int]) -> Int64Array:
    """The digits as one number; what it begins with is taken off at the end, so that arithmetic may wrap on the way."""
    digits = [each for each in zip(values, lows, spans, strict=True) if each[2] > 1]
    if not digits:
        return np.zeros(len(values[0]), np.int64)
    base = 0
    for _, low, span in digits:
        base = base * span + low
    wrapped = (base + (1 << 63)) % (1 << 64) - (1 << 63)
    columns = [each.astype(np.int64, copy=False) for each, _, _ in digits]
    if len(digits) == 2 and (fast := compiled.kernels(len(columns[0]))) is not None:
        numbers: Int64Array = fast.two_digits(*map(compiled.plain, columns), digits[1][2], wrapped)
        return numbers
    slots = columns[0]
    for each, (_, _, span) in zip(columns[1:], digits[1:], strict=True):
        slots = slots * span
        slots += each
    return slots - np.int64(wrapped)


def _integer(type_: pa.DataType) -> np.dtype[np.signedinteger]:
    return np.dtype(f"i{type_.bit_width // 8}")
