"""RowSlots: whole rows addressed by dense ids, which are given out again when rows are removed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.nested_keys import decode_nested, encode_nested
from streamsql.state.stored_column import StoredColumn, stored_column


class RowSlots(State):
    """Rows of one schema; values come back just as they were put."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._columns: list[StoredColumn] = [stored_column(_stored_type(each)) for each in schema.types]
        self._bound = 0
        self._free = np.empty(0, np.int64)

    @property
    def rows(self) -> int:
        return self._bound - len(self._free)

    @property
    def bound(self) -> int:
        """All ids are below it."""
        return self._bound

    def insert(self, rows: pa.RecordBatch) -> Int64Array:
        """Keep rows; their ids: freed ones first, then the next."""
        ids = self._new_ids(rows.num_rows)
        self._put(ids, rows.columns)
        return ids

    def take(self, ids: Int64Array) -> pa.RecordBatch:
        """The rows of ids, which may repeat."""
        return pa.RecordBatch.from_arrays([self.column(i, ids) for i in range(len(self._columns))], schema=self.schema)

    def column(self, position: int, ids: Int64Array) -> pa.Array:
        """One column of the rows of ids."""
        values, type_ = self._columns[position].take(ids), self.schema.types[position]
        return decode_nested(values, type_) if pa.types.is_nested(type_) else values

    def remove(self, ids: Int64Array) -> None:
        """Forget rows; ids are distinct."""
        if len(ids):
            self._free = np.concatenate([self._free, np.sort(ids)[::-1]])

    def live_ids(self) -> Int64Array:
        """The ids in use, ascending."""
        used = np.ones(self._bound, np.bool_)
        used[self._free] = False
        return np.flatnonzero(used)

    def save(self) -> dict[str, pa.Table]:
        ids = self.live_ids()
        columns = {f"c{i}": each for i, each in enumerate(self.take(ids).columns)}
        return {"rows": pa.table({"id": int64_array(ids), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["rows"]
        ids = values_of(single_chunk(table["id"]))
        self._bound = int(ids.max(initial=-1)) + 1
        free = np.ones(self._bound, np.bool_)
        free[ids] = False
        self._free = np.flatnonzero(free)[::-1].copy()
        self._put(ids, [single_chunk(table[f"c{i}"]) for i in range(len(self._columns))])

    def _put(self, ids: Int64Array, columns: list[pa.Array]) -> None:
        for stored, values in zip(self._columns, columns, strict=True):
            stored.put(ids, encode_nested(values) if pa.types.is_nested(values.type) else values)

    def _new_ids(self, count: int) -> Int64Array:
        reused = min(count, len(self._free))
        split = len(self._free) - reused
        again, self._free = self._free[split:][::-1], self._free[:split]
        fresh = np.arange(self._bound, self._bound + count - reused)
        self._bound += len(fresh)
        return np.concatenate([again, fresh])


def _stored_type(type_: pa.DataType) -> pa.DataType:
    return pa.binary() if pa.types.is_nested(type_) else type_
