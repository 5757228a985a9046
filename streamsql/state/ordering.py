"""Sorting several integers at once as one: many times faster than sorting by one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamsql.state.fixed_width import Int64Array

_BITS = 63


def stable_order(keys: Sequence[Int64Array]) -> Int64Array | None:
    """The positions of rows in ascending order of their keys, the first key first; None where they are in order."""
    count = len(keys[0])
    if count < 2 or (len(keys) == 1 and not (keys[0][1:] < keys[0][:-1]).any()):
        return None
    packed = packed_integers([*keys, np.arange(count)])
    if packed is None:
        return np.lexsort(tuple(reversed(keys))) if len(keys) > 1 else _order_of_wide(keys[0])
    numbers, bits = packed
    if not (numbers[1:] < numbers[:-1]).any():
        return None
    numbers.sort()
    return numbers & ((1 << bits[-1]) - 1)


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


def _order_of_wide(keys: Int64Array) -> Int64Array:
    order = np.argsort(keys)
    in_order = keys[order]
    return np.argsort(keys, kind="stable") if (in_order[1:] == in_order[:-1]).any() else order
