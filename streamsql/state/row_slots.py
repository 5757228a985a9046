"""RowSlots: whole rows addressed by dense ids, which are given out again when rows are removed."""

from __future__ import annotations

import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.dense_ids import DenseIds
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.nested_keys import decode_nested, encode_nested
from streamsql.state.stored_column import StoredColumn, stored_column


class RowSlots(State):
    """Rows of one schema; values come back just as they were put."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._columns: list[StoredColumn] = [stored_column(_stored_type(each)) for each in schema.types]
        self._used = DenseIds()

    @property
    def rows(self) -> int:
        return len(self._used)

    @property
    def bound(self) -> int:
        """All ids are below it."""
        return self._used.bound

    def insert(self, rows: pa.RecordBatch) -> Int64Array:
        """Keep rows; their ids: freed ones first, then the next."""
        ids = self._used.take(rows.num_rows)
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
        self._used.free(ids)

    def live_ids(self) -> Int64Array:
        """The ids in use, ascending."""
        return self._used.live()

    def save(self) -> dict[str, pa.Table]:
        ids = self.live_ids()
        columns = {f"c{i}": each for i, each in enumerate(self.take(ids).columns)}
        return {"rows": pa.table({"id": int64_array(ids), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["rows"]
        ids = values_of(single_chunk(table["id"]))
        self._used.restore(ids)
        self._put(ids, [single_chunk(table[f"c{i}"]) for i in range(len(self._columns))])

    def _put(self, ids: Int64Array, columns: list[pa.Array]) -> None:
        for stored, values in zip(self._columns, columns, strict=True):
            stored.put(ids, encode_nested(values) if pa.types.is_nested(values.type) else values)


def _stored_type(type_: pa.DataType) -> pa.DataType:
    return pa.binary() if pa.types.is_nested(type_) else type_
