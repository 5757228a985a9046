"""Changes as Debezium events."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import STRING, Column, Schema, row
from streamsql.ports import RowKind
from streamsql_connectors.formats.json_encode import JsonWriter
from streamsql_connectors.formats.json_options import JsonStyle

_TAKEN_BACK = [RowKind.UPDATE_BEFORE.short, RowKind.DELETE.short]


class DebeziumWriter:
    """Writes one event a row; the first column of the rows says their kind."""

    def __init__(self, schema: Schema, target: BinaryIO, style: JsonStyle) -> None:
        image = row(schema.names[1:], schema.types[1:])
        events = Schema((Column("before", image), Column("after", image), Column("op", STRING)))
        self._schema = events.to_arrow()
        self._fields = list(self._schema.field("after").type)
        self._writer = JsonWriter(events, target, style)

    def write(self, rows: pa.RecordBatch) -> None:
        """One line a row: `d` with the row before, or `c` with the row after."""
        gone = pc.is_in(rows.column(0), pa.array(_TAKEN_BACK))
        values = rows.columns[1:]
        before = pa.StructArray.from_arrays(values, fields=self._fields, mask=pc.invert(gone))
        after = pa.StructArray.from_arrays(values, fields=self._fields, mask=gone)
        op = pc.if_else(gone, "d", "c")
        self._writer.write(pa.RecordBatch.from_arrays([before, after, op], schema=self._schema))

    def finish(self) -> None:
        """Nothing belongs at the end."""
        self._writer.finish()
