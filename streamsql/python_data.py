"""Data of a Python program as tables: Arrow, pandas, polars, DuckDB, and lists of dicts, in the engine's layout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.expr.types import Column, Schema, from_arrow_schema
from streamsql.ports import ReadRequest, SourceBatch
from streamsql.python_rows import normal_form, tabular
from streamsql.record import record

READABLE = (
    "an Arrow table, batch, reader or dataset, a pandas or polars DataFrame, a DuckDB relation, or a list of dicts"
)
_SMALL = 4_096
Batches = Callable[[list[str], int], Iterator[pa.RecordBatch]]
"""The batches of some columns, at most so many rows each."""


@record(eq=False)
class PythonData:
    """An object that can be read as a table, with the columns that it has in SQL."""

    name: str
    schema: Schema
    batches: Batches

    def source(self) -> PythonSource:
        """A fresh reading of it."""
        return PythonSource(self)


@record(eq=False, frozen=False)
class PythonSource:
    """Reads an object of the program in its order."""

    data: PythonData
    bounded = True
    in_memory = True

    @property
    def schema(self) -> Schema:
        return self.data.schema

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """Batches in the engine's layout; the position counts rows delivered."""
        skip = int(request.start["rows"]) if request.start else 0
        done = 0
        for rows in self.data.batches(list(request.columns), request.batch_rows):
            start = min(max(0, skip - done), rows.num_rows)
            done += rows.num_rows
            if start < rows.num_rows:
                columns = [normal_form(each) for each in rows.slice(start).columns]
                ready = pa.RecordBatch.from_arrays(columns, names=list(request.columns)) if columns else rows
                yield SourceBatch(ready, {"rows": done})


def python_data(name: str, value: Any) -> PythonData | None:
    """The object as a table of this name; None where it is nothing that can be read as one.

    UsageError where it is, but holds what SQL has no type for.
    """
    dataset = sys.modules.get("pyarrow.dataset")
    if isinstance(value, pa.RecordBatchReader):
        return PythonData(name, _columns(name, value.schema), _OnceOnly(name, value))
    if dataset is not None and isinstance(value, dataset.Dataset):
        return PythonData(name, _columns(name, value.schema), _dataset_batches(value))
    rows = _from_dicts(name, value) if _is_list_of_dicts(value) else tabular(_collected(value))
    return None if rows is None else PythonData(name, _columns(name, rows.schema), _table_batches(rows))


def _collected(value: Any) -> Any:
    """A polars LazyFrame computed, anything else as it is."""
    polars = sys.modules.get("polars")
    return value.collect() if polars is not None and isinstance(value, polars.LazyFrame) else value


def _columns(name: str, schema: pa.Schema) -> Schema:
    twice = next((each for each in schema.names if schema.names.count(each) > 1), None)
    if twice is not None:
        raise UsageError(f"{name} has two columns {twice}")
    columns = []
    for field in schema:
        try:
            (column,) = from_arrow_schema(pa.schema([field]))
        except UsageError as error:
            raise UsageError(f"{name}.{field.name}: {error.message}", hint=error.hint) from error
        columns.append(Column(column.name, column.type))
    return Schema(tuple(columns))


def _is_list_of_dicts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _from_dicts(name: str, rows: list[Mapping[str, Any]]) -> pa.Table:
    names = dict.fromkeys(key for row in rows for key in row)
    columns = {}
    for each in names:
        try:
            columns[str(each)] = pa.array([row.get(each) for row in rows])
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            hint = "give its values one type, or make an Arrow table with a schema"
            raise UsageError(f"{name}.{each} has values that no one type holds: {error}", hint=hint) from error
    return pa.table(columns)


def _table_batches(rows: pa.Table) -> Batches:
    def batches(columns: list[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
        return iter(rows.select(columns).to_batches(max_chunksize=batch_rows))

    if rows.num_columns and rows.num_rows < _SMALL * max(each.num_chunks for each in rows.columns):
        rows = rows.combine_chunks()
    return batches


def _dataset_batches(dataset: Any) -> Batches:
    def batches(columns: list[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
        found: Iterator[pa.RecordBatch] = dataset.to_batches(columns=columns, batch_size=batch_rows)
        return found

    return batches


@record(eq=False, frozen=False)
class _OnceOnly:
    """The batches of a reader, which can be read once."""

    name: str
    reader: pa.RecordBatchReader
    read: bool = False

    def __call__(self, columns: list[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
        if self.read:
            hint = f"keep its rows: {self.name} = {self.name}.read_all()"
            raise UsageError(f"{self.name} is a reader, whose rows have been read", hint=hint)
        self.read = True
        for batch in self.reader:
            rows = batch.select(columns)
            for start in range(0, rows.num_rows, batch_rows):
                yield rows.slice(start, batch_rows)
