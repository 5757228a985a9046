"""Rows from Python as Arrow: dicts, tuples, DataFrames and whatever exports Arrow, checked against columns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import UsageError, did_you_mean
from streamsql.expr.types import INTEGERS, STRINGS, Column, Kind, Schema, arrow_type, from_arrow

ROWS = "a dict, a list of dicts or tuples, an Arrow table, or a pandas or polars DataFrame"
_FROM_ISO: dict[Kind, Callable[[str], Any]] = {
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
    Kind.TIMESTAMP_LTZ: datetime.fromisoformat,
}


def rows_for(rows: Any, table: str, schema: Schema) -> pa.RecordBatch:
    """The rows in exactly the layout of a table's columns, found by name; columns that are absent are NULL.

    UsageError for a column that the table does not have, a value that does not fit, or NULL where it is NOT NULL.
    """
    layout = schema.to_arrow()
    if isinstance(rows, Mapping) or (isinstance(rows, tuple) and not _holds_rows(rows)):
        rows = [rows]
    if isinstance(rows, pa.RecordBatch) and rows.schema.names == layout.names and rows.schema.types == layout.types:
        arrays = rows.columns
    elif isinstance(rows, Sequence) and not isinstance(rows, str | bytes):
        arrays = _from_rows(rows, table, schema)
    elif (found := tabular(rows)) is not None:
        arrays = _from_table(found, table, schema)
    else:
        raise UsageError(f"cannot push {_article(rows)} to {table}", hint=f"push {ROWS}")
    for column, array in zip(schema, arrays, strict=True):
        if not column.type.nullable and array.null_count:
            row = pc.index(array.is_null(), True).as_py() + 1
            raise UsageError(f"{table}.{column.name} is {column.type}, row {row} has no value")
    return pa.RecordBatch.from_arrays(arrays, schema=layout)


def tabular(value: Any) -> pa.Table | None:
    """All rows of an Arrow, pandas, polars or DuckDB object; None for anything else."""
    if isinstance(value, pa.Table):
        return value
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    if _is_pandas(value):
        return from_pandas(value)
    if hasattr(value, "__arrow_c_stream__"):
        try:
            return pa.RecordBatchReader.from_stream(value).read_all()
        except pa.ArrowInvalid as error:
            if "non-struct type" not in str(error):
                raise
            return None  # a single column, such as a Series
    return None


def from_pandas(frame: Any) -> pa.Table:
    """A DataFrame's columns without its index; NaN and NA are NULL."""
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        hint = "give the column one type, such as with astype()"
        raise UsageError(f"the DataFrame cannot be read: {'; '.join(map(str, error.args))}", hint=hint) from error


def normal_form(column: pa.ChunkedArray) -> pa.Array:
    """The values in the engine's layout of their own type: categories by value, nanoseconds cut to microseconds."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    wanted = _normal_type(array.type)
    if array.type == wanted:
        return array
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = pc.floor_temporal(array, unit="microsecond")
    return array if array.type == wanted else array.cast(wanted, safe=False)


@lru_cache(maxsize=1024)
def _normal_type(type_: pa.DataType) -> pa.DataType:
    return arrow_type(from_arrow(type_))


def _is_pandas(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def _holds_rows(rows: tuple[Any, ...]) -> bool:
    return bool(rows) and all(isinstance(each, Mapping | tuple) for each in rows)


def _from_rows(rows: Sequence[Any], table: str, schema: Schema) -> list[pa.Array]:
    names = schema.names
    known = set(names)
    for number, row in enumerate(rows, 1):
        if isinstance(row, Mapping):
            if not known.issuperset(row):
                unknown = next(each for each in row if each not in known)
                raise _unknown_column(table, str(unknown), schema, f"row {number}")
        elif not isinstance(row, tuple):
            raise UsageError(
                f"row {number} for {table} is {_article(row)}", hint="write a dict or a tuple for each row"
            )
        elif len(row) != len(names):
            raise UsageError(
                f"row {number} has {len(row)} values, {table} has {len(names)} columns: {', '.join(names)}"
            )
    return [
        _column([row.get(each.name) if isinstance(row, Mapping) else row[index] for row in rows], table, each)
        for index, each in enumerate(schema)
    ]


def _column(values: list[Any], table: str, column: Column) -> pa.Array:
    layout = arrow_type(column.type)
    try:
        # Asked for integers at once, Arrow would cut the fraction of a float off.
        return pa.array(values).cast(layout) if column.type.kind in INTEGERS else pa.array(values, layout)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        pass  # found again below, value by value, to say which
    converted = []
    for number, value in enumerate(values, 1):
        try:
            converted.append(_scalar(value, column, layout))
        except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
            message = f"{table}.{column.name} is {column.type.with_nullable(True)}, row {number} has {value!r}"
            raise UsageError(message, hint=_conversion_hint(value, column)) from error
    return pa.array(converted, layout)


def _scalar(value: Any, column: Column, layout: pa.DataType) -> Any:
    """The value as Arrow takes it; dates and times may be text in ISO form."""
    if isinstance(value, str) and column.type.kind in _FROM_ISO:
        value = _FROM_ISO[column.type.kind](value)
    return pa.scalar(value).cast(layout) if column.type.kind in INTEGERS else pa.scalar(value, layout)


def _conversion_hint(value: Any, column: Column) -> str | None:
    if column.type.kind is Kind.DECIMAL and isinstance(value, float):
        return "push a decimal.Decimal"
    if column.type.kind in STRINGS:
        return "push a str"
    if column.type.kind in _FROM_ISO:
        return "push a date, time or datetime, or its text in ISO form"
    return None


def _from_table(rows: pa.Table, table: str, schema: Schema) -> list[pa.Array]:
    given = rows.column_names
    for name in given:
        if name not in schema.names:
            raise _unknown_column(table, name, schema, "the data")
    return [
        _cast(normal_form(rows.column(each.name)), layout, table, each)
        if each.name in given
        else pa.nulls(rows.num_rows, layout)
        for each, layout in zip(schema, schema.to_arrow().types, strict=True)
    ]


def _cast(array: pa.Array, layout: pa.DataType, table: str, column: Column) -> pa.Array:
    if array.type == layout:
        return array
    given = from_arrow(array.type)
    message = f"{table}.{column.name} is {column.type.with_nullable(True)}, the data has {given}"
    if (given.kind in STRINGS) != (column.type.kind in STRINGS) and not pa.types.is_null(array.type):
        raise UsageError(message, hint="convert the column first")
    try:
        return array.cast(layout)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(message, hint=str(error)) from error


def _unknown_column(table: str, name: str, schema: Schema, where: str) -> UsageError:
    hint = did_you_mean(name, schema.names, kind="columns")
    return UsageError(f"{table} has no column {name}, {where} has", hint=hint)


def _article(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
