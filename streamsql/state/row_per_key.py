"""RowPerKey: one row of each key, addressed by the id of the key."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.key_index import KeyIndex
from streamsql.state.nested_keys import decode_nested, encode_nested
from streamsql.state.stored_column import StoredColumn, stored_column


class RowPerKey(State):
    """Rows of one schema beside an index of keys of other or the same columns; values come back as they were put.

    Every key in `index` has a row: who makes a key puts it, who frees one need do no more.
    """

    def __init__(self, schema: pa.Schema, key_types: Sequence[pa.DataType]) -> None:
        self.schema = schema
        self.index = KeyIndex(key_types)
        self._columns: list[StoredColumn] = [stored_column(_stored_type(each)) for each in schema.types]

    @property
    def rows(self) -> int:
        return self.index.rows

    def take(self, ids: Int64Array) -> pa.RecordBatch:
        """The rows of ids, which may repeat."""
        return pa.RecordBatch.from_arrays([self.column(i, ids) for i in range(len(self._columns))], schema=self.schema)

    def column(self, position: int, ids: Int64Array) -> pa.Array:
        """One column of the rows of ids."""
        values, type_ = self._columns[position].take(ids), self.schema.types[position]
        return decode_nested(values, type_) if pa.types.is_nested(type_) else values

    def put(self, ids: Int64Array, columns: Sequence[pa.Array]) -> None:
        """Set the rows of distinct ids."""
        for stored, values in zip(self._columns, columns, strict=True):
            stored.put(ids, encode_nested(values) if pa.types.is_nested(values.type) else values)

    def save(self) -> dict[str, pa.Table]:
        ids = self.index.live_ids()
        columns = {f"c{i}": each for i, each in enumerate(self.take(ids).columns)}
        return {**self.index.save(), "rows": pa.table({"id": int64_array(ids), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self.index.load(tables)
        ids = values_of(single_chunk(tables["rows"]["id"]))
        self.put(ids, [single_chunk(tables["rows"][f"c{i}"]) for i in range(len(self._columns))])


def _stored_type(type_: pa.DataType) -> pa.DataType:
    return pa.binary() if pa.types.is_nested(type_) else type_
