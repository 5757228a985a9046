"""Between the engine's Arrow layout and DuckDB's: intervals are whole numbers there, names and nullability differ."""

from __future__ import annotations

import pyarrow as pa

from streamsql.batch_mode.nested import rebuild, rebuild_column
from streamsql.expr.types import Schema, arrow_type


def conform(table: pa.Table, schema: Schema) -> pa.Table:
    """A result's columns, by position, with the names and exactly the Arrow types of the schema."""
    columns = [
        column if column.type == (wanted := arrow_type(each.type)) else rebuild_column(column, wanted, _cast)
        for column, each in zip(table.columns, schema.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema.to_arrow())


def for_duckdb(type_: pa.DataType) -> pa.DataType:
    """The type in which DuckDB gets a column: lengths of time as whole microseconds, at any depth."""
    if pa.types.is_duration(type_):
        return pa.int64()
    if pa.types.is_map(type_):
        return pa.map_(for_duckdb(type_.key_type), for_duckdb(type_.item_type))
    if pa.types.is_list(type_):
        return pa.list_(for_duckdb(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(each.name, for_duckdb(each.type)) for each in type_])
    return type_


def to_duckdb(array: pa.Array) -> pa.Array:
    """A column as DuckDB gets it; nothing is copied but for lengths of time inside nested values."""
    wanted = for_duckdb(array.type)
    return array if wanted == array.type else rebuild(array, wanted, _cast)


def _cast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    return array if array.type == wanted else array.cast(wanted)
