"""Batches of binary files in the shape of a declared schema, and small batches gathered to large ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from streamsql.errors import DataError, UsageError
from streamsql.expr.types import Column, Schema, arrow_type, from_arrow
from streamsql_connectors.formats.conform import check, conform


def shaped(
    batch: pa.RecordBatch | None, schema: Schema, columns: Sequence[str], file: str, rows: int
) -> dict[str, pa.Array]:
    """The wanted columns by name in their declared types; all NULL where the file has none of that name."""
    types = {each.name: each.type for each in schema}
    arrays = {}
    for name in columns:
        position = -1 if batch is None else batch.schema.get_field_index(name)
        if position < 0:
            arrays[name] = pa.nulls(rows, arrow_type(types[name]))
        else:
            assert batch is not None
            arrays[name] = conform(batch.column(position), types[name], name, file)
    return arrays


def inferred(found: pa.Schema, file: str) -> Schema:
    """The columns of a file as SQL has them; DataError naming the column that SQL has no type for."""
    columns = []
    for field in found:
        try:
            columns.append(Column(field.name, from_arrow(field.type).with_nullable(field.nullable)))
        except UsageError:
            raise DataError(
                f"{file}: column {field.name} is {field.type}, which no SQL type holds",
                hint="declare the table's columns without it",
            ) from None
    return Schema(tuple(columns))


def check_types(found: pa.Schema, schema: Schema, file: str) -> None:
    """DataError for the first declared column that the file has with a type that does not fit."""
    for column in schema:
        position = found.get_field_index(column.name)
        if position >= 0:
            check(found.field(position).type, column.type, column.name, file)


class Gathered:
    """Keeps batches until there are enough rows to be written at once."""

    def __init__(self, enough: int, write: Callable[[pa.Table], None]) -> None:
        self._enough = enough
        self._write = write
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Keep the rows; write all that are kept once they are enough."""
        if rows.num_rows:
            self._batches.append(rows)
            self._rows += rows.num_rows
        if self._rows >= self._enough:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        if self._batches:
            self._write(pa.Table.from_batches(self._batches))
        self._batches, self._rows = [], 0
