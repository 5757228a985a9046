"""Sorting by whole numbers: a column and the row's place packed into one number, which sorts many times faster.

What takes more bits than one number has is sorted digit by digit, the least significant first, each sort stable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamsql.state.fixed_width import AnyArray, Int64Array

_BITS = 63
_HALF = 31
_FEW = 64
"""Below so many rows, packing costs more than it saves."""


def stable_order(keys: Sequence[AnyArray]) -> Int64Array | None:
    """The positions of rows in ascending order of their keys, the first key first; None where they are in order.

    Keys are columns of integers or booleans of one length; equal rows keep their order.
    """
    count = len(keys[0])
    if count < 2 or (len(keys) == 1 and not (keys[0][1:] < keys[0][:-1]).any()):
        return None
    if count < _FEW:
        order = np.lexsort(tuple(reversed(keys)))
        return None if bool((order[1:] > order[:-1]).all()) else order
    found: Int64Array | None = None
    for numbers, _ in reversed(_numbers(keys, _BITS - (count - 1).bit_length())):
        found = _after(found, numbers)
    return found


def lexical_order(keys: Sequence[AnyArray]) -> Int64Array:
    """As `stable_order`, with positions also where the rows are in order."""
    order = stable_order(keys)
    return np.arange(len(keys[0])) if order is None else order


def best_of_groups(groups: Int64Array, count: int, keys: Sequence[AnyArray], *, later_first: bool) -> Int64Array:
    """Of each of `count` groups, numbered from 0 and none without a row, the row that is first by the keys.

    Of equal rows it is the first, or the last where `later_first`.
    """
    last = len(groups) - 1
    rows = np.arange(last, -1, -1) if later_first else np.arange(len(groups))
    width = last.bit_length()
    numbers = _numbers(keys, _BITS - width)
    if len(numbers) > 1:
        order = lexical_order([groups, *keys, rows])
        return order[np.flatnonzero(np.diff(groups[order], prepend=-1))]
    best = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(best, groups, (numbers[0][0] << np.int64(width)) | rows if numbers else rows)
    best &= (1 << width) - 1
    return last - best if later_first else best


def distinct(values: Int64Array) -> Int64Array:
    """Each value once, ascending."""
    in_order = np.sort(values)
    new = np.ones(len(in_order), np.bool_)
    np.not_equal(in_order[1:], in_order[:-1], out=new[1:])
    return in_order[new]


def packed_integers(keys: Sequence[Int64Array]) -> tuple[Int64Array, list[int]] | None:
    """Columns as one number each row that sorts as they do, and the bits of each; None where they take too many.

    Each column counts from its smallest value.
    """
    lows = [int(each.min()) for each in keys]
    bits = [(int(each.max()) - low).bit_length() for each, low in zip(keys, lows, strict=True)]
    if sum(bits) > _BITS:
        return None
    numbers = keys[0] - lows[0]
    for each, low, width in zip(keys[1:], lows[1:], bits[1:], strict=True):
        numbers <<= width
        numbers |= each - low if low else each
    return numbers, bits


def _numbers(keys: Sequence[AnyArray], room: int) -> list[tuple[Int64Array, int]]:
    """The keys as numbers of at most `room` bits, from 0 on, the most significant first; with their bits."""
    packed: list[tuple[Int64Array, int]] = []
    for digits, bits in (digit for key in keys for digit in _digits(key, room)):
        if packed and packed[-1][1] + bits <= room:
            number, width = packed[-1]
            packed[-1] = ((number << np.int64(bits)) | digits, width + bits)
        elif bits:
            packed.append((digits, bits))
    return packed


def _digits(key: AnyArray, room: int) -> list[tuple[Int64Array, int]]:
    """A key counted from its smallest value; in two halves where it takes more than `room` bits."""
    values = key.astype(np.int64, copy=False)
    low, high = int(values.min()), int(values.max())
    bits = (high - low).bit_length()
    if bits <= room:
        return [(values - low, bits)]
    least = low >> _HALF
    upper, lower = (values >> np.int64(_HALF)) - least, values & np.int64((1 << _HALF) - 1)
    return [(upper, ((high >> _HALF) - least).bit_length()), (lower, _HALF)]


def _after(order: Int64Array | None, numbers: Int64Array) -> Int64Array | None:
    """The order by a number of rows that are in an order by less significant ones."""
    values = numbers if order is None else numbers[order]
    if not (values[1:] < values[:-1]).any():
        return order
    row_bits = (len(values) - 1).bit_length()
    packed = (values << np.int64(row_bits)) | np.arange(len(values))
    packed.sort()
    packed &= (1 << row_bits) - 1
    return packed if order is None else order[packed]
