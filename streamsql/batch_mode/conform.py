"""DuckDB's Arrow results in the engine's own layout."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch_mode.nested import rebuild_column
from streamsql.errors import DataError
from streamsql.expr.types import Schema, arrow_type

_INTERVAL = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_DAY = 86_400_000_000


def conform(table: pa.Table, schema: Schema) -> pa.Table:
    """The table's columns, by position, with the names and exactly the Arrow types of the schema."""
    columns = [
        _column(column, arrow_type(each.type)) for column, each in zip(table.columns, schema.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema.to_arrow())


def _column(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == wanted else rebuild_column(column, wanted, _leaf)


def _leaf(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_interval(array.type):
        return _interval(array, wanted)
    return array if array.type == wanted else array.cast(wanted)


def _interval(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """An interval as microseconds or as months, whichever the wanted type holds."""
    parts = np.frombuffer(array.buffers()[1], _INTERVAL, len(array), array.offset * _INTERVAL.itemsize)
    months, days, micros = parts["months"], parts["days"].astype(np.int64), parts["nanoseconds"] // 1_000
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    if not pa.types.is_duration(wanted):
        return pa.array(np.where(valid, months, 0), wanted, mask=~valid)
    if (months[valid] != 0).any():
        raise DataError("an interval of months cannot be given as a length of time")
    return pa.array(np.where(valid, days * _DAY + micros, 0), mask=~valid).cast(wanted)
