"""RowStore: rows by number, a growing column for each of theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.appended_columns import appended_column
from streamsql.state.fixed_width import BoolArray, Int64Array, take_rows
from streamsql.state.grouping import normalize_key

_COPIED_AT_ONCE = 1 << 16


class RowStore:
    """Rows are written behind the last one and read in any order; nothing moves but when all are copied together."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._columns = [appended_column(each.type) for each in schema]
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, columns: Sequence[pa.Array], count: int) -> Int64Array:
        """Write so many rows; their numbers, which follow the last one."""
        numbers = np.arange(self._size, self._size + count)
        for stored, column in zip(self._columns, columns, strict=True):
            stored.append(self._size, column)
        self._size += count
        return numbers

    def take(self, numbers: Int64Array, positions: Sequence[int] | None = None) -> list[pa.Array]:
        """Columns (all, or those at `positions`) of the rows of these numbers, which may repeat."""
        columns = self._columns if positions is None else [self._columns[each] for each in positions]
        return [each.take(numbers) for each in columns]

    def keep(self, numbers: Int64Array) -> None:
        """Forget all rows but these; they are numbered anew from 0, in the order given."""
        columns = [appended_column(each.type) for each in self.schema]
        for begin in range(0, len(numbers), _COPIED_AT_ONCE):
            part = numbers[begin : begin + _COPIED_AT_ONCE]
            for old, new in zip(self._columns, columns, strict=True):
                new.append(begin, old.take(part))
        self._columns, self._size = columns, len(numbers)

    def equals(self, numbers: Int64Array, columns: Sequence[pa.Array], at: Int64Array) -> BoolArray:
        """Where stored row `numbers[i]` equals row `at[i]` of `columns`: NULL = NULL, NaN = NaN, -0.0 = 0.0."""
        equal = np.ones(len(numbers), np.bool_)
        for stored, column in zip(self._columns, columns, strict=True):
            equal &= _same(normalize_key(stored.take(numbers)), take_rows(normalize_key(column), at))
        return equal


def _same(left: pa.Array, right: pa.Array) -> BoolArray:
    if pa.types.is_floating(left.type):
        whole = pa.int64() if left.type.bit_width == 64 else pa.int32()
        left, right = left.view(whole), right.view(whole)
    same = pc.fill_null(pc.equal(left, right), False)
    if left.null_count and right.null_count:
        same = pc.or_(same, pc.and_(left.is_null(), right.is_null()))
    return np.asarray(same.to_numpy(zero_copy_only=False))
