"""Between the engine's Arrow layout and DuckDB's: intervals are whole numbers there, names and nullability differ."""

from __future__ import annotations

import pyarrow as pa

from streamsql.batch_mode.nested import rebuild, rebuild_column
from streamsql.expr.duckdb_kernel import for_duckdb
from streamsql.expr.types import Schema, arrow_type


def conform(table: pa.Table, schema: Schema) -> pa.Table:
    """A result's columns, by position, with the names and exactly the Arrow types of the schema."""
    columns = [
        column if column.type == (wanted := arrow_type(each.type)) else rebuild_column(column, wanted, _cast)
        for column, each in zip(table.columns, schema.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema.to_arrow())


def to_duckdb(array: pa.Array) -> pa.Array:
    """A column as DuckDB gets it; nothing is copied but for lengths of time inside nested values."""
    wanted = for_duckdb(array.type)
    return array if wanted == array.type else rebuild(array, wanted, _cast)


def _cast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    return array if array.type == wanted else array.cast(wanted)
