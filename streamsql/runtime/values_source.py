"""VALUES as a bounded source without watermark."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from streamsql.expr.literals import to_array
from streamsql.plan.logical import Scan, Table, Values
from streamsql.plan.tree import schema_of
from streamsql.ports import ReadRequest, SourceBatch


class ValuesSource:
    """Delivers the rows of a VALUES clause."""

    bounded = True
    in_memory = True

    def __init__(self, plan: Values) -> None:
        self.schema = schema_of(plan.fields)
        self._plan = plan

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """Batches of the rows; the position counts them."""
        rows = self._rows()
        start = int(request.start["rows"]) if request.start else 0
        for begin in range(start, rows.num_rows, request.batch_rows):
            batch = rows.slice(begin, request.batch_rows)
            yield SourceBatch(batch, {"rows": begin + batch.num_rows})

    def _rows(self) -> pa.RecordBatch:
        if not self._plan.fields:
            return pa.record_batch([pa.nulls(len(self._plan.rows))], [""]).select([])
        arrays = [
            to_array(field.type, [row[index].value for row in self._plan.rows])
            for index, field in enumerate(self._plan.fields)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema.to_arrow())


def values_scan(plan: Values) -> Scan:
    """The scan that reads a VALUES clause."""
    table = Table("VALUES", schema_of(plan.fields).columns)
    return Scan(fields=plan.fields, physical=plan.fields, table=table, span=plan.span)
