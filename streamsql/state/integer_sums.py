"""Exact sums of integers and decimals: one int64 where that provably holds, else limbs of 32 bits.

A sum is c0 + c1 * 2**32 + c2 * 2**64 + c3 * 2**96, where any c may be any int64 and c1 to c3 may be absent. That holds
2**31 values of 128 bits, and a plain int64 sum is the case of c0 alone.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.fixed_width import AnyArray, BoolArray, Int64Array, values_of
from streamsql.state.linear import Columns, Linear, Rows, Values, scatter_add

LIMBS = ("", ".1", ".2", ".3")
_MASK = np.int64(0xFFFFFFFF)
_SHIFT = np.int64(32)
_LIMIT = 1 << 63

Limbs = tuple[Int64Array, Int64Array, Int64Array, Int64Array]


@record
class IntegerSum(Linear):
    """The sum of integers, or of the unscaled values of decimals."""

    type: pa.DataType
    suffixes: ClassVar[tuple[str, ...]] = LIMBS[1:]

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        values = values_of(rows)
        sign = None if weights is None else weights.astype(np.int64)
        if values.ndim == 1:
            whole = values.astype(np.int64, copy=False)
            if values.itemsize < 8 or _fits(whole):
                return {"": scatter_add(ids, size, whole if sign is None else whole * sign)}
            return scatter_limbs(ids, size, _split(whole), sign)
        low, high = np.ascontiguousarray(values[:, 0]), np.ascontiguousarray(values[:, 1])
        if (self.type.precision <= 18 or bool((high == low >> np.int64(63)).all())) and _fits(low):
            return {"": scatter_add(ids, size, low if sign is None else low * sign)}
        return scatter_limbs(ids, size, _split_words(low, high), sign)

    def with_counts(self, ids: Int64Array, size: int, rows: Rows) -> tuple[Int64Array, Columns] | None:
        """In one pass, where count and sum fit one number: the count stands above the bits that the sum can have."""
        values = values_of(rows)
        room = 63 - len(values).bit_length()
        if values.ndim > 1 or 2 * size >= len(values) or _largest(values) * len(values) >= 1 << (room - 1):
            return None
        both = scatter_add(ids, size, np.add(values, 1 << room, dtype=np.int64))
        counts = (both + (1 << (room - 1))) >> np.int64(room)
        return counts, {"": both - (counts << np.int64(room))}

    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        if LIMBS[1] not in columns and _fits(columns[""]):
            return {"": scatter_add(ids, size, columns[""])}
        return scatter_limbs(ids, size, limbs_of(columns), None)

    def combine(self, old: Columns, new: Columns) -> Columns:
        if LIMBS[1] not in old and LIMBS[1] not in new:
            total = old[""] + new[""]
            if not np.count_nonzero(((old[""] ^ total) & (new[""] ^ total)) < 0):
                return {"": total}
        pairs = zip(limbs_of(old), limbs_of(new), strict=True)
        return _columns(_carry(*(left + right for left, right in pairs)))

    def blank(self, size: int) -> Values:
        return np.zeros(size, np.int64)


def limbs_of(columns: Columns) -> Limbs:
    """The sums as four limbs: the lower three within 32 bits, the highest signed."""
    if LIMBS[1] not in columns:
        return _split(columns[""])
    first, second, third, fourth = (columns[each] for each in LIMBS)
    return _carry(first, second, third, fourth)


def is_narrow(columns: Columns) -> bool:
    """Whether column "" alone is the sum of every group."""
    return LIMBS[1] not in columns or not any(bool(np.any(columns[each])) for each in LIMBS[1:])


def words_of(columns: Columns) -> tuple[Int64Array, Int64Array, BoolArray]:
    """The sums as 128-bit numbers: low word, high word, and where 128 bits hold it."""
    first, second, third, fourth = limbs_of(columns)
    low, high = first | second << _SHIFT, third | fourth << _SHIFT
    return low, high, fourth == high >> _SHIFT


def python_ints(columns: Columns) -> npt.NDArray[np.object_]:
    """The sums as Python ints, for the few groups whose sum is too big for int64."""
    limbs = limbs_of(columns)
    total = limbs[3].astype(object)
    for each in limbs[2::-1]:
        total = total * (1 << 32) + each.astype(object)
    return np.asarray(total)


def _fits(values: Int64Array) -> bool:
    """Whether no sum over any of the values, each added or subtracted, can leave int64."""
    return sums_fit(_largest(values), len(values))


def sums_fit(largest: int, count: int) -> bool:
    """Whether no sum over any of so many values of at most this magnitude can leave int64."""
    return largest * count < _LIMIT


def _largest(values: AnyArray) -> int:
    """The largest magnitude."""
    return max(int(values.max()), -int(values.min())) if len(values) else 0


def _split(values: Int64Array) -> Limbs:
    return _split_words(values, values >> np.int64(63))


def _split_words(low: Int64Array, high: Int64Array) -> Limbs:
    return low & _MASK, low >> _SHIFT & _MASK, high & _MASK, high >> _SHIFT


def _carry(first: Int64Array, second: Int64Array, third: Int64Array, fourth: Int64Array) -> Limbs:
    second = second + (first >> _SHIFT)
    third = third + (second >> _SHIFT)
    return first & _MASK, second & _MASK, third & _MASK, fourth + (third >> _SHIFT)


def scatter_limbs(ids: Int64Array, size: int, limbs: Limbs, sign: Int64Array | None) -> Columns:
    """Sums of numbers in four limbs, each added or, where `sign` is -1, subtracted."""
    sums = [scatter_add(ids, size, each if sign is None else each * sign) for each in limbs]
    return _columns(_carry(*sums))


def _columns(limbs: Limbs) -> Columns:
    return dict(zip(LIMBS, limbs, strict=True))
